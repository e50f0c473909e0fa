"""Factorized priors at any rate: a density and a scale per rate while training, one bank of shared tables when frozen.

The density itself is nets/density.py; which table codes which channel at which rate becomes a row of the model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from calotype.coding.densities import LN2, Factorized
from calotype.coding.frequencies import bank_from_probabilities
from calotype.coding.tables import TableBank
from calotype.nets.density import Density
from calotype.train.anchors import at

__all__ = ["CountedPrior", "Prior", "shared"]

MOST_TABLES = 192  # a decoder's look-up table takes 128 KiB each
_SMALLEST = 2.0**-14  # what an entry of a table costs at least to have


_LOGIT = 8.0  # what a unit of a `CountedPrior` parameter is worth: steps of optimisers are made for weights


class Prior(nn.Module):
    """Distribution of one name's values: the density of a channel, stretched by a scale that depends on the rate.

    channels   of the values
    anchors    how many rates have scales of their own; 1: all share them
    levels     at how many rates tables are made
    reach      symbols beyond it always escape
    density    (channels) -> module as nets/density.py has them
    masked     table 0 codes nothing: a walk says which values are coded (`Factorized.kept`)
    """

    def __init__(
        self,
        name: str,
        channels: int,
        anchors: int,
        *,
        levels: int = 33,
        reach: int = 400,
        density: Callable[[int], nn.Module] = Density,
        masked: bool = False,
    ) -> None:
        super().__init__()
        self.name, self.levels, self.reach, self.masked = name, levels, reach, masked
        self.density = density(channels)
        self.log_scale = nn.Parameter(torch.zeros(anchors, channels))

    def distribution(self, rate: Tensor) -> Factorized:
        """The prior at rates [b] in [0, 1], for the training port."""
        scale = at(self._anchors(), rate)[:, :, None, None]
        return Factorized(None, self.name, density=lambda values: self.density(values, scale))

    def _anchors(self) -> Tensor:
        """Scales at two rates or more."""
        return self.log_scale if len(self.log_scale) > 1 else self.log_scale.expand(2, -1)

    @torch.no_grad()
    def frozen(self) -> tuple[TableBank, np.ndarray]:
        """The bank, and the table of every channel at each level of rate, int32 [levels, c]."""
        levels = at(self._anchors().double(), torch.linspace(0, 1, self.levels, dtype=torch.double))
        inverse = torch.exp(-levels).T[:, :, None]  # c levels 1
        edges = torch.arange(-self.reach, self.reach + 2, dtype=torch.double) - 0.5
        places = (edges * inverse).reshape(len(inverse), 1, -1)
        density = self.density.double()
        shape = len(inverse), self.levels, len(edges)
        low, high = (
            places.reshape(shape)[..., part].reshape(len(inverse), 1, -1) for part in (slice(-1), slice(1, None))
        )
        mass = density.mass(low, high).reshape(-1, len(edges) - 1).numpy()
        self.density.float()
        tables, chosen = shared(mass, MOST_TABLES)
        rows = chosen.reshape(-1, self.levels).T.astype(np.int32) + self.masked
        first = [(0, np.empty(0))] * self.masked
        return bank_from_probabilities(first + [_trimmed(table, -self.reach) for table in tables]), rows


class CountedPrior(nn.Module):
    """Distribution of few symbols, `low` and those after it, each with a free probability for every channel and rate.

    Interface as `Prior`; between two symbols bits are interpolated, for values that are to learn from them.
    """

    def __init__(self, name: str, channels: int, anchors: int, *, symbols: int, low: int = 0, levels: int = 33) -> None:
        super().__init__()
        self.name, self.symbols, self.low, self.levels = name, symbols, low, levels
        self.logits = nn.Parameter(torch.zeros(anchors, channels, symbols))

    def bits(self, rate: Tensor) -> Tensor:
        """Bits of every symbol at rates [b]: [b, c, symbols]."""
        logits = self.logits if len(self.logits) > 1 else self.logits.expand(2, -1, -1)
        return torch.log_softmax(at(logits, rate) * _LOGIT, -1) * (-1 / LN2)

    @torch.no_grad()
    def begin(self, anchor: int, values: Tensor) -> None:
        """Start the probabilities at an anchor from symbols [b, c, h, w] that were counted."""
        seen = (values.round() - self.low).clamp(0, self.symbols - 1).transpose(0, 1).flatten(1).long()
        counts = torch.ones_like(self.logits[anchor]).scatter_add_(1, seen, torch.ones_like(seen, dtype=torch.float32))
        self.logits[anchor] = torch.log(counts / counts.sum(1, keepdim=True)) / _LOGIT

    def distribution(self, rate: Tensor) -> Factorized:
        """The prior at rates [b] in [0, 1], for the training port."""
        bits = self.bits(rate)

        def density(values: Tensor) -> Tensor:
            place = (values - self.low).clamp(0, self.symbols - 1)
            low = place.detach().floor().clamp(max=self.symbols - 2)
            ends = [torch.gather(bits, 2, (low + k).long().flatten(2)).reshape(low.shape) for k in (0, 1)]
            return ends[0] + (place - low) * (ends[1] - ends[0])

        return Factorized(None, self.name, density=density)

    @torch.no_grad()
    def frozen(self) -> tuple[TableBank, np.ndarray]:
        """The bank, and the table of every channel at each level of rate, int32 [levels, c]; table 0 codes nothing."""
        mass = torch.exp2(-self.bits(torch.linspace(0, 1, self.levels)).double()).numpy()
        tables, chosen = shared(mass.reshape(-1, self.symbols), MOST_TABLES - 1)
        rows = chosen.reshape(self.levels, -1).astype(np.int32) + 1
        worth = np.maximum(tables, _SMALLEST)
        return bank_from_probabilities([(0, np.empty(0)), *((self.low, t / max(1.0, t.sum())) for t in worth)]), rows


def shared(tables: np.ndarray, most: int, tolerance: float = 0.002) -> tuple[np.ndarray, np.ndarray]:
    """Few tables that serve for many: a table goes when another one codes its symbols nearly as well.

    tables      [n, symbols] probabilities; what is missing to 1 escapes
    tolerance   share of the entropy that a symbol may cost more; doubled until at most `most` are left
    returns     [k, symbols], and for each of the n which one codes it, int [n]
    """
    tables = tables.astype(np.float64)
    lengths = -np.log2(np.maximum(tables, _SMALLEST))
    own = (tables * lengths).sum(1)
    extra = tables @ lengths.T - own[:, None]  # n of coding row i with table j
    allowed = np.maximum(own, 0.05)
    while True:
        kept: list[int] = []
        for i in np.argsort(own, kind="stable"):
            if not kept or extra[i, kept].min() > tolerance * allowed[i]:
                kept.append(int(i))
        if len(kept) <= most:
            return tables[kept], extra[:, kept].argmin(1)
        tolerance *= 2


def _trimmed(table: np.ndarray, offset: int) -> tuple[int, np.ndarray]:
    """The symbols worth an entry of their own, and the smallest of them."""
    (worth,) = np.nonzero(table > _SMALLEST)
    low, high = (int(worth[0]), int(worth[-1]) + 1) if worth.size else (-offset, -offset + 1)
    return offset + low, table[low:high] / max(1.0, table.sum())

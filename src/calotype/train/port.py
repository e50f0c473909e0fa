"""The training port: the same walk, differentiable. Not here: losses' weights (systems), the loop.

Symbols are chosen as the writer would choose them, without gradients; what a walk sees of them is constant. The bits of
a name are worked out once, after all its steps, with the gradients that `coding.densities` defines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from calotype.coding.densities import Laplace
from calotype.train import laplace
from calotype.walks.orders import Lattice

__all__ = ["TrainingPort"]

FARTHEST_BITS = 15.0  # no entry of a table costs more than 14
ESCAPE_BITS = 18.0  # measured on barely trained models; trained ones have no escapes to speak of


@lru_cache(maxsize=256)
def _here(lattice: Lattice, c: int, h: int, w: int, device: torch.device) -> Tensor:
    """The positions of a lattice, bool [c, h, w]; kept on the device, where a captured step must not copy."""
    return torch.from_numpy(lattice.mask(c, h, w)).to(device)


def _restored(distribution: Any, symbols: Tensor, certain: Tensor) -> Tensor:
    """Values as a decoder knows them, constant to gradients."""
    restored = torch.where(certain, torch.zeros_like(symbols), symbols)
    return restored if distribution.mean16 is None else restored + distribution.mean16.detach() / 16


@dataclass
class _Coded:
    """What has been coded under one name so far: merged distribution parameters, symbols and certainty."""

    values: Tensor
    distribution: Any
    symbols: Tensor
    certain: Tensor


@dataclass
class TrainingPort:
    """Port for torch arrays.

    shapes      {name: (b, c, h, w)}
    tradeoffs   {name: [b, c, 1, 1]}: bits that a squared step of distortion is worth, for the quantizer
    hard        count what the coder would write: certain symbols are free, no smooth gradients (validation, law L2)
    """

    shapes: Mapping[str, tuple[int, int, int, int]]
    tradeoffs: Mapping[str, Tensor] = field(default_factory=dict)
    hard: bool = False

    def __post_init__(self) -> None:
        self._coded: dict[str, _Coded] = {}
        self.losses: list[Tensor] = []

    def shape(self, name: str) -> tuple[int, int, int, int]:
        return self.shapes[name]

    def code(
        self, name: str, values: Tensor, distribution: Any, lattice: Lattice | None = None, onto: Tensor | None = None
    ) -> Tensor:
        """Quantize the positions of `lattice` and return what the decoder will know: [b, c, h, w], constant to gradients
        unless the distribution asks for `straight_through`."""
        symbols, certain = distribution.hard(values, self.tradeoffs.get(name))
        restored = _restored(distribution, symbols, certain)
        if lattice is None or lattice.is_full:
            self._coded[name] = _Coded(values, distribution, symbols, certain)
            if getattr(distribution, "straight_through", False):
                return values + (restored - values).detach()
            return restored
        _, c, h, w = values.shape
        here = _here(lattice, c, h, w, values.device)
        before = self._coded.get(name)
        if before is None:
            self._coded[name] = _Coded(values, distribution, symbols, certain)
            known = torch.zeros_like(values) if onto is None else onto
        else:
            merged = {
                key: None if new is None else torch.where(here, new, getattr(before.distribution, key))
                for key, new in ((key, getattr(distribution, key)) for key in distribution.arrays)
            }
            self._coded[name] = _Coded(
                values,
                replace(distribution, **merged),
                torch.where(here, symbols, before.symbols),
                torch.where(here, certain, before.certain),
            )
            assert onto is not None
            known = onto
        return torch.where(here, restored, known)

    def settle(self, name: str, values: Tensor, predict: Callable[[Tensor], Any], fronts: int) -> Tensor:
        """Code values in whose distributions earlier ones of the same name enter, all at once.

        predict   values known [b, c, h, w] -> distribution; what it says of a position depends on earlier fronts only
        Coding in order is the fixed point of predicting from what was coded, and each round settles one more front at
        least, in practice nearly all: `hard` goes on until nothing changes, training takes one round.
        """
        with torch.no_grad():
            known = torch.floor(values + 0.5)
            for _ in range(fronts if self.hard else 1):
                distribution = predict(known)
                before, known = known, _restored(distribution, *distribution.hard(values))
                if torch.equal(before, known):
                    break
        return self.code(name, values, predict(known))

    def opaque(self, name: str, data: bytes | None) -> bytes:
        """Bytes that a method codes its own way; they cost their length and have no gradient."""
        assert data is not None
        self.losses.append(torch.tensor(8.0 * len(data)))
        return data

    def bits(self) -> dict[str, Tensor]:
        """Bits of every name and sample, [b]; differentiable unless `hard`."""
        found = {}
        for name, coded in self._coded.items():
            if self.hard:
                bits = coded.distribution.bits(coded.symbols)
                # Beyond its table a symbol escapes: the escape's entry, its class, and the bits of its size.
                escaped = ESCAPE_BITS + torch.log2(1 + coded.symbols.abs())
                bits = torch.where(bits > FARTHEST_BITS, escaped, bits)
                bits = torch.where(coded.certain, torch.zeros_like(bits), bits)
            elif isinstance(coded.distribution, Laplace):
                bits = laplace.bits(coded.distribution, coded.symbols, coded.values)
            else:
                bits = coded.distribution.bits(coded.symbols, coded.values)
            found[name] = bits.sum((1, 2, 3))
        return found

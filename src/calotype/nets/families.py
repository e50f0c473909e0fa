"""Families of distributions by scale and shape, as densities for training and as tables when frozen; coding/shapes.py
says how they are coded. A family knows cumulative probabilities of a distribution of scale one; all else follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from calotype.coding.frequencies import bank_from_probabilities
from calotype.coding.shapes import SHAPED_LOW, SHAPED_PER_LOG, SHAPED_STEPS
from calotype.coding.tables import TableBank

__all__ = ["Asymmetric", "Family", "Mixture", "Normal", "Placed"]

_FLOOR_BITS = 16.0  # what an escape costs at most in practice
_SMALLEST = 2.0**-15  # of a table's entries
_REACH = 2047


def _phi(x: Tensor) -> Tensor:
    return 0.5 * torch.erfc(x * -math.sqrt(0.5))


class Family(nn.Module):
    """forward(distances, log_scale, shape), broadcastable -> bits of the unit interval around each distance.

    shapes   how many there are; `shape` is a number 0..shapes - 1, whole when integers decide
    """

    shapes = 1

    def cumulative(self, x: Tensor, shape: Tensor | None) -> Tensor:
        """Probability of what lies below x, in units of the scale, monotone in x."""
        raise NotImplementedError

    def mass(self, distances: Tensor, log_scale: Tensor, shape: Tensor | None) -> Tensor:
        """Probability of the unit interval around each distance."""
        inverse = torch.exp(-log_scale)
        return self.cumulative((distances + 0.5) * inverse, shape) - self.cumulative((distances - 0.5) * inverse, shape)

    def forward(self, distances: Tensor, log_scale: Tensor, shape: Tensor | None) -> Tensor:
        bits = -torch.log2(self.mass(distances, log_scale, shape).clamp_min(0) + 1e-7)
        return torch.where(bits > _FLOOR_BITS, _FLOOR_BITS + 0.02 * (bits - _FLOOR_BITS), bits)

    @torch.no_grad()
    def frozen(self) -> TableBank:
        """All tables, number scale * shapes + shape; those of scale 0 code nothing."""
        k = torch.arange(-_REACH, _REACH + 1, dtype=torch.double)
        family, tables = self.double(), []
        for scale in range(SHAPED_STEPS):
            log_scale = torch.tensor(SHAPED_LOW + scale / SHAPED_PER_LOG, dtype=torch.double)
            for shape in range(self.shapes):
                mass = family.mass(k, log_scale, torch.tensor(float(shape), dtype=torch.double)).numpy()
                tables.append(_trimmed(mass) if scale else (0, np.empty(0)))
        self.float()
        return bank_from_probabilities(tables)


def _trimmed(mass: np.ndarray) -> tuple[int, np.ndarray]:
    """The symbols worth an entry of their own, and the smallest of them."""
    mass = np.maximum(mass, 0)
    (worth,) = np.nonzero(mass > _SMALLEST)
    low, high = int(worth[0]), int(worth[-1]) + 1
    return low - _REACH, mass[low:high] / max(1.0, mass.sum())


class Normal(Family):
    """Gaussian (Balle et al. 2018, arXiv:1802.01436: the convolution with a box is the unit interval's mass)."""

    def cumulative(self, x: Tensor, shape: Tensor | None) -> Tensor:
        return _phi(x)


class Asymmetric(Family):
    """Two half Gaussians, sigma e^-a to the left and sigma e^a to the right (Cui et al. 2021, arXiv:2003.02012).

    Shapes are steps of `a`; the middle one is the symmetric Gaussian.
    """

    shapes = 5
    STEP = 0.35

    def cumulative(self, x: Tensor, shape: Tensor | None) -> Tensor:
        assert shape is not None
        skew = torch.exp((shape - self.shapes // 2) * self.STEP)
        left, right = 1 / skew, skew
        below = left * _phi(x.clamp(max=0) * skew)
        above = right * (_phi(x.clamp(min=0) / skew) - 0.5)
        return 2 * (below + above) / (left + right)


class Placed(Family):
    """Few symbols, `levels` of them around zero, that fall off exponentially from one of them: the shape says from which.

    With two symbols it is any probability of a bit. Symbols are -(levels - 1) // 2 .. levels // 2; no other has any.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.shapes, self.middle = levels, (levels - 1) // 2

    def mass(self, distances: Tensor, log_scale: Tensor, shape: Tensor | None) -> Tensor:
        assert shape is not None
        inverse, place = torch.exp(-log_scale), distances + self.middle
        whole = sum(torch.exp(-(shape - k).abs() * inverse) for k in range(self.shapes))
        inside = (place - (self.shapes - 1) / 2).abs() < self.shapes / 2 + 0.25  # slopes are asked for half-way out
        return torch.where(inside, torch.exp(-(shape - place).abs() * inverse) / whole, torch.zeros_like(place))


class Mixture(Family):
    """Shapes that are learned mixtures of three Gaussians (Cheng et al. 2020, arXiv:2001.01568, in integer form).

    A real-valued shape means parameters between those of its neighbours; tables exist for whole ones only.
    """

    shapes = 5

    def __init__(self, components: int = 3) -> None:
        super().__init__()
        spread = torch.linspace(-1, 1, self.shapes)[:, None]
        place = torch.linspace(-1, 1, components)[None]
        self.weights = nn.Parameter(torch.zeros(self.shapes, components) + 0.5 * spread * place)
        self.means = nn.Parameter(0.8 * place * spread)
        self.log_scales = nn.Parameter(-0.2 + 0.4 * place * (1 - spread.abs()))

    def cumulative(self, x: Tensor, shape: Tensor | None) -> Tensor:
        assert shape is not None
        at = _between(shape, self.shapes)
        weights = torch.softmax(torch.stack([at(self.weights[:, k]) for k in range(self.weights.shape[1])]), 0)
        parts = [
            weights[k] * _phi((x - at(self.means[:, k])) * torch.exp(-at(self.log_scales[:, k])))
            for k in range(len(weights))
        ]
        return sum(parts[1:], parts[0])


def _between(shape: Tensor, shapes: int) -> Callable[[Tensor], Tensor]:
    """Values given at whole shapes, interpolated at real ones."""
    low = shape.detach().floor().clamp(0, shapes - 2).long()
    part = shape - low
    return lambda values: values[low] * (1 - part) + values[low + 1] * part

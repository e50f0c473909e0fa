"""Distributions with a scale and a shape: asymmetric ones, mixtures, Gaussians; coded like Laplace ones, by tables.

Tables are made once from densities (nets/families.py) and numbered scale * shapes + shape; nothing here is a density.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from calotype.coding.densities import constant, namespace

__all__ = ["MOST_SHAPES", "SHAPED_LOW", "SHAPED_PER_LOG", "SHAPED_STEPS", "Shaped"]

# Scale i has ln sigma = SHAPED_LOW + i / SHAPED_PER_LOG; scale 0 is the certain zero, whatever the shape.
SHAPED_STEPS = 32
SHAPED_PER_LOG = 3.5
SHAPED_LOW = -2.5 - 0.5 / SHAPED_PER_LOG
MOST_SHAPES = 6  # a decoder's look-up takes 128 KiB a table: 24 MiB for 32 scales of 6 shapes


@dataclass(frozen=True, eq=False)
class Shaped:
    """Distributions of one family around a mean, coded as round(value - mean).

    mean16    means in sixteenths; None stands for zero
    index     scales 0..31, integer-valued in the exact path, real in float training; 0: certain, not coded
    shape     shapes 0..shapes - 1, likewise; None where the family has only one
    bank      name of the tables
    shapes    how many shapes the family has
    density   in training only: (distances, log_scale, shape) -> bits of the unit interval around each distance
    kept      which values are coded at all, 0 or 1, broadcastable; the others are zero. None: all
    """

    mean16: Any
    index: Any
    shape: Any
    bank: str
    shapes: int = 1
    density: Any = None
    kept: Any = None
    arrays: ClassVar[tuple[str, ...]] = ("mean16", "index", "shape")

    @property
    def table(self) -> Any:
        if self.shape is None:
            return self.index if self.kept is None else self.index * self.kept
        found = np.asarray(self.index, np.int32) * self.shapes + np.asarray(self.shape, np.int32)
        return found if self.kept is None else found * np.asarray(self.kept, np.int32)

    def take(self, lattice: Any) -> Shaped:
        taken = {
            name: lattice.take(array) for name in (*self.arrays, "kept") if (array := getattr(self, name)) is not None
        }
        return replace(self, **taken)

    def quantize(self, values: Any, tradeoff: Any = None) -> np.ndarray:
        """Nearest integers to value - mean, int32; certain positions give 0. `tradeoff` is accepted and not used."""
        residual = values if self.mean16 is None else values - np.asarray(self.mean16, np.float32) * np.float32(1 / 16)
        return np.floor(residual + np.float32(0.5)).astype(np.int32) * (np.asarray(self.index) > 0)

    def restore(self, symbols: np.ndarray) -> np.ndarray:
        """Values of symbols: float32 multiples of 1/16."""
        mean16 = 0 if self.mean16 is None else self.mean16
        return (symbols * 16 + mean16).astype(np.float32) * np.float32(1 / 16)

    # --- training -------------------------------------------------------------------------------------------------

    def hard(self, values: Any, tradeoff: Any = None) -> tuple[Any, Any]:
        """Symbols as the writer would choose them without certainty, and the mask of certain positions, no gradients."""
        xp = namespace(values)
        mean = 0.0 if self.mean16 is None else constant(self.mean16) / 16
        kept = constant(self.index) if self.kept is None else constant(self.index) * constant(self.kept)
        return xp.floor(constant(values) - mean + 0.5), kept < 0.5

    def bits(self, symbols: Any, values: Any = None) -> Any:
        """Bits of symbols, differentiable towards scale, shape, mean and (where given) values.

        The gradient to values and means is that of the bits averaged over uniform noise of the quantizer's width
        (Balle et al. 2017), in closed form: the difference between the ends of a unit interval.
        """
        log_scale = SHAPED_LOW + self.index / SHAPED_PER_LOG
        found = self.density(symbols, log_scale, self.shape)
        if values is None:
            return found if self.kept is None else found * self.kept
        mean = 0.0 if self.mean16 is None else self.mean16 / 16
        distance = values - mean
        still = constant(distance)
        scale, shape = constant(log_scale), None if self.shape is None else constant(self.shape)
        slope = constant(self.density(still + 0.5, scale, shape) - self.density(still - 0.5, scale, shape))
        found = found + slope * (distance - still)
        return found if self.kept is None else found * self.kept

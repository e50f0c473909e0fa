"""Distributions that walks hand to a port: how values are rounded, which table codes them, what they cost in training.

Not here: the tables' integers (tables.py, frequencies.py), the order of symbols (walks/orders.py), any network.
Every class works on NumPy arrays and on torch tensors alike; nothing here imports torch.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

__all__ = [
    "FLOOR_BITS",
    "LAPLACE_LOW",
    "LAPLACE_PER_LOG",
    "LAPLACE_STEPS",
    "LN2",
    "Factorized",
    "Laplace",
    "constant",
    "namespace",
]

# Table i of the bank "laplace" has scale b = exp(LAPLACE_LOW + i / LAPLACE_PER_LOG); table 0 is the certain zero.
LAPLACE_STEPS = 64
LAPLACE_PER_LOG = 7.0
LAPLACE_LOW = -2.75 - 0.5 / LAPLACE_PER_LOG  # below ln b = -2.75 a symbol is certain (TRAINING: 0.06 lost per 1000 px)

LN2 = math.log(2)
FLOOR_BITS = 16.0  # what an escape costs at most in practice; an unfloored Laplace would charge an outlier without end


def constant(array: Any) -> Any:
    """The array without its gradient, where it has one."""
    return array.detach() if hasattr(array, "detach") else array


def namespace(array: Any) -> Any:
    """NumPy's or torch's module, whichever the array comes from: both have the few functions used here."""
    return sys.modules[type(array).__module__.partition(".")[0]]


@lru_cache(maxsize=1)
def _saved_bits() -> tuple[np.ndarray, np.ndarray]:
    """Bits saved by lowering |symbol| from 1 to 0, and from more by one, for every table."""
    log_b = LAPLACE_LOW + np.arange(LAPLACE_STEPS) / LAPLACE_PER_LOG
    u = 0.5 * np.exp(-log_b)
    return ((u + LN2 - np.log1p(np.exp(-u))) / LN2).astype(np.float32), (u * 2 / LN2).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Laplace:
    """Laplace distributions around a mean, coded as round(value - mean) with one of 64 tables.

    mean16   means in sixteenths, integer-valued in the exact path, any shape that broadcasts against the values;
             None stands for zero
    index    table indices 0..63 (integer-valued in the exact path, real in float training), 0: certain, not coded
    source   docs/training.md "Distribution": of all shapes tried, Laplace leaves 0.2 % of the rate to gain
    """

    mean16: Any
    index: Any
    bank: str = "laplace"
    straight_through: bool = False  # whether networks that predict from these values learn through the rounding
    arrays: ClassVar[tuple[str, ...]] = ("mean16", "index")

    @property
    def table(self) -> Any:
        return self.index

    def take(self, lattice: Any) -> Laplace:
        """The same for the positions of a lattice only, as arrays [b, n]."""
        mean16 = None if self.mean16 is None else lattice.take(self.mean16)
        return replace(self, mean16=mean16, index=lattice.take(self.index))

    def quantize(self, values: Any, tradeoff: Any = None) -> np.ndarray:
        """Symbols for float values of any shape, by rate-distortion-optimised rounding where `tradeoff` is given.

        tradeoff   bits per squared step that distortion is worth, broadcastable; None: plain rounding
        returns    int32 symbols; certain positions give 0
        source     docs/training.md "Quantizer": one candidate below the nearest
        """
        residual = values if self.mean16 is None else values - np.asarray(self.mean16, np.float32) * np.float32(1 / 16)
        magnitude = np.abs(residual)
        symbols = (magnitude + np.float32(0.5)).astype(np.int32)  # truncation floors: magnitudes are not negative
        index = np.asarray(self.index)
        symbols *= index > 0
        if tradeoff is not None:
            flat = symbols.reshape(-1)
            (some,) = np.nonzero(flat)
            if some.size:
                first, further = _saved_bits()
                tables = index.reshape(-1)[some].astype(np.intp)
                tops = flat[some]
                worth = np.broadcast_to(tradeoff, symbols.shape).reshape(-1)[some]
                loss = worth * (2 * (magnitude.reshape(-1)[some] - tops) + 1)
                flat[some] = tops - (loss < np.where(tops == 1, first[tables], further[tables]))
        return np.where(residual < 0, -symbols, symbols)

    def restore(self, symbols: np.ndarray) -> np.ndarray:
        """Values of symbols: float32 multiples of 1/16."""
        if self.mean16 is None:
            return symbols.astype(np.float32)
        return (symbols * 16 + self.mean16).astype(np.float32) * np.float32(1 / 16)

    # --- training -------------------------------------------------------------------------------------------------

    def hard(self, values: Any, tradeoff: Any = None) -> tuple[Any, Any]:
        """Symbols as the writer would choose them without certainty, and the mask of certain positions, no gradients."""
        xp = namespace(values)
        values, index = constant(values), constant(self.index)
        residual = values if self.mean16 is None else values - constant(self.mean16) / 16
        magnitude = xp.abs(residual)
        top = xp.floor(magnitude + 0.5)
        if tradeoff is not None:
            u = 0.5 * xp.exp(-(LAPLACE_LOW + index / LAPLACE_PER_LOG))
            saved = xp.where(top < 1.5, (u + LN2 - xp.log1p(xp.exp(-u))) / LN2, u * (2 / LN2))
            top = xp.where((tradeoff * (2 * (magnitude - top) + 1) < saved) & (top > 0), top - 1, top)
        return xp.where(residual < 0, -top, top), index < 0.5

    def bits(self, symbols: Any, values: Any = None) -> Any:
        """Bits of symbols, differentiable towards scale, mean and (where given) values.

        The value and the gradient to the scale are those of the hard symbol; the gradient to values and means is the
        slope averaged over the rounding phase, because the straight-through slope lets gains run off
        (docs/training.md, "Rate gradient").
        """
        xp = namespace(symbols)
        log_b = LAPLACE_LOW + self.index / LAPLACE_PER_LOG
        inverse = xp.exp(-log_b)
        magnitude = xp.abs(symbols)
        half = xp.exp(-0.5 * inverse)
        zero = xp.log(1 - half + 2.0**-FLOOR_BITS)
        more = (0.5 - magnitude) * inverse + xp.log(0.5 - 0.5 * half * half + 1e-7)
        bits = xp.where(magnitude < 0.5, zero, more) * (-1 / LN2)
        bits = xp.where(bits > FLOOR_BITS, FLOOR_BITS + 0.02 * (bits - FLOOR_BITS), bits)
        if values is None:
            return bits
        slope = constant(inverse) / LN2
        mean = 0.0 if self.mean16 is None else self.mean16 / 16
        for away in (xp.abs(values - constant(mean)), xp.abs(constant(values) - mean)):
            smooth = slope * xp.where(away < 1, 0.5 * away * away, away - 0.5)
            bits = bits + (smooth - constant(smooth))
        return bits


@dataclass(frozen=True, eq=False)
class Factorized:
    """One learned table per channel, for values without context (Balle et al. 2018, factorized prior).

    index    table index of each channel, shape [1, c, 1, 1] (broadcastable); integer-valued
    bank     the name of the bank that holds one table per channel
    density  in training only: a callable (values [b, c, h, w]) -> bits of the unit interval around them
    kept     which values are coded at all, 0 or 1, broadcastable; the others are zero, by table 0. None: all
    """

    index: Any
    bank: str
    density: Any = None
    mean16: Any = None
    kept: Any = None
    straight_through = True  # networks that predict from these values learn through the rounding
    arrays: ClassVar[tuple[str, ...]] = ("index",)

    @property
    def table(self) -> Any:
        return self.index if self.kept is None else self.index * self.kept

    def take(self, lattice: Any) -> Factorized:
        kept = None if self.kept is None else lattice.take(self.kept)
        return replace(self, index=lattice.take(self.index), kept=kept)

    def quantize(self, values: Any, tradeoff: Any = None) -> np.ndarray:
        """Nearest integers (int32); `tradeoff` is accepted and not used."""
        return np.floor(values + np.float32(0.5)).astype(np.int32)

    def restore(self, symbols: np.ndarray) -> np.ndarray:
        return symbols.astype(np.float32)

    def hard(self, values: Any, tradeoff: Any = None) -> tuple[Any, Any]:
        xp = namespace(values)
        symbols = xp.floor(constant(values) + 0.5)
        return symbols, symbols != symbols if self.kept is None else (self.kept + 0 * symbols) < 0.5

    def bits(self, symbols: Any, values: Any = None) -> Any:
        """Bits of symbols, differentiable towards the density and (where given) values.

        The gradient to values is that of the bits averaged over uniform noise of the quantizer's width (Balle et al.
        2017), in closed form: the mean slope over a unit interval is the difference between its ends.
        """
        found = self.density(symbols)
        if values is not None:
            still = constant(values)
            slope = constant(self.density(still + 0.5) - self.density(still - 0.5))
            found = found + slope * (values - still)
        return found if self.kept is None else found * self.kept

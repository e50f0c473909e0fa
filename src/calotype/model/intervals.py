"""What the exactness proof knows of a tensor: an interval, a granularity and a bound of partial sums for each channel.

Arithmetic on these is float64. It is exact wherever a proof can succeed (all sums below 2**24 units, float64 has 2**53),
and where it is not exact the true value is already far beyond the bound. Which operator does what: operators.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = [
    "ACCUMULATOR",
    "NEVER",
    "Refusal",
    "Values",
    "constant_values",
    "fraction_bits",
    "hull",
    "moved",
    "summed",
    "uniform",
]

ACCUMULATOR = 2**24  # float32 holds every integer up to here, so sums are exact in any order
NEVER = -1000  # fraction bits of zero: a multiple of everything


class Refusal(Exception):
    """Why a node can't be proved; proof.py adds which node it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Knowledge of one tensor; arrays have one entry for each channel (axis 1), or a single one for all of them.

    low, high   float64, inclusive interval of the values
    bits        int64, values are multiples of 2**-bits
    mass        float64, bound of every partial sum by which a value may be computed, in any order and grouping
    channels    length of axis 1, where it is known
    dtype       NumPy name of the type that carries them: float32, or an integer type that only moves values
    """

    low: np.ndarray
    high: np.ndarray
    bits: np.ndarray
    mass: np.ndarray
    rank: int
    channels: int | None
    dtype: str = "float32"

    @property
    def magnitude(self) -> np.ndarray:
        """Largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def units(self) -> np.ndarray:
        """The bound of partial sums, counted in the granularity: exact in float32 up to 2**24."""
        return np.ldexp(self.mass, self.bits.astype(np.int32))

    def fresh(self, **changes: Any) -> Values:
        """Changed values behind an operator that no optimiser moves sums across: partial sums start anew."""
        changed = replace(self, **changes)
        return replace(changed, mass=changed.magnitude)

    def each(self) -> Values:
        """The same with one entry for each channel, where their number is known."""
        if self.channels is None or len(self.low) == self.channels:
            return self
        return self.map(lambda array: np.broadcast_to(array, (self.channels,)))  # type: ignore[arg-type]

    def map(self, change: Any, **changes: Any) -> Values:
        """`change` applied to the four arrays: channels picked, repeated or reordered."""
        arrays = {key: change(getattr(self, key)) for key in ("low", "high", "bits", "mass")}
        return replace(self, **arrays, **changes)


def uniform(values: Values, *, channels: int | None = None, rank: int | None = None) -> Values:
    """One entry for all channels: what remains when they are mixed or can't be told apart."""
    return Values(
        values.low.min(keepdims=True), values.high.max(keepdims=True), values.bits.max(keepdims=True),
        values.mass.max(keepdims=True), values.rank if rank is None else rank, channels, values.dtype,
    )  # fmt: skip


def hull(parts: list[Values], **changes: Any) -> Values:
    """Knowledge that holds for a value taken from any of `parts`, whose channels must agree."""
    first, *rest = parts
    low, high, bits, mass = first.low, first.high, first.bits, first.mass
    for part in rest:
        low, high = np.minimum(low, part.low), np.maximum(high, part.high)
        bits, mass = np.maximum(bits, part.bits), np.maximum(mass, part.mass)
    return replace(first, low=low, high=high, bits=bits, mass=mass, **changes)


def fraction_bits(array: Any) -> np.ndarray:
    """Smallest g for each entry such that it is a multiple of 2**-g; NEVER for zero. Finite float64 in, int64 out."""
    mantissa, exponent = np.frexp(np.asarray(array, np.float64))
    whole = np.abs(mantissa * 2.0**53).astype(np.int64)
    trailing = np.frexp((whole & -whole).astype(np.float64))[1] - 1  # a logarithm might round
    return np.where(whole == 0, NEVER, 53 - exponent.astype(np.int64) - trailing)


def constant_values(array: np.ndarray, rank: int) -> Values:
    """Knowledge of a constant that is broadcast against a tensor of `rank`, per channel where it has some."""
    if array.dtype == object or array.dtype.kind not in "fiu":
        raise Refusal(f"a constant of type {array.dtype}")
    exact = array.astype(np.float64)
    if not np.isfinite(exact).all() or exact.size == 0:
        raise Refusal("a constant that is empty or not finite")
    bits = fraction_bits(exact)
    rank = max(rank, exact.ndim)
    shape = (1,) * (rank - exact.ndim) + exact.shape
    others = tuple(axis for axis in range(rank) if axis != 1)
    low, high, bits = (
        np.atleast_1d(pick(part.reshape(shape), axis=others if rank > 1 else None))
        for part, pick in ((exact, np.min), (exact, np.max), (bits, np.max))
    )
    channels = shape[1] if rank > 1 else None
    return Values(low, high, bits, np.maximum(np.abs(low), np.abs(high)), rank, channels, "float32")


def moved(x: Any) -> Values:
    """An argument whose values are only moved: any type will do."""
    if not isinstance(x, Values):
        raise Refusal("a constant where values were expected")
    return x


def summed(x: Any) -> Values:
    """An argument that enters arithmetic: float32, since integer operators are the less portable ones."""
    x = moved(x)
    if x.dtype != "float32":
        raise Refusal(f"arithmetic on {x.dtype}; cast to float32 first")
    return x

"""One call of a port: which positions are coded, and values in sixteenths from symbols and means. No bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calotype.coding.lattice import Lattice
from calotype.coding.layout import SHORT_BITS
from calotype.coding.port import Distribution
from calotype.coding.tables import TableBank
from calotype.errors import ModelError, UsageError

__all__ = ["Bound", "Call", "Range", "deliver"]

SIXTEENTH = np.float32(1 / 16)
WILD = 1 << 24  # a symbol beyond this is out of every range, and sixteen times one below it fits int32


@dataclass(frozen=True, slots=True)
class Bound:
    """A lattice for one shape: broadcasts what it takes."""

    lattice: Lattice
    shape: tuple[int, int, int, int]

    def take(self, array: Any) -> np.ndarray:
        return self.lattice.take(np.broadcast_to(array, self.shape))


@dataclass(frozen=True, slots=True)
class Range:
    """The legal values of a name, low..high in units of 1, and the integer type that holds their sixteenths."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not -(2**19) <= self.low < self.high <= 2**19:
            raise ModelError("a range of values is impossible", wanted="-2**19 <= low < high <= 2**19",
                             found=(self.low, self.high))  # fmt: skip

    @property
    def dtype(self) -> np.dtype:
        most = 1 << (SHORT_BITS - 1)
        return np.dtype("<i2" if -most <= 16 * self.low and 16 * self.high < most else "<i4")


class Call:
    """The coded positions of one call, b rows of n, row after row: certain ones are left out.

    at       int64 [m], into the b * n positions; None: all of them
    ends     int64 [b + 1]: row r has entries ends[r]..ends[r + 1]
    tables   [m], index of each into the bank
    """

    def __init__(self, bank: TableBank, distribution: Distribution, rows: int, count: int, legal: Range) -> None:
        self.bank, self.distribution, self.shape, self.legal = bank, distribution, (rows, count), legal
        index = np.asarray(distribution.table)
        if index.shape != self.shape:
            raise UsageError("distribution.table", value=index.shape, allowed=self.shape)
        if index.size and not (index.min() >= 0 and index.max() < len(bank)):
            raise ModelError(f"a table index is outside bank {distribution.bank!r}", wanted=f"0..{len(bank) - 1}",
                             found=f"{index.min()}..{index.max()}")  # fmt: skip
        compact = np.ascontiguousarray(index, np.uint8 if len(bank) <= 256 else np.uint16).reshape(-1)
        first = bank.first_coded
        if first == 0 or compact.size == 0:
            self.at, self.tables = None, compact
            self.ends = np.arange(rows + 1) * count
            return
        coded = compact >= first if first is not None else bank.coded.take(compact)
        (self.at,) = coded.nonzero()
        self.tables = compact.take(self.at)
        self.ends = self.at.searchsorted(np.arange(rows + 1) * count)

    def compact(self, array: np.ndarray) -> np.ndarray:
        """[b, n] -> [m]"""
        flat = array.reshape(-1)
        return flat if self.at is None else flat.take(self.at)

    def rows_of(self, entries: np.ndarray) -> np.ndarray:
        """The row of each of some entries 0..m - 1."""
        return np.searchsorted(self.ends, entries, side="right") - 1

    @cached_property
    def has_means(self) -> bool:
        return hasattr(self.distribution, "mean16")

    @cached_property
    def _mean16(self) -> np.ndarray | None:
        """Means of all positions as they came, float or integer; None for zero."""
        mean16 = self.distribution.mean16  # type: ignore[attr-defined]
        if mean16 is not None and mean16.shape != self.shape:
            raise UsageError("distribution.mean16", value=mean16.shape, allowed=self.shape)
        return mean16

    @cached_property
    def _coded16(self) -> np.ndarray | int:
        """Means of the coded positions, int32 [m]."""
        return 0 if self._mean16 is None else self.compact(self._mean16).astype(np.int32)

    def shrink(self) -> None:
        """Keep no more in memory than `restore` needs, for who keeps the call: a third of it."""
        if not self.has_means:
            return
        means = self._mean16
        if means is not None and means.size and means.min() >= -(2**15) and means.max() < 2**15:
            self.__dict__["_mean16"] = means.astype(np.int16)
        self.__dict__.pop("_coded16", None)
        del self.distribution  # with it the indices of all positions, certain ones too

    def fit(self, symbols: np.ndarray) -> np.ndarray:
        """int32 [m] symbols of the coded positions, moved as little as needed for their values to be legal.

        symbols   [b, n], as the distribution quantized them
        """
        chosen = self.compact(symbols)
        if chosen.dtype != np.int32:
            chosen = np.clip(chosen, -WILD, WILD).astype(np.int32)
        low16, high16 = 16 * self.legal.low, 16 * self.legal.high
        if self.has_means:
            lowest, highest = -((self._coded16 - low16) >> 4), (high16 - self._coded16) >> 4
            return np.clip(chosen, lowest, highest, dtype=np.int32, casting="same_kind")
        values = self.compact(self._restored(chosen))
        over = np.maximum(np.ceil(values - self.legal.high), 0) - np.maximum(np.ceil(self.legal.low - values), 0)
        return chosen - over.astype(np.int32)

    def restore(self, symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(values [b, n] in sixteenths, in the type that the hash wants; entries whose value was illegal).

        symbols   integer [m]; illegal values become the legal one nearest to zero
        """
        low16, high16 = 16 * self.legal.low, 16 * self.legal.high
        wild = np.empty(0, np.intp)
        if symbols.size and (symbols.min() < -WILD or symbols.max() > WILD):
            (wild,) = ((symbols < -WILD) | (symbols > WILD)).nonzero()
            symbols = symbols.copy()
            symbols[wild] = WILD  # illegal with any mean
        if self.has_means:
            sixteenths, coded = self._certain(), symbols.astype(np.int32) * 16 + self._coded16
        else:
            exact = (self._restored(symbols) * 16).reshape(-1)
            coded = self.compact(exact).astype(np.int32)
            sixteenths = np.clip(exact, low16, high16).astype(self.legal.dtype)
        illegal = np.empty(0, np.intp)
        if coded.size and (coded.min() < low16 or coded.max() > high16):
            (illegal,) = ((coded < low16) | (coded > high16)).nonzero()
            coded[illegal] = min(max(0, low16), high16)
        if self.at is None:
            sixteenths[:] = coded
        else:
            sixteenths[self.at] = coded
        return sixteenths.reshape(self.shape), illegal

    def _certain(self) -> np.ndarray:
        """Sixteenths of all positions, as if every symbol were zero."""
        size, dtype, mean16 = self.shape[0] * self.shape[1], self.legal.dtype, self._mean16
        if mean16 is None or not size:
            return np.full(size, 16 * min(max(0, self.legal.low), self.legal.high), dtype)
        low16, high16 = 16 * self.legal.low, 16 * self.legal.high
        if mean16.min() < low16 or mean16.max() > high16:
            mean16 = np.clip(mean16, low16, high16)
        return mean16.reshape(-1).astype(dtype)

    def _restored(self, symbols: np.ndarray) -> np.ndarray:
        """[b, n] values by the distribution's own arithmetic."""
        full = np.zeros(self.shape, np.int32)
        if self.at is None:
            full.reshape(-1)[:] = symbols
        else:
            full.reshape(-1)[self.at] = symbols
        return np.asarray(self.distribution.restore(full), np.float32)


def deliver(sixteenths: np.ndarray, bound: Bound, onto: np.ndarray | None) -> np.ndarray:
    """Write [b, n] values, given in sixteenths, to the positions of a lattice; returns `onto`, or a new float32 array."""
    onto = np.zeros(bound.shape, np.float32) if onto is None else onto
    if onto.shape != bound.shape:
        raise UsageError("onto", value=onto.shape, allowed=bound.shape)
    for flat, row in zip(sixteenths, onto, strict=True):  # row by row: what is in between stays in the cache
        values = flat.astype(np.float32)
        values *= SIXTEENTH
        bound.lattice.put(values[None], row[None])
    return onto

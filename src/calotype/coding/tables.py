"""Frozen integer tables of a model: what they are, and what coders need of them; how they are made is frequencies.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calotype.coding.layout import MAX_TABLES, PRECISION_BITS
from calotype.errors import ModelError

__all__ = ["ESCAPED", "TableBank", "lookup_entries"]

ESCAPED = -(2**31)  # stands for "escaped" where the lookup holds symbols
MAX_OFFSET = 2**20  # keeps every excess of an int32 symbol below 2**32


@dataclass(frozen=True, eq=False)
class TableBank:
    """K integer distributions of one precision. Tables of size 0 are the certain zero: nothing is coded with them.

    frequencies   int32 [K, S + 1], padded with 0; the last used entry of a row is the escape; used rows sum to 2**14
    sizes         int32 [K], number of regular symbols (escape excluded)
    offsets       int32 [K], smallest regular symbol: entry j of table k is symbol offsets[k] + j
    errors        ModelError where any of this does not hold
    """

    frequencies: np.ndarray
    sizes: np.ndarray
    offsets: np.ndarray
    precision: int = PRECISION_BITS

    def __post_init__(self) -> None:
        if self.precision != PRECISION_BITS:
            raise ModelError("table bank of another precision", wanted=PRECISION_BITS, found=self.precision)
        for name, ndim in (("frequencies", 2), ("sizes", 1), ("offsets", 1)):
            array = np.asarray(getattr(self, name))
            if array.ndim != ndim or array.dtype.kind not in "iu" or array.dtype.itemsize > 4:
                raise ModelError(f"table bank: {name} is no integer array of {ndim} dimensions",
                                 wanted="int32", found=f"{array.dtype} {array.shape}")  # fmt: skip
            array = np.array(array, np.int32, order="C")  # a copy: the caller may change his
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        frequencies, sizes, offsets = self.frequencies, self.sizes, self.offsets
        tables, width = frequencies.shape
        if not 1 <= tables <= MAX_TABLES or sizes.shape != (tables,) or offsets.shape != (tables,):
            raise ModelError("table bank: shapes disagree", wanted=f"1 to {MAX_TABLES} tables",
                             found=(frequencies.shape, sizes.shape, offsets.shape))  # fmt: skip
        if (
            sizes.min() < 0
            or sizes.max() >= max(width, 1)
            or width > 2**self.precision
            or np.abs(offsets).max() > MAX_OFFSET
        ):
            raise ModelError("table bank: a size or an offset is out of range", wanted=f"below {width} entries")
        used = np.arange(width) < np.where(sizes > 0, sizes + 1, 0)[:, None]
        if not np.array_equal(frequencies > 0, used) or frequencies.min(initial=0) < 0:
            raise ModelError("table bank: a used entry without frequency, or an unused one with it")
        if not np.array_equal(frequencies.sum(1), np.where(sizes > 0, 1 << self.precision, 0)):
            raise ModelError(
                "table bank: frequencies of a table do not sum to 2**precision", wanted=1 << self.precision
            )

    def __len__(self) -> int:
        return len(self.sizes)

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> TableBank:
        """The bank that `arrays` described; raises ModelError for anything else."""
        missing = {"frequencies", "sizes", "offsets"} - set(arrays)
        if missing:
            raise ModelError("table bank: arrays are missing", wanted=sorted(missing), found=sorted(arrays))
        return cls(arrays["frequencies"], arrays["sizes"], arrays["offsets"])

    def arrays(self) -> dict[str, np.ndarray]:
        """What a model file stores of it: int32 arrays."""
        return {"frequencies": self.frequencies, "sizes": self.sizes, "offsets": self.offsets}

    @cached_property
    def coded(self) -> np.ndarray:
        """bool [K]: False where nothing is coded."""
        return self.sizes > 0

    @cached_property
    def first_coded(self) -> int | None:
        """k if exactly the tables below k are certain zeros (then one comparison finds them), else None."""
        first = int(np.count_nonzero(~self.coded))
        return first if self.coded[first:].all() else None

    @cached_property
    def cumulative(self) -> np.ndarray:
        """int32 [K, S + 1]: slots below each entry."""
        return (np.cumsum(self.frequencies, 1) - self.frequencies).astype(np.int32)

    @cached_property
    def encoder(self) -> tuple[np.ndarray, np.ndarray]:
        """(frequency, cumulative), float64 [K * (S + 1) + 1]; the last entry is the symbol that changes no state."""
        return (np.append(self.frequencies.ravel(), 1 << self.precision).astype(np.float64),
                np.append(self.cumulative.ravel(), 0).astype(np.float64))  # fmt: skip

    @cached_property
    def code_lengths(self) -> np.ndarray:
        """float32 [K, S + 1], bits of each entry, in multiples of 2**-12 so that sums are exact in any order."""
        bits = self.precision - np.log2(np.maximum(self.frequencies, 1), dtype=np.float64)
        return np.where(self.frequencies > 0, np.round(bits * 4096) / 4096, 0).astype(np.float32)

    @cached_property
    def lookup(self) -> np.ndarray:
        """int64 [(K + 1) << precision], at table << precision | slot: see `lookup_entries`.

        The symbol is the value coded (offset included) or ESCAPED. Certain tables and the extra last change no state.
        """
        slots = np.arange(1 << self.precision, dtype=np.int64)
        lookup = np.empty((len(self) + 1, slots.size), np.int64)
        lookup[:] = lookup_entries(1 << self.precision, slots, 0)
        for k in np.flatnonzero(self.coded):
            size = self.sizes[k]
            entry = np.repeat(np.arange(size + 1), self.frequencies[k, : size + 1])
            symbol = np.where(entry < size, entry + int(self.offsets[k]), ESCAPED)
            lookup[k] = lookup_entries(self.frequencies[k, entry], slots - self.cumulative[k, entry], symbol)
        return lookup.ravel()


def lookup_entries(frequency: Any, bias: Any, symbol: Any) -> Any:
    """What a decoder looks up, int64: frequency | symbol (32 bits, signed) << 16 | bias << 48, bias = slot - cumulative.

    The bias on top, so that one shift yields it; the symbol, which is wanted once a call, in the middle.
    """
    return frequency | (symbol & 0xFFFFFFFF) << 16 | bias << 48

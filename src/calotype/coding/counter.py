"""The counting port: bits that the writer would spend, from the tables' code lengths; writes nothing.

`Quantizing` is what counter and writer share: values become symbols and go on as the reader will have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.coding import escape
from calotype.coding.lattice import FULL, Lattice
from calotype.coding.port import Distribution
from calotype.coding.positions import Bound, Call, Range, deliver
from calotype.coding.tables import TableBank
from calotype.errors import UsageError

__all__ = ["WIDEST", "Counter", "Quantizing"]

Shape = tuple[int, int, int, int]
WIDEST = (-(2**15), 2**15)  # of a name without a declared range


class Quantizing:
    """A port that is given values. It quantizes, counts bits, and returns what the reader will have.

    shapes      {name: (b, c, h, w)}, b the same everywhere
    banks       {bank: TableBank}
    ranges      {name: (low, high)} legal values; symbols are moved until their value is legal
    tradeoffs   {name: float32 broadcastable to [b, c, h, w]}, handed to `quantize`
    """

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        banks: Mapping[str, TableBank],
        ranges: Mapping[str, tuple[int, int]] | None = None,
        tradeoffs: Mapping[str, Any] | None = None,
    ) -> None:
        self._shapes, self._banks, self._tradeoffs = dict(shapes), dict(banks), dict(tradeoffs or {})
        self._ranges = {name: Range(*(ranges or {}).get(name, WIDEST)) for name in shapes}
        self.rows = rows_of(self._shapes)
        self.by_name: dict[str, np.ndarray] = {}

    @property
    def bits(self) -> np.ndarray:
        """float64 [b]: code length of everything so far."""
        return sum(self.by_name.values(), np.zeros(self.rows))

    def shape(self, name: str) -> Shape:
        return self._shapes[name]

    def code(
        self, name: str, values: Any, distribution: Distribution, lattice: Lattice = FULL, onto: Any = None
    ) -> np.ndarray:
        if values is None:
            raise UsageError("values", value=None, allowed="an array: this port does not read")
        shape = self._shapes[name]
        bound = Bound(lattice, shape)
        taken = distribution.take(bound)
        call = Call(self._banks[taken.bank], taken, self.rows, lattice.count(*shape[1:]), self._ranges[name])
        tradeoff = self._tradeoffs.get(name)
        symbols = call.fit(taken.quantize(bound.take(values), None if tradeoff is None else bound.take(tradeoff)))
        sixteenths, _ = call.restore(symbols)
        self._code(name, call, symbols)
        self._returned(sixteenths)
        return deliver(sixteenths, bound, onto)

    def run(
        self, name: str, symbols: np.ndarray | None, bank: str, tables: np.ndarray, ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if symbols is None:
            raise UsageError("symbols", value=None, allowed="an array: this port does not read")
        found = self._banks[bank]
        column = symbols - found.offsets.take(tables)
        if len(column) and ((column < 0) | (column >= found.sizes.take(tables))).any():
            raise UsageError("symbols", value="one outside its table", allowed=f"what bank {bank} has")
        entries = tables.astype(np.int32) * np.int32(found.frequencies.shape[1]) + column.astype(np.int32)
        bits = escape.rows_sum(found.code_lengths.reshape(-1).take(entries), ends)
        self._add(name, bits)
        self._queue_run(found, symbols, entries, ends, bits)
        return symbols, np.diff(ends)

    def segment(self) -> None:
        """One stream has all."""

    def opaque(self, name: str, data: list[bytes] | None) -> list[bytes]:
        if data is None or len(data) != self.rows or not all(isinstance(d, bytes) for d in data):
            raise UsageError("data", value=type(data).__name__, allowed=f"a list of {self.rows} byte strings")
        self._add(name, np.array([8.0 * (4 + len(d)) for d in data]))
        return data

    def _code(self, name: str, call: Call, symbols: np.ndarray) -> None:
        """Count the symbols of a call, and hand them to `_queue` as entries of their tables."""
        bank, width = call.bank, call.bank.frequencies.shape[1]
        column = symbols - bank.offsets.take(call.tables)
        sizes = bank.sizes.take(call.tables)
        (out,) = ((column < 0) | (column >= sizes)).nonzero()
        column[out] = sizes[out]
        entries = call.tables.astype(np.int32) * np.int32(width)
        entries += column
        regular = bits = escape.rows_sum(bank.code_lengths.reshape(-1).take(entries), call.ends)
        ends = np.searchsorted(out, call.ends)
        escaped = (call.tables[out], symbols[out].astype(np.int64), ends)
        if out.size:
            bits = regular + escape.rows_sum(escape.excess_bits(bank, *escaped[:2]), ends)
        self._add(name, bits)
        self._queue(call, entries, regular, escaped)

    def _add(self, name: str, bits: np.ndarray) -> None:
        self.by_name[name] = self.by_name.get(name, 0) + bits

    def _queue(
        self, call: Call, entries: np.ndarray, bits: np.ndarray, escaped: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> None:
        """What the writer does with them."""

    def _queue_run(
        self, bank: TableBank, symbols: np.ndarray, entries: np.ndarray, ends: np.ndarray, bits: np.ndarray
    ) -> None:
        """What the writer does with a run."""

    def _returned(self, sixteenths: np.ndarray) -> None:
        """What the writer does with the values of a call."""


class Counter(Quantizing):
    """Counts. `bits` [b] agree with the writer's streams within 16 bytes and 1 % a row; `by_name` says where they go."""


def rows_of(shapes: Mapping[str, Shape]) -> int:
    """b, which all shapes must share."""
    rows = {shape[0] for shape in shapes.values()}
    if len(rows) != 1:
        raise UsageError("shapes", value=dict(shapes), allowed="one b for all names")
    return rows.pop()

"""The reading port that also says what every value cost: for `calotype inspect`; it reads what `Reader` reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from calotype.coding import escape
from calotype.coding.lattice import FULL, Lattice
from calotype.coding.port import Distribution
from calotype.coding.positions import Call
from calotype.coding.reader import Reader
from calotype.coding.tables import TableBank

__all__ = ["MeasuringReader", "bits_of"]


class MeasuringReader(Reader):
    """Reads b rows and adds up code lengths, place by place.

    bits      {name: float32 [b, c, h, w]}, bits of each value of a name so far; 0 where it was certain
    strings   {name: float [b]}, bits of what has no places: byte strings as they are, and runs
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.bits: dict[str, np.ndarray] = {}
        self.strings: dict[str, np.ndarray] = {}
        self._now: tuple[str, Lattice] = ("", FULL)

    def code(
        self, name: str, values: Any, distribution: Distribution, lattice: Lattice = FULL, onto: Any = None
    ) -> np.ndarray:
        self._now = (name, lattice)
        return super().code(name, values, distribution, lattice, onto)

    def opaque(self, name: str, data: list[bytes] | None) -> list[bytes]:
        found = super().opaque(name, data)
        self.strings[name] = self.strings.get(name, 0) + np.array([8 * (4 + len(string)) for string in found])
        return found

    def run(
        self, name: str, symbols: np.ndarray | None, bank: str, tables: np.ndarray, ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        found, known = super().run(name, symbols, bank, tables, ends)
        bits, rows = bits_of(self._banks[bank], tables, found), np.repeat(np.arange(self.rows), np.diff(ends))
        bits[np.arange(len(rows)) - ends[rows] >= known[rows]] = 0
        self.strings[name] = self.strings.get(name, 0) + np.bincount(rows, bits, minlength=self.rows)
        return found, known

    def _symbols(self, call: Call) -> np.ndarray:
        symbols = super()._symbols(call)
        (name, lattice), bits = self._now, np.zeros(call.shape[0] * call.shape[1], np.float32)
        bits[slice(None) if call.at is None else call.at] = bits_of(call.bank, call.tables, symbols)
        spent = np.zeros(self._shapes[name], np.float32)
        lattice.put(bits.reshape(call.shape), spent)
        self.bits[name] = self.bits.get(name, 0) + spent
        return symbols


def bits_of(bank: TableBank, tables: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """float32 [n]: the code length of each symbol with its table, escapes included."""
    sizes, column = bank.sizes.take(tables), symbols - bank.offsets.take(tables)
    outside = (column < 0) | (column >= sizes)
    bits = bank.code_lengths[tables, np.where(outside, sizes, column)]
    if outside.any():
        bits[outside] += escape.excess_bits(bank, tables[outside], symbols[outside].astype(np.int64))
    return bits

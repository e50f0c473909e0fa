"""The reading port: decodes all rows in lock-step, flags damaged ones and goes on; says so at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calotype.coding import escape, stream
from calotype.coding.counter import WIDEST, Shape, rows_of
from calotype.coding.hashing import RowHashes
from calotype.coding.lattice import FULL, Lattice
from calotype.coding.port import Distribution
from calotype.coding.positions import Bound, Call, Range, deliver
from calotype.coding.rans import Decoder
from calotype.coding.tables import ESCAPED, TableBank
from calotype.coding.taper import Taper
from calotype.errors import CorruptError, FormatError, UsageError

__all__ = ["Reader"]


class Reader:
    """Reads b rows; what `code` returns equals what the writer's returned, for every row that `finish` does not flag.

    shapes, banks, ranges, keys   as the writer had them
    streams, hashes               one a row, as the writer's `finish` gave them
    strict                        `finish` raises CorruptError naming the damaged rows
    embedded                      streams may end early, at any word: what they hold until then counts, and has the hash
    """

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        banks: Mapping[str, TableBank],
        ranges: Mapping[str, tuple[int, int]] | None = None,
        streams: Sequence[bytes] = (),
        hashes: Sequence[bytes] = (),
        keys: Sequence[bytes] | None = None,
        strict: bool = True,
        embedded: bool = False,
    ) -> None:
        self._shapes, self._banks, self._strict = dict(shapes), dict(banks), strict
        self._ranges = {name: Range(*(ranges or {}).get(name, WIDEST)) for name in shapes}
        self.rows = rows_of(self._shapes)
        keys = [b""] * self.rows if keys is None else keys
        for argument, given in (("streams", streams), ("hashes", hashes), ("keys", keys)):
            if len(given) != self.rows:
                raise UsageError(argument, value=len(given), allowed=f"{self.rows}, one a row")
        self._hashes, self._wanted = RowHashes(keys), [bytes(h) for h in hashes]
        parts: list[tuple[Taper, bytes, list[bytes]]] = []
        damaged = np.zeros(self.rows, bool)
        for r, data in enumerate(streams):
            try:
                parts.append(stream.split(bytes(data)))
            except FormatError:  # noqa: PERF203 -- one damaged row must not take the others with it
                parts.append((Taper(), b"", []))
                damaged[r] = True
        self._strings = [strings for _, _, strings in parts]
        self._decoder = Decoder([(taper, coded) for taper, coded, _ in parts], embedded=embedded)
        self._decoder.flagged |= damaged
        self._next_string = 0

    def shape(self, name: str) -> Shape:
        return self._shapes[name]

    def code(
        self, name: str, values: Any, distribution: Distribution, lattice: Lattice = FULL, onto: Any = None
    ) -> np.ndarray:
        if values is not None:
            raise UsageError("values", value=type(values).__name__, allowed="None: this port reads")
        shape = self._shapes[name]
        bound = Bound(lattice, shape)
        taken = distribution.take(bound)
        call = Call(self._banks[taken.bank], taken, self.rows, lattice.count(*shape[1:]), self._ranges[name])
        return deliver(self.read(call), bound, onto)

    def read(self, call: Call) -> np.ndarray:
        """The values of one call, [b, n] in sixteenths; `code` without a walk, for who has the call (rereading.py)."""
        sixteenths, illegal = call.restore(self._symbols(call))
        if illegal.size:
            self._decoder.flagged[call.rows_of(illegal)] = True
        self._hashes.values(sixteenths)
        return sixteenths

    def run(
        self, name: str, symbols: np.ndarray | None, bank: str, tables: np.ndarray, ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        if symbols is not None:
            raise UsageError("symbols", value=type(symbols).__name__, allowed="None: this port reads")
        found = self._banks[bank]
        symbols = self._decoder.decode(found.lookup, tables, ends)
        known = self._decoder.known
        if symbols.size and symbols.min() == ESCAPED:  # a table of a run has no other symbols: damage, or behind a cut
            (out,) = (symbols == ESCAPED).nonzero()
            rows = np.searchsorted(ends, out, side="right") - 1
            self._decoder.flagged[rows[out - ends[rows] < known[rows]]] = True
            symbols[out] = 0
        self._hashes.runs(symbols, ends, known)
        return symbols, known

    def segment(self) -> None:
        """One stream has all."""

    def opaque(self, name: str, data: list[bytes] | None) -> list[bytes]:
        at, self._next_string = self._next_string, self._next_string + 1
        short = np.array([len(strings) <= at for strings in self._strings])
        self._decoder.flagged |= short
        data = [b"" if missing else strings[at] for strings, missing in zip(self._strings, short, strict=True)]
        self._hashes.data(data)
        return data

    def digests(self) -> list[bytes]:
        """What the values of each row hash to, as far as they were read: for who makes a file shorter."""
        return self._hashes.digests()

    def finish(self) -> np.ndarray:
        """bool [b], the damaged rows; when strict, CorruptError if there is any (its `found` lists them)."""
        found = self._hashes.digests()
        flagged = self._decoder.finish()
        flagged |= np.array([have != want for have, want in zip(found, self._wanted, strict=True)], bool)
        flagged |= np.array([len(strings) != self._next_string for strings in self._strings], bool)
        if self._strict and flagged.any():
            raise CorruptError(
                "tile data", found=np.flatnonzero(flagged).tolist(), expected="streams that fit their hashes"
            )
        return flagged

    def _symbols(self, call: Call) -> np.ndarray:
        """Symbols of the coded positions; int32, or int64 where some escaped."""
        symbols = self._decoder.decode(call.bank.lookup, call.tables, call.ends)
        if not symbols.size or symbols.min() != ESCAPED:
            return symbols
        (out,) = (symbols == ESCAPED).nonzero()
        symbols = symbols.astype(np.int64)
        symbols[out] = escape.read(self._decoder, call.bank, call.tables[out], np.searchsorted(out, call.ends))
        return symbols

"""The writing port: quantizes, queues, and turns each row into a stream and a hash at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calotype.coding import escape, stream
from calotype.coding.counter import Quantizing, Shape
from calotype.coding.hashing import RowHashes
from calotype.coding.layout import MAX_LANES_LOG2
from calotype.coding.positions import Call
from calotype.coding.rans import Encoder
from calotype.coding.tables import TableBank
from calotype.errors import UsageError

__all__ = ["Writer"]

EMBEDDED_LANES_LOG2 = 5  # 32 lanes: 80 bytes lost at a cut, and a symbol takes three times as long as with 128


class Writer(Quantizing):
    """Writes b rows. `bits` and `by_name` count as the counter does.

    keys   one a row, at most 64 bytes, mixed into the hash: the file's identity and the tile's place
    keep   remember the calls in `calls`, so that what was written can be read again (rereading.py)
    embedded   streams that may be cut: few lanes, since what their states hold at a cut is lost, 2.4 bytes a lane
    others as Quantizing
    """

    def __init__(
        self,
        shapes: Mapping[str, Shape],
        banks: Mapping[str, TableBank],
        ranges: Mapping[str, tuple[int, int]] | None = None,
        tradeoffs: Mapping[str, Any] | None = None,
        keys: Sequence[bytes] | None = None,
        keep: bool = False,
        embedded: bool = False,
    ) -> None:
        super().__init__(shapes, banks, ranges, tradeoffs)
        self.calls: list[Call] | None = [] if keep else None  # None, too, once a walk has coded something else
        keys = [b""] * self.rows if keys is None else keys
        if len(keys) != self.rows:
            raise UsageError("keys", value=len(keys), allowed=f"{self.rows}, one a row")
        self._hashes, self._encoder = (
            RowHashes(keys),
            Encoder(self.rows, EMBEDDED_LANES_LOG2 if embedded else MAX_LANES_LOG2),
        )
        self._strings: list[list[bytes]] = [[] for _ in range(self.rows)]

    def opaque(self, name: str, data: list[bytes] | None) -> list[bytes]:
        data = super().opaque(name, data)
        self.calls = None
        self._hashes.data(data)
        for strings, string in zip(self._strings, data, strict=True):
            strings.append(string)
        return data

    def finish(self) -> list[tuple[bytes, bytes]]:
        """(stream, 4-byte hash) of each row; a row without symbols and strings has the stream b""."""
        streams = [stream.join(taper, coded, strings)
                   for (taper, coded), strings in zip(self._encoder.finish(), self._strings, strict=True)]  # fmt: skip
        return list(zip(streams, self._hashes.digests(), strict=True))

    def _queue(
        self, call: Call, entries: np.ndarray, bits: np.ndarray, escaped: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> None:
        if self.calls is not None:
            call.shrink()
            self.calls.append(call)
        self._encoder.push(call.bank.encoder, entries, call.ends, bits)
        if escaped[0].size:
            escape.push(self._encoder, call.bank, *escaped)

    def _queue_run(
        self, bank: TableBank, symbols: np.ndarray, entries: np.ndarray, ends: np.ndarray, bits: np.ndarray
    ) -> None:
        self.calls = None
        self._encoder.push(bank.encoder, entries, ends, bits)
        self._hashes.runs(symbols, ends, np.diff(ends))

    def _returned(self, sixteenths: np.ndarray) -> None:
        self._hashes.values(sixteenths)

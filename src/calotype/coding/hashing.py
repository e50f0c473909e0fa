"""The keyed hash over the values that `code` returned, which turns any breach of the exact path into an error."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from calotype.coding.layout import HASH_BYTES, MAX_KEY_BYTES
from calotype.errors import UsageError

__all__ = ["RowHashes"]


class RowHashes:
    """One running 32-bit hash a row: a CRC-32 that starts from the CRC-32 of the row's key.

    A key says where the row belongs (file and tile), so that a stream from elsewhere fails. It guards against
    machines and damage, not against people: any 32-bit hash with a public key can be forged.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        for key in keys:
            if not isinstance(key, bytes) or len(key) > MAX_KEY_BYTES:
                raise UsageError("keys", value=key, allowed=f"bytes, at most {MAX_KEY_BYTES}")
        self._now = [crc32(key) for key in keys]

    def values(self, sixteenths: np.ndarray) -> None:
        """[b, n] little-endian integers of one call."""
        rows = np.ascontiguousarray(sixteenths)
        self._now = [crc32(row, now) for row, now in zip(rows, self._now, strict=True)]

    def data(self, strings: Sequence[bytes]) -> None:
        """A byte string a row, with its length before it (32-bit little-endian)."""
        self._now = [
            crc32(s, crc32(len(s).to_bytes(4, "little"), now)) for s, now in zip(strings, self._now, strict=True)
        ]

    def runs(self, symbols: np.ndarray, ends: np.ndarray, known: np.ndarray) -> None:
        """The known symbols of a run, a byte each; nothing for rows without any."""
        compact = symbols.astype(np.uint8).tobytes()
        for row, (begin, count) in enumerate(zip(ends[:-1].tolist(), known.tolist(), strict=True)):
            if count:
                self._now[row] = crc32(compact[begin : begin + count], self._now[row])

    def digests(self) -> list[bytes]:
        return [now.to_bytes(HASH_BYTES, "little") for now in self._now]

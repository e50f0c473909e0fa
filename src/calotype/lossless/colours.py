"""The coding COLOURS: a table of the colours that occur, and a plane of indices; knows nothing of how planes are coded."""

from __future__ import annotations

import numpy as np

from calotype.errors import CorruptError, TruncatedError
from calotype.lossless.layout import MAX_COLOURS

__all__ = ["index", "join", "look_up", "split"]

PROBE = 1 << 14  # pixels that are counted first


def index(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """(table [c, n], indices [1, h, w]) of int32 samples [c, h, w], or None where there are too many colours."""
    flat = samples.reshape(len(samples), -1)
    if np.unique(flat[:, :: max(1, flat.shape[1] // PROBE)], axis=1).shape[1] > MAX_COLOURS:
        return None
    table, which = np.unique(flat, axis=1, return_inverse=True)
    if not 1 < table.shape[1] <= MAX_COLOURS:
        return None
    # From dark to bright, so that neighbours in the table look alike and indices can be predicted.
    order = np.argsort(table.sum(0), kind="stable")
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order))
    return table[:, order], place[which.reshape(-1)].reshape(1, *samples.shape[1:])


def look_up(table: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The samples of `index`; CorruptError for an index beyond the table."""
    if indices.max() >= table.shape[1]:
        raise CorruptError("colour of a lossless tile", found=int(indices.max()), expected=f"below {table.shape[1]}")
    return table[:, indices[0]]


def join(count: int, table: bytes, indices: bytes) -> bytes:
    """The stream: number of colours less 1 in 2 bytes, length of the coded table in 4, the table, the indices."""
    return (count - 1).to_bytes(2, "little") + len(table).to_bytes(4, "little") + table + indices


def split(data: bytes) -> tuple[int, bytes, bytes]:
    """(number of colours, coded table, coded indices)."""
    if len(data) < 6:
        raise TruncatedError("colour table", found=len(data), expected="at least 6 bytes")
    count, length = int.from_bytes(data[:2], "little") + 1, int.from_bytes(data[2:6], "little")
    if not 2 <= count <= MAX_COLOURS:
        raise CorruptError("colours of a lossless tile", found=count, expected=f"2..{MAX_COLOURS}")
    if len(data) < 6 + length:
        raise TruncatedError("colour table", found=len(data) - 6, expected=f"{length} bytes")
    return count, data[6 : 6 + length], data[6 + length :]

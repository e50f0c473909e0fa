"""Every number of docs/format-lossless.md, under the same name; no code."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CHECK_BYTES", "MAX_DEPTH", "MAX_KEY_BYTES", "MAX_SIDE", "Coding", "Filter"]

MAX_DEPTH = 16  # bits of a sample
MAX_SIDE = 65_535  # planes, rows or columns of a tile
MAX_KEY_BYTES = 64
CHECK_BYTES = 4


class Coding(IntEnum):
    """The first byte of a stream."""

    ROWS = 0


class Filter(IntEnum):
    """How the bytes of one row are told from what stands before them; as in PNG."""

    NONE = 0
    SUB = 1
    UP = 2

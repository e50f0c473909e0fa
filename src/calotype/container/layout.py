"""The constants of docs/format.md and nothing else: a test compares every one with the tables there, cell by cell.

Entropy coding has its own constants beside its own specification (docs/format-entropy.md).
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "ANCILLARY",
    "CHECK_BYTES",
    "COLOUR_PLANES",
    "CRITICAL",
    "FLOAT_DEPTHS",
    "GROUP_FOLLOWS",
    "GROUP_REPEATED",
    "HEADER_END_BYTES",
    "INDEX_BY_SEGMENT",
    "INDEX_SEVERAL",
    "INDEX_SHARED",
    "MAGIC",
    "MAJOR",
    "MAX_DEPTH",
    "MAX_GROUP_ENTRIES",
    "MAX_PAYLOAD_BYTES",
    "MAX_PLANES",
    "MAX_QUALITY_100THS",
    "MAX_RATE_INDEX",
    "MAX_SEGMENTS",
    "MAX_SIDE_PX",
    "MAX_TILES",
    "MAX_TILE_PX",
    "MAX_VARINT_BYTES",
    "MINOR",
    "MIN_TILE_CHUNK_BYTES",
    "MIN_TILE_PAYLOAD_BYTES",
    "MODEL_ID_BYTES",
    "QUALITY_LOSSLESS",
    "RESERVED",
    "SHARED_KEY_NUMBER",
    "TILE_KEY_BYTES",
    "TILE_SEVERAL",
    "TILE_UNIT_PX",
    "Colour",
    "Mode",
    "Order",
    "SampleType",
]

MAGIC = bytes.fromhex("ca43414c0d0a1a0a")
MAJOR = 1
MINOR = 0

MAX_VARINT_BYTES = 10
MAX_PAYLOAD_BYTES = 2**48
HEADER_END_BYTES = 64
CHECK_BYTES = 4
MAX_SIDE_PX = 2**30 - 1
MAX_PLANES = 65535
MAX_GROUP_ENTRIES = 4
MAX_DEPTH = 32
FLOAT_DEPTHS = (16, 32)
MODEL_ID_BYTES = 8
MAX_QUALITY_100THS = 10000
QUALITY_LOSSLESS = 10001
TILE_UNIT_PX = 16
MAX_TILE_PX = 16384
MAX_TILES = 2**32 - 2
MAX_RATE_INDEX = 1023
MAX_SEGMENTS = 256
MIN_TILE_PAYLOAD_BYTES = 6
MIN_TILE_CHUNK_BYTES = 15
TILE_KEY_BYTES = 16
SHARED_KEY_NUMBER = 2**32 - 1

# Bits of single fields.
GROUP_FOLLOWS = 0x80
GROUP_REPEATED = 0x40
TILE_SEVERAL = 0x08
INDEX_BY_SEGMENT = 0x01
INDEX_SEVERAL = 0x02
INDEX_SHARED = 0x04


class SampleType(IntEnum):
    """What a sample is."""

    UNSIGNED = 0
    SIGNED = 1
    FLOAT = 2


class Colour(IntEnum):
    """What the planes of a group mean, where no ICC profile says more."""

    UNSPECIFIED = 0
    SRGB = 1
    GREY = 2
    LINEAR_SRGB = 3
    DISPLAY_P3 = 4
    REC2020_PQ = 5
    REC2020_HLG = 6
    CMYK = 7
    ALPHA = 8
    PREMULTIPLIED_ALPHA = 9


# Planes that a colour description asks for; UNSPECIFIED takes any number.
COLOUR_PLANES = {
    Colour.SRGB: 3,
    Colour.GREY: 1,
    Colour.LINEAR_SRGB: 3,
    Colour.DISPLAY_P3: 3,
    Colour.REC2020_PQ: 3,
    Colour.REC2020_HLG: 3,
    Colour.CMYK: 4,
    Colour.ALPHA: 1,
    Colour.PREMULTIPLIED_ALPHA: 1,
}


class Mode(IntEnum):
    """How the samples of a tile are coded."""

    MODEL = 0
    LOSSLESS = 1
    RAW = 2
    OVERLAID = 3


class Order(IntEnum):
    """In which order the segments of several tiles stand in the file."""

    BY_TILE = 0
    BY_SEGMENT = 1


# Chunk types, in the order in which they may stand.
CRITICAL = {
    "HEAD": "header",
    "TIDX": "tile index",
    "PICT": "picture payload",
    "TILE": "segment of a tile",
    "DONE": "end",
}
# Payload bytes where the type fixes them, else None; whether a file may hold several.
ANCILLARY: dict[str, tuple[str, int | None, bool]] = {
    "eXIf": ("Exif", None, False),
    "iCCP": ("ICC profile", None, False),
    "xMPp": ("XMP packet", None, False),
    "mTIM": ("time of last modification", 8, False),
    "dPIs": ("resolution", 16, False),
    "oRIe": ("orientation", 1, False),
    "cOMm": ("comment", None, True),
}
RESERVED = {
    "ENCR": "encryption",
    "ALPH": "alpha plane outside the plane groups",
    "aNIM": "animation control",
    "aFRM": "animation frame",
    "aUXP": "auxiliary plane",
    "pREV": "preview",
    "pARY": "parity for repair",
}

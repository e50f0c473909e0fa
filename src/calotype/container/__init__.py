"""The bytes of a .calo file: the names that other packages use. It knows no pictures and no networks."""

from __future__ import annotations

from calotype.container.chunks import Chunk
from calotype.container.file import PictureFile, build, parse
from calotype.container.header import Header, Place, PlaneGroup, header_bytes, is_calotype, parse_header
from calotype.container.keys import raw_check, shared_key, tile_key
from calotype.container.layout import QUALITY_LOSSLESS, Colour, Mode, Order, SampleType
from calotype.container.metadata import Metadata, Resolution
from calotype.container.recover import Recovered, Report, TileDamage, unfinished
from calotype.container.region import Opened, open_file, read_front, read_tiles
from calotype.container.tiles import Segment, Tile

__all__ = [
    "QUALITY_LOSSLESS",
    "Chunk",
    "Colour",
    "Header",
    "Metadata",
    "Mode",
    "Opened",
    "Order",
    "PictureFile",
    "Place",
    "PlaneGroup",
    "Recovered",
    "Report",
    "Resolution",
    "SampleType",
    "Segment",
    "Tile",
    "TileDamage",
    "build",
    "header_bytes",
    "is_calotype",
    "open_file",
    "parse",
    "parse_header",
    "raw_check",
    "read_front",
    "read_tiles",
    "shared_key",
    "tile_key",
    "unfinished",
]

"""Keys that bind the hash of a tile's values to its file and its place, so that no tile passes for another."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from calotype.container.layout import CHECK_BYTES, SHARED_KEY_NUMBER, TILE_KEY_BYTES
from calotype.container.tiles import Segment, write_shared

__all__ = ["raw_check", "shared_key", "tile_key"]


def tile_key(header_bytes: bytes, tile_index: int, segment_index: int = 0, shared: Sequence[Segment] = ()) -> bytes:
    """The 16-byte key of one segment.

    header_bytes    of `header.header_bytes`: final before the first tile is coded
    tile_index      the tile's number
    segment_index   from 0 in each tile
    shared          the picture's own payload, where it has one: tiles that build on it are bound to it
    source          docs/format.md, "Keys"
    """
    file_key = blake2b(header_bytes, digest_size=TILE_KEY_BYTES)
    if shared:
        file_key.update(write_shared(shared))
    place = tile_index.to_bytes(4, "little") + segment_index.to_bytes(4, "little")
    return blake2b(file_key.digest() + place, digest_size=TILE_KEY_BYTES).digest()


def shared_key(header_bytes: bytes, segment_index: int = 0) -> bytes:
    """The 16-byte key of one segment of the picture's own payload."""
    return tile_key(header_bytes, SHARED_KEY_NUMBER, segment_index)


def raw_check(key: bytes, data: bytes) -> bytes:
    """The 4-byte check of a raw tile: its values are its bytes."""
    return blake2b(data, digest_size=CHECK_BYTES, key=key).digest()

"""`Index`: where every TILE chunk of a file stands, to and from the payload of TIDX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calotype.container import chunks, varint
from calotype.container.fields import Fields
from calotype.container.layout import (
    CHECK_BYTES,
    INDEX_BY_SEGMENT,
    INDEX_SEVERAL,
    INDEX_SHARED,
    MAX_PAYLOAD_BYTES,
    MAX_SEGMENTS,
    MIN_TILE_PAYLOAD_BYTES,
    Order,
)
from calotype.container.tiles import sequence
from calotype.limits import Limits

__all__ = ["Entry", "Index", "matters", "read_index", "write_index"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One TILE chunk: what it holds, where it starts, how long it is as a whole, and its CRC."""

    tile: int
    segment: int
    start: int
    size_bytes: int
    crc: bytes

    def __str__(self) -> str:
        return (
            f"segment {self.segment} of tile {self.tile}, {self.size_bytes} bytes at {self.start}, CRC {self.crc.hex()}"
        )


@dataclass(frozen=True, slots=True)
class Index:
    """The tile index of a file with more than one TILE chunk.

    shared          CRC of the PICT chunk that follows the index, None where none does
    gap_bytes       from the end of the index to the first TILE chunk
    segments        how many segments each tile has
    payload_bytes   of each TILE chunk, in the order of the file
    crcs            of each TILE chunk, 4 bytes each: a chunk of another file does not fit
    """

    order: Order
    shared: bytes | None
    gap_bytes: int
    segments: tuple[int, ...]
    payload_bytes: tuple[int, ...]
    crcs: tuple[bytes, ...]

    def crc_by_place(self) -> dict[tuple[int, int], bytes]:
        """The CRC of each TILE chunk by (tile, segment)."""
        return dict(zip(sequence(self.order, self.segments), self.crcs, strict=True))

    def entries(self, index_end: int) -> tuple[Entry, ...]:
        """Every TILE chunk in the order of the file, for an index whose chunk ends at byte `index_end`."""
        start, found = index_end + self.gap_bytes, []
        for (tile, segment), length, crc in zip(
            sequence(self.order, self.segments), self.payload_bytes, self.crcs, strict=True
        ):
            found.append(Entry(tile, segment, start, chunks.size_bytes(length), crc))
            start += found[-1].size_bytes
        return tuple(found)


def matters(order: Order, segments: Sequence[int]) -> bool:
    """Whether the two orders differ for tiles of so many segments."""
    return order is not Order.BY_TILE and max(segments[:-1], default=1) > 1


def write_index(index: Index) -> bytes:
    """The payload of TIDX."""
    several = max(index.segments) > 1
    flags = (INDEX_BY_SEGMENT if index.order else 0) | (INDEX_SEVERAL if several else 0)
    if index.shared is not None:
        flags |= INDEX_SHARED
    said = [bytes((flags,)), varint.write(index.gap_bytes), index.shared or b""]
    if several:
        said += [varint.write(count) for count in index.segments]
    for length, crc in zip(index.payload_bytes, index.crcs, strict=True):
        said += [varint.write(length), crc]
    return b"".join(said)


def read_index(payload: bytes | memoryview, tiles: int, limits: Limits, offset: int = 0) -> Index:
    """The payload of TIDX, for a picture of that many tiles. Raises FormatError or LimitError."""
    fields = Fields(payload, "TIDX", offset)
    flags = fields.byte("flags")
    if flags > INDEX_BY_SEGMENT | INDEX_SEVERAL | INDEX_SHARED:
        raise fields.error("flags", found=flags, expected="bits 3 to 7 zero")
    order = Order(flags & INDEX_BY_SEGMENT)
    gap = fields.varint("gap", 0, MAX_PAYLOAD_BYTES)
    shared = fields.take("picture payload", CHECK_BYTES) if flags & INDEX_SHARED else None
    # Each count and each entry takes bytes, so neither list can be longer than the payload.
    if tiles > fields.left:
        raise fields.error("length", found=f"{fields.left} bytes", expected=f"entries for {tiles} tiles")
    segments = (1,) * tiles
    if flags & INDEX_SEVERAL:
        segments = _read_counts(fields, tiles, limits)
        if max(segments) == 1:
            raise fields.error("flags", found=flags, expected="bit 1 only where a tile has several segments")
    if order and not matters(order, segments):
        raise fields.error("flags", found=flags, expected="bit 0 only where it matters")
    total = limits.spend("max_chunks", sum(segments), "chunks of a file")
    if total == 1:
        raise fields.error("entries", found=1, expected="no index for one TILE chunk")
    lengths, crcs = [], []
    for _ in range(total):
        length = fields.varint("length", MIN_TILE_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES)
        lengths.append(limits.spend("max_chunk_bytes", length, "bytes of a chunk"))
        crcs.append(fields.take("CRC", CHECK_BYTES))
    fields.done()
    return Index(order, shared, gap, segments, tuple(lengths), tuple(crcs))


def _read_counts(fields: Fields, tiles: int, limits: Limits) -> tuple[int, ...]:
    """How many segments each tile has; too many in all are refused as soon as they are."""
    counts: list[int] = []
    total = 0
    for _ in range(tiles):
        counts.append(fields.varint("segments", 1, MAX_SEGMENTS))
        total = limits.spend("max_chunks", total + counts[-1], "chunks of a file")
    return tuple(counts)

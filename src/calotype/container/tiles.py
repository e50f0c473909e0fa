"""`Segment` and `Tile`, the coded data of a picture, to and from payloads; what the data mean is said by `coding`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from calotype.container import varint
from calotype.container.fields import Fields
from calotype.container.header import Header
from calotype.container.layout import CHECK_BYTES, MAX_RATE_INDEX, MAX_SEGMENTS, MAX_TILES, TILE_SEVERAL, Mode, Order
from calotype.errors import CorruptError, UnsupportedError, UsageError

__all__ = [
    "Part",
    "Segment",
    "Tile",
    "check_tile",
    "join",
    "read_part",
    "read_shared",
    "sequence",
    "write_part",
    "write_shared",
]


@dataclass(frozen=True, slots=True)
class Segment:
    """A separately flushed stream.

    data    the stream, of any length, zero included
    check   4 bytes: the keyed hash of the values that the stream restores (`keys.tile_key` is the key)
    """

    data: bytes
    check: bytes

    def __post_init__(self) -> None:
        if len(self.check) != CHECK_BYTES:
            raise UsageError("check of a segment", value=self.check, allowed=f"{CHECK_BYTES} bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The coded data of one tile.

    number       as `Header.place` numbers them
    rate_index   0 to 1023, the model's rows and gains
    segments     one, or several where the system is progressive or recurrent
    """

    number: int
    segments: tuple[Segment, ...]
    rate_index: int = 0
    mode: Mode = Mode.MODEL

    def __post_init__(self) -> None:
        if not 0 <= self.number < MAX_TILES:
            raise UsageError("tile number", value=self.number, allowed=f"below {MAX_TILES}")
        if not 0 <= self.rate_index <= MAX_RATE_INDEX:
            raise UsageError("rate_index", value=self.rate_index, allowed=f"0 to {MAX_RATE_INDEX}")
        if not 1 <= len(self.segments) <= MAX_SEGMENTS:
            raise UsageError("segments of a tile", value=len(self.segments), allowed=f"1 to {MAX_SEGMENTS}")
        if self.mode not in set(Mode):
            raise UsageError("mode", value=self.mode, allowed=", ".join(mode.name for mode in Mode))
        object.__setattr__(self, "mode", Mode(self.mode))
        if self.mode is Mode.RAW and len(self.segments) > 1:
            raise UsageError("segments of a raw tile", value=len(self.segments), allowed="1")
        if self.mode is Mode.OVERLAID and len(self.segments) < 2:
            raise UsageError("segments of an overlaid tile", value=1, allowed="2 and more: the model's, then the exact")


@dataclass(frozen=True, slots=True)
class Part:
    """One TILE chunk: one segment of a tile, and what it repeats of the tile."""

    tile: int
    segment: int
    segments: int
    mode: Mode
    rate_index: int
    data: Segment


def write_part(tile: Tile, segment: int) -> bytes:
    """The payload of the TILE chunk of one segment."""
    several = len(tile.segments) > 1
    coding = tile.mode | (TILE_SEVERAL if several else 0) | tile.rate_index << 4
    said = [varint.write(tile.number), varint.write(coding)]
    if several:
        said += [varint.write(segment), varint.write(len(tile.segments))]
    return b"".join((*said, tile.segments[segment].check, tile.segments[segment].data))


def read_part(payload: bytes | memoryview, tiles: int, offset: int = 0) -> Part:
    """A TILE chunk's payload, for a picture of that many tiles.

    Raises FormatError, or UnsupportedError for a coding mode of a later release.
    """
    fields = Fields(payload, "TILE", offset)
    tile = fields.varint("number", 0, tiles - 1)
    coding = fields.varint("coding", 0, MAX_RATE_INDEX << 4 | 0x0F)
    if coding & 0x07 not in set(Mode):
        raise UnsupportedError(
            "coding mode", found=coding & 0x07, supported="0 to 3", hint="a newer release may read it"
        )
    segment, segments = 0, 1
    if coding & TILE_SEVERAL:
        segment = fields.varint("segment", 0, MAX_SEGMENTS - 1)
        segments = fields.varint("segments", max(2, segment + 1), MAX_SEGMENTS)
    check = fields.take("check", CHECK_BYTES)
    return Part(tile, segment, segments, Mode(coding & 0x07), coding >> 4, Segment(fields.rest(), check))


def join(number: int, parts: Sequence[Part]) -> Tile:
    """A tile from its segments, in order; all must agree on how the tile is coded. Raises CorruptError."""
    first = parts[0]
    for part in parts:
        if (part.mode, part.rate_index, part.segments) != (first.mode, first.rate_index, len(parts)):
            raise CorruptError(f"TILE coding of tile {number}", found=part.rate_index, expected=first.rate_index)
    segments = tuple(part.data for part in parts)
    if first.mode is Mode.RAW and len(segments) > 1:
        raise CorruptError(f"TILE segments of raw tile {number}", found=len(segments), expected=1)
    if first.mode is Mode.OVERLAID and len(segments) < 2:
        raise CorruptError(f"TILE segments of overlaid tile {number}", found=1, expected="2 and more")
    return Tile(number=number, segments=segments, rate_index=first.rate_index, mode=first.mode)


def check_tile(header: Header, tile: Tile) -> None:
    """Raise UsageError if this tile cannot belong to this header."""
    for lacks, kind in (
        (header.lossless, "a lossless picture"),
        (not any(header.model_id), "a picture without a model"),
    ):
        if lacks and tile.mode in (Mode.MODEL, Mode.OVERLAID):
            raise UsageError(f"mode of tile {tile.number}", value=tile.mode.name, allowed=f"LOSSLESS or RAW in {kind}")
    if tile.mode is Mode.RAW and len(tile.segments[0].data) != header.raw_bytes(tile.number):
        found, wanted = len(tile.segments[0].data), header.raw_bytes(tile.number)
        raise UsageError(f"bytes of raw tile {tile.number}", value=found, allowed=wanted)


def write_shared(segments: Sequence[Segment]) -> bytes:
    """The payload of PICT: what all tiles of a picture share."""
    said = [varint.write(len(segments))]
    for segment in segments:
        said += [varint.write(len(segment.data)), segment.check, segment.data]
    return b"".join(said)


def read_shared(payload: bytes | memoryview, offset: int = 0) -> tuple[Segment, ...]:
    """The segments of PICT."""
    fields = Fields(payload, "PICT", offset)
    segments = []
    for _ in range(fields.varint("segments", 1, MAX_SEGMENTS)):
        length = fields.varint("length", 0, fields.left)
        check = fields.take("check", CHECK_BYTES)
        segments.append(Segment(fields.take("data", length), check))
    fields.done()
    return tuple(segments)


def sequence(order: Order, segments: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(tile, segment) of every TILE chunk in the order of the file; `segments` is how many each tile has."""
    if order is Order.BY_TILE:
        for tile, count in enumerate(segments):
            for segment in range(count):
                yield tile, segment
    else:
        for segment in range(max(segments)):
            for tile, count in enumerate(segments):
                if segment < count:
                    yield tile, segment

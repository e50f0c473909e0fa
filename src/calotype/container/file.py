"""`PictureFile` and its two verbs: build (file -> bytes) and parse (bytes -> file); it knows no pictures, no models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

from calotype.container import chunks
from calotype.container.chunks import Chunk, Frame
from calotype.container.header import Header, header_bytes, read_header
from calotype.container.index import Index, matters, read_index, write_index
from calotype.container.layout import CRITICAL, MAX_SEGMENTS, MIN_TILE_CHUNK_BYTES, Order
from calotype.container.metadata import Metadata, check_ancillary
from calotype.container.recover import Recovered, recover
from calotype.container.tiles import (
    Part,
    Segment,
    Tile,
    check_tile,
    join,
    read_part,
    read_shared,
    sequence,
    write_part,
    write_shared,
)
from calotype.errors import CorruptError, FormatError, TruncatedError, UsageError
from calotype.limits import DEFAULT, Limits

__all__ = ["PictureFile", "build", "parse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFile:
    """A whole picture file. `parse(build(file)) == file`, and `build(parse(data)) == data`.

    tiles       every tile of the picture, in the order of their numbers
    shared      the picture's own payload, which all tiles share; empty where the system needs none
    ancillary   metadata and what later releases add, before the tiles; `Metadata.chunks()` makes them
    trailing    ancillary chunks after the tiles, of types that this release does not define
    order       of segments in the file; BY_TILE where both orders are the same

    Raises UsageError where the parts do not fit each other.
    """

    header: Header
    tiles: tuple[Tile, ...]
    shared: tuple[Segment, ...] = ()
    ancillary: tuple[Chunk, ...] = ()
    trailing: tuple[Chunk, ...] = ()
    order: Order = Order.BY_TILE

    def __post_init__(self) -> None:
        if len(self.tiles) != self.header.tiles:
            raise UsageError("tiles", value=len(self.tiles), allowed=self.header.tiles)
        if len(self.shared) > MAX_SEGMENTS:
            raise UsageError("segments of the picture payload", value=len(self.shared), allowed=f"up to {MAX_SEGMENTS}")
        for number, tile in enumerate(self.tiles):
            if tile.number != number:
                raise UsageError("tile number", value=tile.number, allowed=f"{number}, its place")
            check_tile(self.header, tile)
        check_ancillary(self.ancillary)
        check_ancillary(self.trailing, trailing=True)
        order = Order(self.order) if matters(Order(self.order), self.segment_counts) else Order.BY_TILE
        object.__setattr__(self, "order", order)

    @property
    def segment_counts(self) -> tuple[int, ...]:
        """How many segments each tile has."""
        return tuple(len(tile.segments) for tile in self.tiles)

    @property
    def metadata(self) -> Metadata:
        """What the ancillary chunks say."""
        return Metadata.of(self.ancillary)


def build(file: PictureFile) -> bytes:
    """The bytes of a picture file; the same for the same file, always."""
    shared = chunks.frame("PICT", write_shared(file.shared)) if file.shared else b""
    ancillary = b"".join(chunks.frame(chunk.type, chunk.payload) for chunk in file.ancillary)
    payloads = [write_part(file.tiles[tile], segment) for tile, segment in sequence(file.order, file.segment_counts)]
    framed = [chunks.frame("TILE", payload) for payload in payloads]
    index = b""
    if len(framed) > 1:
        lengths, crcs = tuple(map(len, payloads)), tuple(whole[-4:] for whole in framed)
        gap = len(shared) + len(ancillary)
        said = Index(file.order, shared[-4:] or None, gap, file.segment_counts, lengths, crcs)
        index = chunks.frame("TIDX", write_index(said))
    trailing = (chunks.frame(chunk.type, chunk.payload) for chunk in file.trailing)
    before = b"".join((header_bytes(file.header), index, shared, ancillary, *framed, *trailing))
    return before + chunks.end(before)


@overload
def parse(
    data: bytes | bytearray | memoryview, limits: Limits = ..., *, partial: Literal[False] = ...
) -> PictureFile: ...
@overload
def parse(data: bytes | bytearray | memoryview, limits: Limits = ..., *, partial: Literal[True]) -> Recovered: ...
def parse(
    data: bytes | bytearray | memoryview, limits: Limits = DEFAULT, *, partial: bool = False
) -> PictureFile | Recovered:
    """A picture file from its bytes.

    partial   False: every byte is proved right, or an error. True: what is intact, and a report of what is not.

    Raises TruncatedError, CorruptError, FormatError, UnsupportedError; LimitError before anything is allocated.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        allowed = "the bytes of a file; pathlib.Path(...).read_bytes() reads them"
        raise UsageError("data", value=type(data).__name__, allowed=allowed)
    view = memoryview(data).toreadonly().cast("B")
    return recover(view, limits) if partial else _parse_strictly(view, limits)


# The order in which chunks stand; ancillary ones may stand on both sides of the tiles.
_STAGES = {"TIDX": 1, "PICT": 2, "TILE": 4}
_ANCILLARY, _TRAILING = 3, 5


def _parse_strictly(data: memoryview, limits: Limits) -> PictureFile:
    header, at = read_header(data, limits)
    if header.tiles * MIN_TILE_CHUNK_BYTES > len(data) - at:
        raise TruncatedError(
            "tiles", offset=len(data), expected=f"at least {header.tiles * MIN_TILE_CHUNK_BYTES} bytes"
        )
    index: tuple[Index, int] | None = None
    shared: tuple[Segment, ...] = ()
    shared_crc: bytes | None = None
    ancillary: list[Chunk] = []
    trailing: list[Chunk] = []
    parts: list[tuple[Part, Frame]] = []
    stage = metadata_bytes = 0
    for found in chunks.walk(data, at, limits, seen=1):
        chunks.refuse_unknown(found.type)
        now = _STAGES.get(found.type, _TRAILING if parts else _ANCILLARY)
        if now < stage or (now == stage and now < _ANCILLARY) or found.type == "HEAD":
            raise CorruptError("order of chunks", offset=found.start, found=found.type, expected=" ".join(CRITICAL))
        stage = now
        payload = data[found.payload : found.check]
        if found.type == "TIDX":
            index = read_index(payload, header.tiles, limits, found.payload), found.end
        elif found.type == "PICT":
            shared, shared_crc = read_shared(payload, found.payload), bytes(data[found.check : found.end])
        elif found.type == "TILE":
            parts.append((read_part(payload, header.tiles, found.payload), found))
        else:
            metadata_bytes = limits.spend("max_metadata_bytes", metadata_bytes + len(payload), "bytes of metadata")
            (trailing if parts else ancillary).append(Chunk(found.type, bytes(payload)))
    order = _check_index(index, header, parts, data, shared_crc)
    try:
        return PictureFile(
            header=header,
            tiles=_assemble(header, [part for part, _ in parts]),
            shared=shared,
            ancillary=tuple(ancillary),
            trailing=tuple(trailing),
            order=order,
        )
    except UsageError as error:
        raise FormatError(error.argument, found=error.value, expected=error.allowed) from error


def _check_index(
    index: tuple[Index, int] | None,
    header: Header,
    parts: Sequence[tuple[Part, Frame]],
    data: memoryview,
    shared_crc: bytes | None,
) -> Order:
    """Raise unless the index says exactly what stands in the file; the order of the segments."""
    if index is None:
        if header.tiles > 1 or len(parts) != 1 or parts[0][0].segments > 1:
            raise FormatError("TIDX", found="no index", expected="an index where there is more than one TILE chunk")
        return Order.BY_TILE
    said, index_end = index
    entries = said.entries(index_end)
    if said.shared != shared_crc:
        raise CorruptError("TIDX picture payload", found=said.shared, expected=shared_crc)
    if len(entries) != len(parts):
        raise CorruptError("TILE chunks", found=len(parts), expected=len(entries))
    for entry, (part, found) in zip(entries, parts, strict=True):
        there = (part.tile, part.segment, found.start, found.end - found.start, bytes(data[found.check : found.end]))
        if there != (entry.tile, entry.segment, entry.start, entry.size_bytes, entry.crc):
            raise CorruptError(
                "TILE", offset=found.start, found=f"tile {part.tile} segment {part.segment}", expected=entry
            )
        if part.segments != said.segments[part.tile]:
            raise CorruptError(
                "TILE segments", offset=found.start, found=part.segments, expected=said.segments[part.tile]
            )
    return said.order


def _assemble(header: Header, parts: Sequence[Part]) -> tuple[Tile, ...]:
    """The tiles from their segments, which the index has proved to be all there and in order."""
    segments: list[list[Part]] = [[] for _ in range(header.tiles)]
    for part in parts:
        segments[part.tile].append(part)
    return tuple(join(number, its) for number, its in enumerate(segments))

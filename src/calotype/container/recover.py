"""Reading damaged files: what is intact, and a report of everything that is not; strict reading is in file.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calotype.container import chunks, varint
from calotype.container.chunks import Chunk, Frame
from calotype.container.header import Header, read_header
from calotype.container.index import Index, read_index
from calotype.container.layout import ANCILLARY, Mode
from calotype.container.metadata import Metadata, check_ancillary
from calotype.container.scan import Scan, scan
from calotype.container.tiles import Part, Segment, Tile, check_tile, read_part, read_shared
from calotype.errors import CalotypeError, FormatError, UsageError
from calotype.limits import Limits

__all__ = ["Recovered", "Report", "TileDamage", "recover", "unfinished"]


@dataclass(frozen=True, slots=True)
class TileDamage:
    """A tile that is not proved intact.

    tile       its number
    segments   how many leading segments are handed out all the same; 0 means that the tile is None
    reason     one sentence
    """

    tile: int
    segments: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is wrong with a file, completely.

    damaged           the tiles that must not be trusted, by number
    index_intact      False where the index is lost; tiles then rest on their own CRC and the hash of their values
    shared_intact     False where the picture's own payload is lost, or may be: what builds on it cannot be decoded
    metadata_intact   False where ancillary chunks before the tiles may be missing
    end_intact        False where the end chunk is missing or its hash of the file does not agree
    lost_bytes        ranges (first, after the last) of bytes that belong to no intact chunk
    """

    damaged: tuple[TileDamage, ...] = ()
    index_intact: bool = True
    shared_intact: bool = True
    metadata_intact: bool = True
    end_intact: bool = True
    lost_bytes: tuple[tuple[int, int], ...] = ()

    @property
    def complete(self) -> bool:
        """Nothing is wrong at all."""
        said = (self.index_intact, self.shared_intact, self.metadata_intact, self.end_intact)
        return all(said) and not self.damaged and not self.lost_bytes

    @property
    def damaged_tiles(self) -> frozenset[int]:
        """Numbers of the tiles that must not be trusted."""
        return frozenset(damage.tile for damage in self.damaged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What is left of a picture file.

    tiles   one entry per tile of the picture: None where nothing is left, fewer segments where some are lost
    """

    header: Header
    tiles: tuple[Tile | None, ...]
    shared: tuple[Segment, ...]
    ancillary: tuple[Chunk, ...]
    report: Report

    @property
    def metadata(self) -> Metadata:
        """What the ancillary chunks that are left say."""
        return Metadata.of(self.ancillary)


def recover(data: memoryview, limits: Limits) -> Recovered:
    """What is intact in a damaged file. Only its header must be whole: without it no tile has a place.

    Raises what `read_header` raises, LimitError, and UnsupportedError for an unknown critical chunk.
    """
    header, at = read_header(data, limits)
    seen = scan(data, at, limits)
    for found in seen.frames:
        chunks.refuse_unknown(found.type)
    index, index_end, index_intact = _index(data, seen.frames, header, limits)
    shared, shared_intact = _shared(data, seen.frames, index)
    first_tile = next((found.start for found in seen.frames if found.type == "TILE"), len(data) + 1)
    ancillary, valid = _ancillary(data, [found for found in seen.frames if found.start < first_tile], limits)
    # What stands before the tiles is whole if no byte of it is lost; without an index the tiles say where it ends.
    front_end = first_tile if index is None else index_end + index.gap_bytes
    front_intact = front_end <= len(data) and not seen.lost_before(front_end)
    tiles, damaged = _tiles(data, seen, index, header)
    return Recovered(
        header=header,
        tiles=tiles,
        shared=shared,
        ancillary=ancillary,
        report=Report(
            damaged=damaged,
            index_intact=index_intact,
            shared_intact=shared_intact and (index is not None or bool(shared) or front_intact),
            metadata_intact=valid and front_intact,
            end_intact=seen.end_intact,
            lost_bytes=seen.lost,
        ),
    )


def unfinished(data: bytes | memoryview, start: int, header: Header, limits: Limits) -> Part | None:
    """The TILE chunk that begins at byte `start` and in which the data end: as much of its stream as there is, unproved.

    None where no such chunk begins there, or where it ends before its stream.
    """
    try:
        length, at = varint.read(data, start, "chunk length")
        limits.spend("max_chunk_bytes", length, "bytes of a chunk")
        if bytes(data[at : at + 4]) != b"TILE":
            return None
        return read_part(data[at + 4 : at + 4 + length], header.tiles, at + 4)
    except CalotypeError:
        return None


def _index(data: memoryview, frames: Sequence[Frame], header: Header, limits: Limits) -> tuple[Index | None, int, bool]:
    """The index, if the file still has one, where its chunk ends, and whether the file has one or needs none."""
    for found in frames:
        if found.type == "TIDX":
            try:
                return (
                    read_index(data[found.payload : found.check], header.tiles, limits, found.payload),
                    found.end,
                    True,
                )
            except FormatError:
                break
    kinds = [found.type for found in frames]
    return None, 0, header.tiles == 1 and kinds.count("TILE") <= 1 and "TIDX" not in kinds


def _shared(data: memoryview, frames: Sequence[Frame], index: Index | None) -> tuple[tuple[Segment, ...], bool]:
    """The picture's own payload, and whether it is what it should be as far as the index says."""
    for found in frames:
        if found.type == "PICT":
            if index is not None and index.shared != bytes(data[found.check : found.end]):
                continue
            try:
                return read_shared(data[found.payload : found.check], found.payload), True
            except FormatError:
                return (), False
    return (), index is None or index.shared is None


def _ancillary(data: memoryview, frames: Sequence[Frame], limits: Limits) -> tuple[tuple[Chunk, ...], bool]:
    """The ancillary chunks that say something possible, and whether all do."""
    kept: list[Chunk] = []
    once: set[str] = set()
    valid, total = True, 0
    for found in frames:
        if found.type[0].isupper():
            continue
        total = limits.spend("max_metadata_bytes", total + found.payload_bytes, "bytes of metadata")
        chunk = Chunk(found.type, bytes(data[found.payload : found.check]))
        try:
            if chunk.type in once:
                raise UsageError("ancillary chunk", value=chunk.type, allowed="one")
            check_ancillary((chunk,))
        except UsageError:
            valid = False
            continue
        kept.append(chunk)
        if chunk.type in ANCILLARY and not ANCILLARY[chunk.type][2]:
            once.add(chunk.type)
    return tuple(kept), valid


def _tiles(
    data: memoryview, seen: Scan, index: Index | None, header: Header
) -> tuple[tuple[Tile | None, ...], tuple[TileDamage, ...]]:
    """Each tile as far as it is left, and what is wrong with those that are not whole."""
    parts, reasons = _parts(data, seen.frames, index, header)
    tiles: list[Tile | None] = []
    damaged: list[TileDamage] = []
    for number in range(header.tiles):
        left = parts.get(number, {})
        wanted = index.segments[number] if index else max((part.segments for part in left.values()), default=1)
        tile, reason = _leading(header, number, left, wanted)
        # One tile, every CRC right, and yet the file's hash is wrong: some chunk was replaced by another file's.
        if (
            not reason
            and header.tiles == 1
            and index is None
            and seen.end_found
            and not seen.end_intact
            and not seen.lost
        ):
            reason = "the hash of the file does not agree, and nothing else says where it was changed"
        tiles.append(tile)
        if reason:
            damaged.append(TileDamage(number, len(tile.segments) if tile else 0, reasons.get(number, reason)))
    return tuple(tiles), tuple(damaged)


def _parts(
    data: memoryview, frames: Sequence[Frame], index: Index | None, header: Header
) -> tuple[dict[int, dict[int, Part]], dict[int, str]]:
    """Segments by tile and number, and why some tiles have none where a chunk says why."""
    parts: dict[int, dict[int, Part]] = {}
    reasons: dict[int, str] = {}
    twice: set[tuple[int, int]] = set()
    crcs = index.crc_by_place() if index else None
    for found in frames:
        if found.type != "TILE":
            continue
        try:
            part = read_part(data[found.payload : found.check], header.tiles, found.payload)
        except CalotypeError as error:
            reasons.update(_said_of(data, found, header, error))
            continue
        place = part.tile, part.segment
        if crcs is not None and crcs.get(place) != bytes(data[found.check : found.end]):
            reasons.setdefault(part.tile, "a chunk stands here that the index does not know")
            continue
        known = parts.setdefault(part.tile, {})
        if known.setdefault(part.segment, part) != part:
            twice.add(place)
    for tile, segment in twice:
        # Without an index nothing says which of the two is ours.
        del parts[tile][segment]
        reasons[tile] = "two different chunks claim this place"
    return parts, reasons


def _said_of(data: memoryview, found: Frame, header: Header, error: CalotypeError) -> dict[int, str]:
    """The tile that an unreadable TILE chunk is about, with the error's sentence, where its number can be read."""
    number = data[found.payload] if found.payload_bytes and data[found.payload] < 0x80 else header.tiles
    return {number: str(error)} if number < header.tiles else {}


def _leading(header: Header, number: int, left: dict[int, Part], wanted: int) -> tuple[Tile | None, str]:
    """A tile of the segments that are there without a gap, and what is wrong with it or nothing."""
    leading: list[Part] = []
    while (part := left.get(len(leading))) is not None:
        if leading and (part.mode, part.rate_index, part.segments) != _coding(leading[0]):
            break
        leading.append(part)
    if not leading:
        return None, "no intact chunk of this tile is left"
    mode, rate_index, _ = _coding(leading[0])
    try:
        tile = Tile(number=number, segments=tuple(part.data for part in leading), rate_index=rate_index, mode=mode)
        check_tile(header, tile)
    except UsageError as error:
        return None, str(error)
    if len(leading) < wanted:
        return tile, f"{len(leading)} of {wanted} segments are left"
    return tile, ""


def _coding(part: Part) -> tuple[Mode, int, int]:
    return part.mode, part.rate_index, part.segments

"""Parts of a file that is not read as a whole: its front, or header and index first and then chosen tiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from calotype.container import chunks
from calotype.container.header import Header, header_bytes, read_header
from calotype.container.index import Entry, read_index
from calotype.container.layout import CHECK_BYTES, HEADER_END_BYTES
from calotype.container.metadata import Metadata, check_ancillary
from calotype.container.tiles import Part, Segment, Tile, check_tile, join, read_part, read_shared
from calotype.errors import CorruptError, FormatError, TruncatedError, UsageError
from calotype.limits import DEFAULT, Limits

__all__ = ["Opened", "open_file", "read_front", "read_tiles"]

_CHUNK_HEAD_BYTES = 10 + 4
_PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Opened:
    """What must be known before tiles can be read.

    start          position of the picture in the file it was opened in
    header_bytes   what tiles are keyed with
    shared         the picture's own payload
    entries        every TILE chunk in the order of the file; its CRC is empty where the file has no index
    """

    start: int
    header: Header
    header_bytes: bytes
    shared: tuple[Segment, ...]
    entries: tuple[Entry, ...]


def open_file(file: BinaryIO, limits: Limits = DEFAULT) -> Opened:
    """Header, index and picture payload of the picture that starts where `file` stands; tiles are not touched.

    file   readable and seekable; read in order, without a seek, unless the picture is one tile behind metadata

    Raises what `parse` raises. Only what is read is checked: the hash of the whole file is not.
    """
    source = _Source(file, file.tell())
    first = source.take(HEADER_END_BYTES, "header", short=True)
    header, at = read_header(first, limits)
    source.back(first[at:])
    shared: tuple[Segment, ...] = ()
    entries: tuple[Entry, ...] = ()
    seen = metadata_bytes = 0
    while not entries:
        seen = limits.spend("max_chunks", seen + 1, "chunks of a file")
        kind, start, length, taken = _chunk_head(source, limits)
        chunks.refuse_unknown(kind)
        if kind == "TILE":
            if header.tiles > 1:
                raise FormatError("TIDX", found="no index", expected="an index where there is more than one TILE chunk")
            entries = (Entry(0, 0, start, chunks.size_bytes(length), b""),)
        elif kind in ("TIDX", "PICT"):
            whole = taken + source.take(length + CHECK_BYTES, f"chunk {kind}")
            frame = chunks.read_frame(whole, 0, limits)
            chunks.verify(whole, frame)
            payload = memoryview(whole)[frame.payload : frame.check]
            if kind == "PICT":
                shared = read_shared(payload, start)
                continue
            index = read_index(payload, header.tiles, limits, start)
            entries = index.entries(source.at)
            if index.shared is not None:
                shared = _indexed_shared(source, index.shared, limits)
        elif kind[0].isupper():
            raise CorruptError("order of chunks", offset=start, found=kind, expected="TILE before DONE, one HEAD")
        else:
            metadata_bytes = limits.spend("max_metadata_bytes", metadata_bytes + length, "bytes of metadata")
            source.seek(source.at + length + CHECK_BYTES)
    return Opened(source.start, header, header_bytes(header), shared, entries)


def read_tiles(file: BinaryIO, opened: Opened, numbers: Iterable[int], limits: Limits = DEFAULT) -> tuple[Tile, ...]:
    """The tiles of these numbers, in ascending order; one seek per run of chunks that stand side by side.

    Raises what `parse` raises for the chunks it reads, UsageError for a number that the picture does not have.
    """
    wanted = sorted(set(numbers))
    for number in wanted:
        if not 0 <= number < opened.header.tiles:
            raise UsageError("tile", value=number, allowed=f"0 to {opened.header.tiles - 1}")
    chosen = set(wanted)
    source = _Source(file, opened.start)
    parts: dict[int, list[Part]] = {number: [] for number in wanted}
    for entry in opened.entries:
        if entry.tile in chosen:
            source.seek(entry.start)
            parts[entry.tile].append(_read_part(source, entry, opened.header, limits))
    tiles = tuple(join(number, parts[number]) for number in wanted)
    try:
        for tile in tiles:
            check_tile(opened.header, tile)
    except UsageError as error:
        raise FormatError(error.argument, found=error.value, expected=error.allowed) from error
    return tiles


def read_front(file: BinaryIO, limits: Limits = DEFAULT) -> tuple[Header, Metadata]:
    """Header and metadata of the picture that starts where `file` stands; tiles are not touched.

    Raises what `parse` raises. Only what is read is checked.
    """
    source = _Source(file, file.tell())
    first = source.take(HEADER_END_BYTES, "header", short=True)
    header, at = read_header(first, limits)
    source.back(first[at:])
    said: list[chunks.Chunk] = []
    seen = metadata_bytes = 0
    while True:
        seen = limits.spend("max_chunks", seen + 1, "chunks of a file")
        kind, start, length, taken = _chunk_head(source, limits)
        chunks.refuse_unknown(kind)
        if kind == "TILE":
            break
        if kind in ("HEAD", "DONE"):
            raise CorruptError("order of chunks", offset=start, found=kind, expected="TILE before DONE, one HEAD")
        if kind[0].islower():
            metadata_bytes = limits.spend("max_metadata_bytes", metadata_bytes + length, "bytes of metadata")
        whole = taken + source.take(length + CHECK_BYTES, f"chunk {kind}")
        frame = chunks.read_frame(whole, 0, limits)
        chunks.verify(whole, frame)  # also of what is passed over: a changed type would hide what it was
        if kind[0].islower():
            said.append(chunks.Chunk(kind, whole[frame.payload : frame.check]))
    try:
        check_ancillary(said)
    except UsageError as error:
        raise FormatError(error.argument, found=error.value, expected=error.allowed) from error
    return header, Metadata.of(said)


def _read_part(source: _Source, entry: Entry, header: Header, limits: Limits) -> Part:
    """One TILE chunk, compared with what the index says of it."""
    limits.spend("max_chunk_bytes", entry.size_bytes, "bytes of a chunk")
    whole = source.take(entry.size_bytes, "chunk TILE")
    frame = chunks.read_frame(whole, 0, limits)
    chunks.verify(whole, frame)
    said = bytes(whole[frame.check : frame.end])
    part = read_part(memoryview(whole)[frame.payload : frame.check], header.tiles, entry.start)
    there = (frame.type, frame.end, part.tile, part.segment, said if entry.crc else b"")
    if there != ("TILE", entry.size_bytes, entry.tile, entry.segment, entry.crc):
        raise CorruptError("TILE", offset=entry.start, found=f"{frame.type} tile {part.tile}", expected=entry)
    return part


def _indexed_shared(source: _Source, crc: bytes, limits: Limits) -> tuple[Segment, ...]:
    """The PICT chunk that follows an index which knows its CRC."""
    kind, start, length, taken = _chunk_head(source, limits)
    whole = taken + source.take(length + CHECK_BYTES, f"chunk {kind}")
    frame = chunks.read_frame(whole, 0, limits)
    chunks.verify(whole, frame)
    if kind != "PICT" or whole[frame.check :] != crc:
        raise CorruptError("PICT", offset=start, found=kind, expected="the chunk that the index names")
    return read_shared(memoryview(whole)[frame.payload : frame.check], start)


def _chunk_head(source: _Source, limits: Limits) -> tuple[str, int, int, bytes]:
    """Type, start, payload length and the bytes of length and type of the chunk where `source` stands."""
    start = source.at
    first = source.take(_CHUNK_HEAD_BYTES, "chunk", short=True)
    # The whole chunk is not here yet, so nothing is said about where the file ends.
    frame = chunks.read_frame(first, 0, limits, available=2**63)
    source.back(first[frame.payload :])
    return frame.type, start, frame.payload_bytes, first[: frame.payload]


class _Source:
    """Bytes of a seekable file in order, exactly those asked for; positions count from the picture's start."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self.start, self.at, self._ahead = file, start, 0, b""
        self._file_at = 0 if file.tell() == start else -1

    def seek(self, at: int) -> None:
        """Stand at byte `at` of the picture; the file itself moves only when it has to, and only on `take`."""
        ahead = self._ahead[at - self.at :] if 0 <= at - self.at < len(self._ahead) else b""
        self.at, self._ahead = at, ahead

    def back(self, taken: bytes) -> None:
        """Give back what was taken last."""
        self.at, self._ahead = self.at - len(taken), taken + self._ahead

    def take(self, count: int, what: str, *, short: bool = False) -> bytes:
        """The next `count` bytes; fewer only at the end of the file and if `short`. Absurd counts allocate nothing."""
        pieces = [self._ahead[:count]]
        self._ahead = self._ahead[count:]
        here = self.at + len(pieces[0])
        left = count - len(pieces[0])
        if left and self._file_at != here + len(self._ahead):
            if self.start + here >= 2**62:
                raise TruncatedError(what, offset=here, expected=f"{count} bytes")
            self._file.seek(self.start + here)
            self._file_at = here
        while left:
            piece = self._file.read(min(left, _PIECE_BYTES))
            if not piece:
                break
            pieces.append(piece)
            left -= len(piece)
            self._file_at += len(piece)
        if left and not short:
            raise TruncatedError(what, offset=self.at, expected=f"{count} bytes", found=f"{count - left} bytes")
        self.at += count - left
        return b"".join(pieces)

"""A second reader of picture files, written from docs/format.md alone: it imports nothing of calotype.

It accepts exactly the legal files and turns each into plain tuples; anything else is Refused. No speed, no limits.
"""

from __future__ import annotations

import binascii
import hashlib
import struct
from typing import NamedTuple

KNOWN_ANCILLARY = {"eXIf": None, "iCCP": None, "xMPp": None, "mTIM": 8, "dPIs": 16, "oRIe": 1, "cOMm": None}
PLANES_OF_COLOUR = {0: None, 1: 3, 2: 1, 3: 3, 4: 3, 5: 3, 6: 3, 7: 4, 8: 1, 9: 1}


class Refused(Exception):
    """The file breaks a must of the page."""


class Group(NamedTuple):
    planes: int
    depth: int
    sample_type: int
    colour: int
    repeats: int


class Picture(NamedTuple):
    minor: int
    width: int
    height: int
    groups: list[Group]
    model: bytes
    quality: int
    tile_side: int
    by_segment: bool
    shared: list[tuple[bytes, bytes]]  # (data, check)
    ancillary: list[tuple[str, bytes]]
    trailing: list[tuple[str, bytes]]
    tiles: list[tuple[int, int, list[tuple[bytes, bytes]]]]  # mode, rate index, segments
    keys: list[list[bytes]]  # section 7: of each segment of each tile


def must(truth: object, why: str) -> None:
    if not truth:
        raise Refused(why)


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        must(self.at + n <= len(self.data), "too short")
        self.at += n
        return self.data[self.at - n : self.at]

    def u8(self) -> int:
        return self.take(1)[0]

    def varint(self, low: int = 0, high: int = 2**64 - 1) -> int:
        digits = [self.u8()]
        while digits[-1] >= 128:
            must(len(digits) < 10, "varint too long")
            digits.append(self.u8())
        must(len(digits) == 1 or digits[-1] != 0, "varint not shortest")
        value = sum((digit & 127) << 7 * place for place, digit in enumerate(digits))
        must(low <= value <= high, "out of range")
        return value

    def finished(self) -> bool:
        return self.at == len(self.data)


def digest(n: int, *pieces: bytes) -> bytes:
    return hashlib.blake2b(b"".join(pieces), digest_size=n).digest()


def chunks_of(data: bytes) -> list[tuple[str, bytes, int, int, bytes]]:
    """(type, payload, first byte, byte after, check) of every chunk but DONE."""
    source = Bytes(data)
    must(source.take(8) == bytes.fromhex("CA 43 41 4C 0D 0A 1A 0A"), "magic")
    found = []
    while True:
        start = source.at
        length = source.varint(0, 2**48)
        letters = source.take(4)
        must(letters.isalpha() and letters[2:3].isupper(), "type")
        payload = source.take(length)
        before = source.at
        check = source.take(4)
        if letters == b"DONE":
            must(length == 0 and check == digest(4, data[:before]) and source.finished(), "DONE")
            return found
        must(check == struct.pack("<I", binascii.crc32(letters + payload)), "CRC")
        found.append((letters.decode(), payload, start, source.at, check))


def read_head(payload: bytes) -> tuple[int, int, int, list[Group], bytes, int, int]:
    source = Bytes(payload)
    must(source.u8() == 1, "major version")
    minor = source.u8()
    width, height = source.varint(1, 2**30 - 1), source.varint(1, 2**30 - 1)
    groups = []
    while True:
        samples, colour = source.u8(), source.u8()
        planes = source.varint(1, 65535)
        repeats = source.varint(2, 65535) if colour & 64 else 1
        depth, kind = (samples & 31) + 1, samples >> 5 & 3
        must(colour < 128 and kind < 3 and (colour & 63) in PLANES_OF_COLOUR, "group")
        must(kind != 2 or depth in (16, 32), "float depth")
        must(PLANES_OF_COLOUR[colour & 63] in (None, planes), "planes of colour")
        groups.append(Group(planes, depth, kind, colour & 63, repeats))
        if not samples & 128:
            break
    must(len(groups) <= 4 and sum(g.planes * g.repeats for g in groups) <= 65535, "groups")
    model = source.take(8)
    quality, side = source.varint(0, 10001), 16 * source.varint(1, 1024)
    must(source.finished(), "end of HEAD")
    return minor, width, height, groups, model, quality, side


def read_segments(source: Bytes) -> list[tuple[bytes, bytes]]:
    segments = []
    for _ in range(source.varint(1, 256)):
        length = source.varint()
        check = source.take(4)
        segments.append((source.take(length), check))
    must(source.finished(), "end of PICT")
    return segments


def read(data: bytes) -> Picture:
    chunks = chunks_of(data)
    must(chunks and chunks[0][0] == "HEAD" and chunks[0][3] <= 64, "HEAD")
    minor, width, height, groups, model, quality, side = read_head(chunks[0][1])
    expanded = [group for group in groups for _ in range(group.repeats)]
    columns, rows = -(-width // side), -(-height // side)
    count = len(expanded) * rows * columns
    must(count <= 2**32 - 2, "tiles")

    kinds = [kind for kind, *_ in chunks[1:]]
    rest = chunks[1:]
    must("TILE" in kinds, "no tile")
    index_chunk = rest.pop(0) if kinds[0] == "TIDX" else None
    pict_chunk = rest.pop(0) if rest[0][0] == "PICT" else None
    first = next(i for i, chunk in enumerate(rest) if chunk[0] == "TILE")
    last = max(i for i, chunk in enumerate(rest) if chunk[0] == "TILE")
    before, tile_chunks, after = rest[:first], rest[first : last + 1], rest[last + 1 :]
    must(all(kind == "TILE" for kind, *_ in tile_chunks), "something between tiles")
    must(all(kind[0].islower() for kind, *_ in before + after), "critical chunk")
    must(not any(kind in KNOWN_ANCILLARY for kind, *_ in after), "metadata after tiles")
    for kind, size in KNOWN_ANCILLARY.items():
        said = [payload for other, payload, *_ in before if other == kind]
        must(len(said) <= 1 or kind == "cOMm", "twice")
        must(size is None or all(len(payload) == size for payload in said), "size of ancillary")
        must(kind != "oRIe" or all(1 <= payload[0] <= 8 for payload in said), "orientation")
        must(kind != "dPIs" or all(all(struct.unpack("<4I", p)[1::2]) for p in said), "resolution")

    shared = read_segments(Bytes(pict_chunk[1])) if pict_chunk else []
    parts = [read_tile(payload, count) for _, payload, *_ in tile_chunks]
    segments_of = [1] * count
    for number, *_, segments, _, _ in parts:
        segments_of[number] = segments
    must((index_chunk is not None) == (sum(segments_of) > 1), "index exactly if several chunks")
    by_tile = [(tile, segment) for tile in range(count) for segment in range(segments_of[tile])]
    by_segment = sorted(by_tile, key=lambda place: (place[1], place[0]))
    flags = 0
    if index_chunk:
        flags = check_index(index_chunk, pict_chunk, tile_chunks, segments_of)
        must(not flags & 1 or by_tile != by_segment, "order flag without effect")
    wanted = by_segment if flags & 1 else by_tile
    must([(number, segment) for number, _, segment, *_ in parts] == wanted, "order of tiles")

    tiles: list[tuple[int, int, list[tuple[bytes, bytes]]]] = [(-1, -1, []) for _ in range(count)]
    for number, coding, _, segments, check, stream in parts:
        mode, rate = coding & 7, coding >> 4
        must(segments == segments_of[number] and tiles[number][:2] in ((-1, -1), (mode, rate)), "coding differs")
        tiles[number] = (mode, rate, [*tiles[number][2], (stream, check)])
    for number, (mode, _, segments) in enumerate(tiles):
        must(mode not in (0, 3) or (any(model) and quality != 10001), "mode MODEL")
        must(mode != 3 or len(segments) > 1, "overlaid tile")
        if mode == 2:
            group, place = divmod(number, rows * columns)
            row, column = divmod(place, columns)
            pixels = min(side, width - column * side) * min(side, height - row * side)
            size = pixels * expanded[group].planes * -(-expanded[group].depth // 8)
            must(len(segments) == 1 and len(segments[0][0]) == size, "raw tile")

    file_key = digest(16, data[: chunks[0][3]], pict_chunk[1] if pict_chunk else b"")
    keys = [
        [digest(16, file_key, struct.pack("<II", number, segment)) for segment in range(segments_of[number])]
        for number in range(count)
    ]
    ancillary, trailing = [[chunk[:2] for chunk in some] for some in (before, after)]
    return Picture(
        minor, width, height, groups, model, quality, side, bool(flags & 1), shared, ancillary, trailing, tiles, keys
    )


def read_tile(payload: bytes, count: int) -> tuple[int, int, int, int, bytes, bytes]:
    source = Bytes(payload)
    number, coding = source.varint(0, count - 1), source.varint(0, 16383)
    must(coding & 7 < 4, "mode")
    segment, segments = 0, 1
    if coding & 8:
        segment = source.varint(0, 255)
        segments = source.varint(2, 256)
        must(segment < segments, "segment")
    check = source.take(4)
    return number, coding, segment, segments, check, source.data[source.at :]


def check_index(index_chunk: tuple, pict_chunk: tuple | None, tile_chunks: list[tuple], segments_of: list[int]) -> int:
    """Section 6: everything that TIDX says is so. Returns its flags."""
    source = Bytes(index_chunk[1])
    flags = source.u8()
    must(flags < 8, "flags")
    must(index_chunk[3] + source.varint(0, 2**48) == tile_chunks[0][2], "gap")
    must(bool(flags & 4) == (pict_chunk is not None), "shared flag")
    must(pict_chunk is None or source.take(4) == pict_chunk[4], "CRC of PICT")
    must(bool(flags & 2) == (max(segments_of) > 1), "several flag")
    if flags & 2:
        must([source.varint(1, 256) for _ in segments_of] == segments_of, "segments")
    for _, payload, _, _, check in tile_chunks:
        must(source.varint(6, 2**48) == len(payload) and source.take(4) == check, "entry")
    must(source.finished(), "end of TIDX")
    return flags

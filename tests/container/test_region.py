"""Regions: chosen tiles from a seekable file, with few seeks and no byte more than said."""

from __future__ import annotations

import dataclasses
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.container import files
from tests.container.test_damage import EXAMPLES, chunks_of, head, sealed

from calotype.container import Metadata, Order, build, header_bytes, open_file, parse, read_tiles, tile_key
from calotype.container.chunks import frame
from calotype.errors import CalotypeError, CorruptError, FormatError, TruncatedError, UnsupportedError, UsageError

BIG = dataclasses.replace(
    files.sixteen_tiles(shared=True), ancillary=Metadata(exif=files.stream(1, 60_000), comments=("a",)).chunks()
)


class Watched(io.BytesIO):
    """A file that counts its seeks and knows which bytes were read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.seeks, self.ranges = 0, []

    def seek(self, *args: int) -> int:
        self.seeks += 1
        return super().seek(*args)

    def read(self, size: int = -1) -> bytes:
        start = self.tell()
        data = super().read(size)
        self.ranges.append((start, start + len(data)))
        return data


def test_a_tile_is_read_with_one_seek_after_the_index():
    """Header, index and picture payload from the beginning, then the tiles: no byte of metadata or other tiles."""
    data = build(BIG)
    file = Watched(data)
    opened = open_file(file)
    assert file.seeks == 0
    ends = [sum(map(len, chunks_of(data)[:count])) for count in (3,)]
    assert max(stop for _, stop in file.ranges) <= max(64, ends[0])
    assert opened.header == BIG.header
    assert opened.header_bytes == header_bytes(BIG.header)
    assert opened.shared == BIG.shared
    file.ranges.clear()
    assert read_tiles(file, opened, [6, 5]) == BIG.tiles[5:7]
    assert file.seeks == 1
    wanted = [entry for entry in opened.entries if entry.tile in (5, 6)]
    assert sum(stop - start for start, stop in file.ranges) == sum(entry.size_bytes for entry in wanted)
    assert min(start for start, _ in file.ranges) == wanted[0].start


@given(files.picture_files(), st.randoms(use_true_random=False), st.integers(0, 30))
def test_any_tiles_of_any_file(file, chosen, before):
    """The same tiles as parse, in ascending order, also from a picture in the middle of a file."""
    source = io.BytesIO(bytes(before) + build(file) + b"something else")
    source.seek(before)
    opened = open_file(source)
    assert (opened.header, opened.shared) == (file.header, file.shared)
    numbers = chosen.sample(range(len(file.tiles)), chosen.randint(0, len(file.tiles)))
    assert read_tiles(source, opened, numbers) == tuple(file.tiles[number] for number in sorted(numbers))


def test_by_segment_each_run_is_one_seek():
    """Segments of a tile lie apart; neighbours of one pass lie together."""
    file = Watched(build(files.sixteen_tiles(segments_each=3, order=Order.BY_SEGMENT)))
    opened = open_file(file)
    assert read_tiles(file, opened, [3, 4]) == files.sixteen_tiles(segments_each=3, order=Order.BY_SEGMENT).tiles[3:5]
    assert file.seeks == 3


def test_damage_is_seen_where_it_is_read_and_only_there():
    """Each chunk that is read is compared with its CRC and with the index."""
    data = bytearray(build(BIG))
    data[-200] ^= 1
    file = io.BytesIO(data)
    opened = open_file(file)
    assert read_tiles(file, opened, range(15)) == BIG.tiles[:15]
    with pytest.raises(CorruptError):
        read_tiles(file, opened, [15])
    other = build(dataclasses.replace(files.sixteen_tiles(seed=2, shared=True), ancillary=BIG.ancillary))
    mine, theirs = chunks_of(build(BIG)), chunks_of(other)
    file = io.BytesIO(sealed([*mine[:-1], theirs[-1]]))
    with pytest.raises(CorruptError):
        read_tiles(file, open_file(file), [15])
    with pytest.raises(CorruptError):
        open_file(io.BytesIO(sealed([*mine[:2], theirs[2], *mine[3:]])))


@pytest.mark.parametrize("data", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_cut_and_flipped_files_raise_only_our_errors(data):
    """Never another exception, never a tile that is not what was written."""
    original, chosen = parse(data), random.Random(5)
    everything = range(original.header.tiles)
    for cut in range(0, len(data) - 9 - sum(len(c.payload) + 12 for c in original.trailing), 5):
        file = io.BytesIO(data[:cut])
        with pytest.raises(TruncatedError):
            read_tiles(file, open_file(file), everything)
    for _ in range(400):
        broken = bytearray(data)
        broken[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
        file = io.BytesIO(broken)
        try:
            tiles = read_tiles(file, open_file(file), everything)
        except CalotypeError:
            continue
        assert tiles == original.tiles


def test_what_a_region_refuses():
    """Numbers that do not exist, files without the index they need, wrong sizes of raw tiles, critical chunks."""
    file = io.BytesIO(build(files.one_tile()))
    with pytest.raises(UsageError):
        read_tiles(file, open_file(file), [1])
    pieces = chunks_of(build(files.sixteen_tiles()))
    with pytest.raises(FormatError, match="TIDX"):
        open_file(io.BytesIO(sealed([pieces[0], *pieces[2:]])))
    start = chunks_of(head())[0]
    with pytest.raises(CorruptError):
        open_file(io.BytesIO(sealed([start])))
    with pytest.raises(UnsupportedError):
        open_file(io.BytesIO(sealed([start, frame("ABCD", b"")])))
    file = io.BytesIO(sealed([start, frame("TILE", b"\0\2HASH1")]))
    with pytest.raises(FormatError, match="raw tile"):
        read_tiles(file, open_file(file), [0])
    huge = io.BytesIO(pieces[0] + frame("TIDX", b"\0\x80\x80\x80\x80\x80\x80\x40" + b"\6HASH" * 16))
    with pytest.raises(TruncatedError):
        read_tiles(huge, open_file(huge), [3])


def test_keys_can_be_made_from_what_was_opened():
    """A region reader has all that the hashes of tiles need."""
    opened = open_file(io.BytesIO(build(BIG)))
    assert tile_key(opened.header_bytes, 7, 0, opened.shared) == tile_key(header_bytes(BIG.header), 7, 0, BIG.shared)

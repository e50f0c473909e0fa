"""Law L9: parse and build undo each other; what files cost; what cannot be a file is refused when it is made."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.container import files, second_reader

from calotype.container import (
    Chunk,
    Colour,
    Header,
    Mode,
    Order,
    PictureFile,
    PlaneGroup,
    Segment,
    Tile,
    build,
    header_bytes,
    is_calotype,
    parse,
    parse_header,
    shared_key,
    tile_key,
)
from calotype.errors import UsageError
from calotype.limits import Limits


@given(files.picture_files())
def test_parse_then_build_is_the_identity(file):
    """L9, both ways, from bytes, bytearray and memoryview; partial reading agrees where nothing is wrong."""
    data = build(file)
    assert parse(data) == parse(bytearray(data)) == parse(memoryview(data)) == file
    assert build(parse(data)) == data
    recovered = parse(data, partial=True)
    assert recovered.report.complete
    assert (recovered.header, recovered.tiles, recovered.shared) == (file.header, file.tiles, file.shared)
    assert recovered.ancillary == file.ancillary


@given(files.picture_files())
def test_the_second_reader_sees_the_same_file(file):
    """A reader written from docs/format.md alone finds every field, and the same keys."""
    picture = second_reader.read(build(file))
    header = file.header
    assert (picture.minor, picture.width, picture.height) == (header.minor, header.width_px, header.height_px)
    assert (picture.model, picture.quality, picture.tile_side) == (
        header.model_id,
        header.quality_100ths,
        header.tile_px,
    )
    assert picture.groups == [(g.planes, g.depth, g.sample_type, g.colour, g.repeats) for g in header.plane_groups]
    assert picture.by_segment == (file.order is Order.BY_SEGMENT)
    assert picture.shared == [(s.data, s.check) for s in file.shared]
    assert picture.ancillary == [(c.type, c.payload) for c in file.ancillary]
    assert picture.trailing == [(c.type, c.payload) for c in file.trailing]
    assert picture.tiles == [(t.mode, t.rate_index, [(s.data, s.check) for s in t.segments]) for t in file.tiles]
    first = header_bytes(header)
    for tile, keys in zip(file.tiles, picture.keys, strict=True):
        assert keys == [tile_key(first, tile.number, s, file.shared) for s in range(len(tile.segments))]


ROOM = Limits(max_pixels=2**60, max_samples=2**80, max_tiles=2**32)


@given(files.headers(st.integers(1, 2**18), st.sampled_from((512, 2048, 16384))))
def test_the_header_stands_in_the_first_64_bytes(header):
    """A header alone comes back from its own bytes and from any longer beginning of a file."""
    data = header_bytes(header)
    assert len(data) <= 64
    assert parse_header(data, ROOM) == parse_header(data + bytes(100), ROOM) == header


@pytest.mark.parametrize(
    "planes", [((16384, 1),) * 3, ((8192, 2), (8192, 2), (127, 257), (1, 1)), ((128, 511), (1, 127))]
)
def test_the_longest_headers_stand_in_the_first_64_bytes(planes):
    """All fields as long as they get."""
    groups = tuple(PlaneGroup(planes=p, repeats=r, colour=Colour.UNSPECIFIED) for p, r in planes)
    tiles = sum(group.repeats for group in groups)
    header = Header(
        width_px=2**28, height_px=2**30 - 1 if tiles < 4 else 2**21, model_id=files.MODEL_ID, plane_groups=groups,
        quality_100ths=10000, tile_px=16384,
    )  # fmt: skip
    assert len(header_bytes(header)) <= 64
    assert parse_header(header_bytes(header), ROOM) == header


@pytest.mark.parametrize("length", [0, 1, 100, 16_000, 20_000, 2_000_000])
@pytest.mark.parametrize("tile_px", [512, 1024])
def test_a_picture_of_one_tile_costs_at_most_64_bytes(length, tile_px):
    """Everything but the stream: magic, header, tile with its hash, end."""
    side = tile_px if length > 1000 else 24
    header = Header(width_px=side, height_px=side, model_id=files.MODEL_ID, quality_100ths=10000, tile_px=tile_px)
    tile = Tile(number=0, segments=(Segment(bytes(length), b"HASH"),), rate_index=1023)
    assert len(build(PictureFile(header=header, tiles=(tile,)))) - length <= 64


def test_16_bytes_decide():
    """The first 16 bytes name the format and its version."""
    data = build(files.one_tile())
    assert is_calotype(data[:16])
    assert data[13:15] == bytes((1, 0))
    assert not is_calotype(b"\x89PNG\r\n\x1a\n" + data[8:16])
    assert not is_calotype(data[:12])


def test_orders_that_are_the_same_are_one():
    """A file has one spelling: by segment becomes by tile where nothing moves."""
    for counts, order in (
        ((1, 1), Order.BY_TILE),
        ((1, 3), Order.BY_TILE),
        ((2, 1), Order.BY_SEGMENT),
        ((4, 4), Order.BY_SEGMENT),
    ):
        header = Header(width_px=600, height_px=20, model_id=files.MODEL_ID)
        tiles = tuple(Tile(number=n, segments=(Segment(b"", b"HASH"),) * count) for n, count in enumerate(counts))
        file = PictureFile(header=header, tiles=tiles, order=Order.BY_SEGMENT)
        assert file.order is order
        assert parse(build(file)) == file


def test_keys_differ_by_file_place_and_picture_payload():
    """No two segments share a key, nor do files of other headers or other picture payloads."""
    first, other = (header_bytes(dataclasses.replace(files.one_tile().header, width_px=w)) for w in (500, 501))
    shared = (Segment(b"weights", b"HASH"),)
    keys = {
        *(tile_key(h, t, s) for h in (first, other) for t in range(5) for s in range(3)),
        *(tile_key(first, t, 0, shared) for t in range(5)),
        *(shared_key(first, s) for s in range(3)),
    }
    assert len(keys) == 2 * 15 + 5 + 3
    assert {len(key) for key in keys} == {16}


def _tile(number: int = 0, **changes: object) -> Tile:
    return dataclasses.replace(Tile(number=number, segments=(Segment(b"x", b"HASH"),)), **changes)


LOSSLESS = dataclasses.replace(files.one_tile().header, quality_100ths=10001)
NO_MODEL = dataclasses.replace(files.one_tile().header, model_id=bytes(8))


@pytest.mark.parametrize(
    ("argument", "make"),
    [
        ("tiles", lambda: PictureFile(header=files.one_tile().header, tiles=())),
        ("tile number", lambda: PictureFile(header=files.one_tile().header, tiles=(_tile(1),))),
        ("mode of tile 0", lambda: PictureFile(header=LOSSLESS, tiles=(_tile(),))),
        ("mode of tile 0", lambda: PictureFile(header=NO_MODEL, tiles=(_tile(),))),
        ("bytes of raw tile 0", lambda: PictureFile(header=NO_MODEL, tiles=(_tile(mode=Mode.RAW),))),
        ("segments of a tile", lambda: _tile(segments=())),
        ("segments of an overlaid tile", lambda: _tile(mode=Mode.OVERLAID)),
        ("segments of a raw tile", lambda: _tile(mode=Mode.RAW, segments=(Segment(b"", b"HASH"),) * 2)),
        ("rate_index", lambda: _tile(rate_index=1024)),
        ("mode", lambda: _tile(mode=4)),
        ("check of a segment", lambda: Segment(b"", b"HAS")),
        ("chunk type", lambda: Chunk("abcd", b"")),
        ("chunk type", lambda: Chunk("abCé", b"")),
        ("ancillary chunk", lambda: dataclasses.replace(files.one_tile(), ancillary=(Chunk("ABCD", b""),))),
        ("ancillary chunk", lambda: dataclasses.replace(files.one_tile(), ancillary=(Chunk("eXIf", b""),) * 2)),
        ("chunk after the tiles", lambda: dataclasses.replace(files.one_tile(), trailing=(Chunk("eXIf", b""),))),
        ("bytes of mTIM", lambda: dataclasses.replace(files.one_tile(), ancillary=(Chunk("mTIM", b""),))),
        ("orientation", lambda: dataclasses.replace(files.one_tile(), ancillary=(Chunk("oRIe", b"\x09"),))),
        ("resolution", lambda: dataclasses.replace(files.one_tile(), ancillary=(Chunk("dPIs", bytes(16)),))),
        ("width_px", lambda: dataclasses.replace(LOSSLESS, width_px=0)),
        ("height_px", lambda: dataclasses.replace(LOSSLESS, height_px=2**30)),
        ("tile_px", lambda: dataclasses.replace(LOSSLESS, tile_px=500)),
        ("model_id", lambda: dataclasses.replace(LOSSLESS, model_id=b"")),
        ("quality_100ths", lambda: dataclasses.replace(LOSSLESS, quality_100ths=10002)),
        ("number of plane groups", lambda: dataclasses.replace(LOSSLESS, plane_groups=())),
        ("planes", lambda: dataclasses.replace(LOSSLESS, plane_groups=_groups(planes=300, repeats=300, colour=0))),
        ("planes of SRGB", lambda: _groups(planes=4)),
        ("depth", lambda: _groups(depth=33)),
        ("depth of float samples", lambda: _groups(depth=8, sample_type=2)),
        ("sample type", lambda: _groups(sample_type=3)),
        ("colour", lambda: _groups(colour=10)),
    ],
)
def test_what_cannot_be_a_file_is_refused_when_it_is_made(argument, make):
    """Every field has a limit, and the message names it."""
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.argument == argument
    assert argument in str(caught.value)


def _groups(**fields: object) -> tuple:
    return (PlaneGroup(**fields),)


def test_places_and_numbers_undo_each_other():
    """Tiles partition every plane group: numbers, places, clipped rectangles and raw sizes."""
    groups = (*_groups(), *_groups(planes=4, repeats=3, colour=0, depth=12))
    header = Header(width_px=1100, height_px=600, model_id=files.MODEL_ID, plane_groups=groups)
    assert (header.planes, header.groups, header.tiles) == (15, 4, 4 * 6)
    places = [header.place(number) for number in range(header.tiles)]
    assert [header.tile_number(p.group, p.row, p.column) for p in places] == list(range(header.tiles))
    assert sum(p.width_px * p.height_px for p in places) == 4 * 1100 * 600
    assert header.group(3) == (groups[1], 11)
    assert sum(header.raw_bytes(number) for number in range(header.tiles)) == 1100 * 600 * (3 + 12 * 2)

"""R4: damage stays local, and partial reading names exactly what it does not hand out."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.container import files
from tests.container.test_damage import EXAMPLES, chunks_of, head, kinds, sealed

from calotype.container import Order, Segment, build, header_bytes, parse, parse_header
from calotype.container.chunks import frame
from calotype.errors import CalotypeError, CorruptError, TruncatedError, UnsupportedError

SIXTEEN = files.sixteen_tiles(shared=True)
DATA = build(SIXTEEN)


def honest(data: bytes, original) -> None:
    """Whatever is handed out and not named is what was written."""
    got = parse(data, partial=True)
    bad = got.report.damaged_tiles
    for number, (tile, wanted) in enumerate(zip(got.tiles, original.tiles, strict=True)):
        assert number in bad or tile == wanted
    for damage in got.report.damaged:
        tile = got.tiles[damage.tile]
        assert damage.reason
        assert damage.segments == (0 if tile is None else len(tile.segments))
        if tile is not None:
            assert tile.segments == original.tiles[damage.tile].segments[: damage.segments]
    assert got.shared == original.shared or not got.report.shared_intact
    assert got.ancillary == original.ancillary or not got.report.metadata_intact
    assert not got.report.complete


@pytest.mark.parametrize("number", range(16))
def test_a_burst_in_one_tile_costs_that_tile(number):
    """15 of 16 tiles come back, the index, metadata and picture payload with them."""
    pieces = chunks_of(DATA)
    start = sum(map(len, pieces[: len(pieces) - 16 + number])) + 20
    broken = DATA[:start] + bytes(60) + DATA[start + 60 :]
    got = parse(broken, partial=True)
    assert got.report.damaged_tiles == {number}
    assert [tile for n, tile in enumerate(got.tiles) if n != number] == [t for t in SIXTEEN.tiles if t.number != number]
    assert got.report.index_intact
    assert got.report.shared_intact
    assert got.report.metadata_intact
    assert not got.report.end_intact
    ((first, after),) = got.report.lost_bytes
    assert first <= start
    assert after >= start + 60


@kinds
def test_partial_reading_is_honest_about_any_damage(data):
    """Flips, bursts, cuts, insertions: what is not named is right, byte for byte."""
    original, chosen = parse(data), random.Random(3)
    first = len(header_bytes(original.header))
    for _ in range(400):
        broken = bytearray(data)
        at, length = chosen.randrange(first, len(data)), chosen.randrange(1, 80)
        match chosen.randrange(4):
            case 0:
                broken[at] ^= 1 << chosen.randrange(8)
            case 1:
                broken[at : at + length] = chosen.randbytes(min(length, len(data) - at))
            case 2:
                del broken[at:]
            case 3:
                broken[at:at] = chosen.randbytes(length)
        if broken != data:
            honest(bytes(broken), original)


@kinds
def test_partial_reading_is_honest_about_any_cut(data):
    """R2 and R5: what stands before a cut is all there, and what stood behind it is named."""
    original = parse(data)
    for cut in range(len(header_bytes(original.header)), len(data), max(1, len(data) // 60)):
        honest(data[:cut], original)


def test_by_tile_the_tiles_before_a_cut_are_exact():
    """R5: every tile that ends before the cut, and no other."""
    ends = [sum(map(len, chunks_of(DATA)[: 9 + number])) for number in range(16)]
    assert ends[-1] == len(DATA) - 9
    for cut in (len(DATA) // 2, ends[6], ends[6] - 1, ends[6] + 1):
        got = parse(DATA[:cut], partial=True)
        assert got.report.damaged_tiles == {number for number, end in enumerate(ends) if end > cut}
        assert got.report.metadata_intact


def test_by_segment_half_the_bytes_are_the_whole_picture_coarsely():
    """R5: with segments before tiles, a cut file has the first segment of every tile."""
    original = files.sixteen_tiles(segments_each=3, order=Order.BY_SEGMENT)
    data = build(original)
    got = parse(data[: int(len(data) * 0.6)], partial=True)
    assert all(tile is not None for tile in got.tiles)
    assert {damage.segments for damage in got.report.damaged} == {1, 2}
    honest(data[: int(len(data) * 0.6)], original)


def test_without_its_index_a_file_still_gives_its_tiles():
    """Every chunk proves itself, and says which tile it is."""
    pieces = chunks_of(DATA)
    broken = bytearray(DATA)
    broken[len(pieces[0]) + 30] ^= 1
    got = parse(broken, partial=True)
    assert got.tiles == SIXTEEN.tiles
    assert got.shared == SIXTEEN.shared
    assert got.report.damaged == ()
    assert not got.report.index_intact
    assert not got.report.complete


def test_a_chunk_of_a_sibling_is_not_handed_out():
    """Right CRC, right place, same header: only the index knows, and says so. So for the picture payload."""
    mine, other = (chunks_of(build(files.sixteen_tiles(seed=seed, shared=True))) for seed in (1, 2))
    swapped = sealed([*mine[:-1], other[-1]])
    got = parse(swapped, partial=True)
    assert got.report.damaged_tiles == {15}
    assert "the index does not know" in got.report.damaged[0].reason
    got = parse(sealed([*mine[:2], other[2], *mine[3:]]), partial=True)
    assert got.shared == ()
    assert not got.report.shared_intact
    assert not got.report.damaged


def test_one_tile_of_a_sibling_is_named():
    """Without an index the hash of the file is all there is: the tile is handed out, but not trusted."""
    mine, other = chunks_of(build(files.one_tile(300))), chunks_of(build(files.one_tile(400)))
    data = mine[0] + other[1] + sealed(mine)[-9:]
    with pytest.raises(CorruptError):
        parse(data)
    got = parse(data, partial=True)
    assert got.report.damaged_tiles == {0}
    assert "hash of the file" in got.report.damaged[0].reason


def test_a_lost_end_costs_nothing_else():
    """A cut within the last chunk: every tile is proved by the index, or by itself."""
    for name, data in EXAMPLES.items():
        got = parse(data[:-3], partial=True)
        assert got.report.damaged == (), name
        assert not got.report.end_intact
        assert got.report.lost_bytes == ((len(data) - 9, len(data) - 3),)


def test_two_claims_without_an_index_are_both_refused():
    """Nothing says which of two different chunks for one place is ours."""
    pieces = chunks_of(head())
    got = parse(pieces[0] + pieces[1] + frame("TILE", b"\0\2OTHER" + bytes(5)), partial=True)
    assert got.tiles == (None,)
    assert "two different chunks" in got.report.damaged[0].reason


def test_what_a_tile_says_of_itself_is_checked():
    """Illegal and later coding modes, wrong raw sizes: the tile is named with the reason, the rest goes on."""
    start = chunks_of(head())[0]
    for payload, reason in (
        (b"\0\7HASH", "coding mode"),
        (b"\0\2HASH1", "bytes of raw tile 0"),
        (b"\0\x80\x80\4", "coding"),
    ):
        got = parse(start + frame("TILE", payload), partial=True)
        assert got.tiles == (None,)
        assert reason in got.report.damaged[0].reason


def test_impossible_metadata_is_left_out_and_said():
    """Broken metadata does not stop pixels (R16)."""
    pieces = chunks_of(head())
    data = sealed([pieces[0], frame("oRIe", b"\x09"), frame("eXIf", b"1"), frame("eXIf", b"2"), pieces[1]])
    got = parse(data, partial=True)
    assert got.metadata.exif == b"1"
    assert got.metadata.orientation is None
    assert not got.report.metadata_intact
    assert got.report.damaged == ()


def test_without_a_header_nothing_is_recovered():
    """Strictly as before: the header's own error, and unknown critical chunks by name."""
    broken = bytearray(DATA)
    broken[20] ^= 1
    with pytest.raises(CorruptError):
        parse(broken, partial=True)
    with pytest.raises(TruncatedError):
        parse(DATA[:30], partial=True)
    with pytest.raises(UnsupportedError):
        parse(sealed([*chunks_of(DATA), frame("ABCD", b"")]), partial=True)


@given(st.binary(max_size=300), st.integers(0, 50))
def test_noise_raises_only_our_errors(noise, kept):
    """Any bytes, also behind a right beginning: an error of the tree or an honest report, never another exception."""
    for data in (noise, DATA[:kept] + noise, chunks_of(DATA)[0] + noise):
        for partial in (False, True):
            try:
                parse(data, partial=partial)
            except CalotypeError:
                continue
            assert partial


def test_a_preview_inside_lost_metadata_is_not_taken_for_the_picture():
    """Chunks of another file inside a damaged chunk are found by the scan, and refused by the index."""
    inner = build(files.sixteen_tiles(seed=8))
    outer = dataclasses.replace(SIXTEEN, ancillary=(*SIXTEEN.ancillary, files.Chunk("pREV", inner)))
    data = bytearray(build(outer))
    data[data.index(b"pREV") + 3000] ^= 1
    got = parse(data, partial=True)
    assert got.tiles == outer.tiles
    assert got.report.damaged == ()
    assert got.shared == outer.shared


def test_parse_header_agrees_with_partial_reading():
    """One header, three ways."""
    assert parse_header(DATA[:64]) == parse(DATA, partial=True).header == parse(DATA).header
    assert SIXTEEN.shared == (Segment(files.stream(78, 200), b"WHOL"),)

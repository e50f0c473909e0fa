"""Laws of the lossless coder: every tile comes back exactly, damage is never silent."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype.errors import CalotypeError, FormatError, UsageError
from calotype.lossless import decode_tile, encode_tile

KEY = b"a tile of a test"
SMALL_TABLE = zlib.compress(bytes([0, 0, 0, 0, 1, 1, 1]))  # two colours of three planes, as rows


@st.composite
def tiles(draw):
    """(samples [c, h, w], depth): noise, ramps, few colours, constants, and edges, at every depth."""
    depth = draw(st.integers(1, 16))
    c, h, w = draw(st.integers(1, 5)), draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    top = (1 << depth) - 1
    kind = draw(st.sampled_from(["noise", "ramp", "few", "constant", "edges", "planes alike"]))
    y, x = np.mgrid[0:h, 0:w]
    if kind == "noise":
        samples = rng.integers(0, top + 1, (c, h, w))
    elif kind == "ramp":
        samples = np.stack([(y * rng.integers(0, 9) + x * rng.integers(0, 9) + rng.integers(0, 3, (h, w))) & top
                            for _ in range(c)])  # fmt: skip
    elif kind == "few":
        samples = rng.integers(0, top + 1, 4)[rng.integers(0, 4, (c, h, w))]
    elif kind == "constant":
        samples = np.full((c, h, w), rng.integers(0, top + 1))
    elif kind == "edges":
        samples = np.where((y // 5 + x // 7) % 2, top, 0)[None].repeat(c, 0)
    else:
        plane = np.clip(top // 2 + np.cumsum(rng.integers(-2, 3, (h, w)), 1), 0, top)
        samples = np.clip(plane[None] + rng.integers(-1, 2, (c, 1, 1)), 0, top)
    return samples, depth


@given(tiles())
@settings(max_examples=60, deadline=None)
def test_a_tile_comes_back(tile):
    samples, depth = tile
    stream, check = encode_tile(samples, depth, KEY)
    found = decode_tile(stream, check, samples.shape, depth, KEY)
    assert found.dtype == np.int32 and np.array_equal(found, samples)


@given(tiles(), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_damage_is_an_error_or_changes_nothing(tile, seed):
    """Flipped bits and cut streams."""
    samples, depth = tile
    stream, check = encode_tile(samples, depth, KEY)
    rng = np.random.default_rng(seed)
    for _ in range(4):
        broken = bytearray(stream)
        broken[rng.integers(len(broken))] ^= 1 << rng.integers(8)
        for data in (bytes(broken), stream[: rng.integers(len(stream))]):
            try:
                found = decode_tile(data, check, samples.shape, depth, KEY)
            except FormatError:
                continue
            assert np.array_equal(found, samples)


@given(st.integers(0, 4), st.binary(max_size=200), st.integers(1, 16))
@settings(max_examples=150, deadline=None)
def test_what_nobody_wrote_is_an_error(coding, data, depth):
    """Random bytes behind every coding, a colour table's inner stream too: a FormatError, never anything else."""
    for stream in (
        bytes([coding]) + data,
        data,
        b"\2\1\0" + len(SMALL_TABLE).to_bytes(4, "little") + SMALL_TABLE + data,
    ):
        with pytest.raises(FormatError):
            decode_tile(stream, b"abcd", (3, 21, 33), depth, KEY)


def test_another_key_or_check_is_refused():
    stream, check = encode_tile(np.arange(12).reshape(1, 3, 4), 8, KEY)
    for data, said, key in ((stream, check, b"another"), (stream, b"1234", KEY)):
        with pytest.raises(FormatError):
            decode_tile(data, said, (1, 3, 4), 8, key)


@pytest.mark.parametrize(
    ("samples", "depth"),
    [(np.zeros((3, 4)), 8), (np.zeros((3, 4), int), 8), (np.full((1, 2, 2), 256), 8), (np.full((1, 2, 2), -1), 8),
     (np.zeros((1, 2, 2), int), 17), (np.zeros((1, 0, 2), int), 8)],
)  # fmt: skip
def test_wrong_calls_are_named(samples, depth):
    with pytest.raises(UsageError) as caught:
        encode_tile(samples, depth, KEY)
    assert isinstance(caught.value, CalotypeError)

"""Pictures of any size become planes window by window, as if edges had been replicated first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype import colour
from calotype.errors import UsageError
from calotype.tiles import Region

ROTATION = np.array([[-0.595, 0.680, -0.429], [-0.575, 0.014, 0.818], [-0.562, -0.733, -0.383]])


def orthonormal(colours):
    return np.linalg.qr(np.random.default_rng(4).normal(size=(colours, colours)))[0].astype(np.float32)


def planes(picture, rotation, region):
    out = np.full((rotation.shape[1], region.height, region.width), np.nan, np.float32)
    colour.planes_of(picture, rotation)(region, out)
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 4), st.data())
def test_planes_are_the_rotation_of_the_padded_picture(height, width, colours, data):
    """Every region, also one wholly beyond the edge, equals that of the padded picture; bit-equal with its whole."""
    picture = np.random.default_rng(height).integers(0, 256, (height, width, colours), np.uint8)
    rotation = orthonormal(colours)
    padded = np.pad(picture, ((0, 128 - height), (0, 128 - width), (0, 0)), mode="edge")
    expected = np.einsum("hwk,kj->jhw", (padded - 128.0) / 64, rotation)
    whole = planes(picture, rotation, Region(0, 128, 0, 128))
    np.testing.assert_allclose(whole, expected, atol=2e-6)
    top, left = data.draw(st.integers(0, 127)), data.draw(st.integers(0, 127))
    region = Region(top, data.draw(st.integers(top + 1, 128)), left, data.draw(st.integers(left + 1, 128)))
    assert np.array_equal(planes(picture, rotation, region), whole[:, region.rows, region.cols])


@pytest.mark.parametrize(("dtype", "top", "centre"), [(np.uint8, 255, 128), (np.uint16, 65535, 32768)])
def test_there_and_back_is_the_picture(dtype, top, centre):
    picture = np.random.default_rng(5).integers(0, top + 1, (37, 501, 3), dtype)
    rotation, unit = orthonormal(3), (top + 1) / 4
    out = np.empty((3, 64, 512), np.float32)
    colour.planes_of(picture, rotation, centre=centre, unit=unit)(Region(0, 64, 0, 512), out)
    back = colour.samples_of(out, rotation, np.empty_like(picture), centre=centre, unit=unit, top=top)
    assert np.array_equal(back, picture)


def test_beyond_the_range_is_clipped():
    far = np.stack([np.full((4, 4), 1e6), np.full((4, 4), -1e6), np.zeros((4, 4))]).astype(np.float32)
    assert colour.samples_of(far, np.eye(3), np.empty((3, 3, 3), np.uint8))[0, 0].tolist() == [255, 0, 128]


def test_other_numbers_of_colours_are_refused():
    with pytest.raises(UsageError):
        colour.planes_of(np.zeros((5, 5, 4), np.uint8), ROTATION)

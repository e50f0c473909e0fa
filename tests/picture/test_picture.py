"""Picture: what it takes, what it refuses, and the orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from calotype.errors import UnsupportedMode, UsageError
from calotype.picture import EXIF_PREFIX, Picture, orientation_of, upright

PIXELS = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes().removeprefix(EXIF_PREFIX)


def test_numpy_round_trip():
    picture = Picture.of(PIXELS)
    assert np.array_equal(picture.pixels, PIXELS)
    assert (picture.height_px, picture.width_px) == (5, 4)
    assert Picture.of(picture) is picture
    with pytest.raises(ValueError):
        picture.pixels[0, 0, 0] = 1
    PIXELS[0, 0, 0] = PIXELS[0, 0, 0]  # the caller's own array stays writable


def test_any_strides_are_taken():
    assert np.array_equal(Picture.of(PIXELS[::-1, ::2]).pixels, PIXELS[::-1, ::2])
    assert Picture.of(PIXELS[::-1]).pixels.flags.c_contiguous


def test_pillow_round_trip():
    """Pixels, EXIF, ICC, XMP and dpi."""
    picture = Picture(PIXELS, exif=exif_of(6), icc=b"icc", xmp=b"<x/>", dpi=(72.0, 71.0))
    again = Picture.of(picture.to_pillow())
    assert np.array_equal(again.pixels, PIXELS)
    assert (again.exif, again.icc, again.xmp, again.dpi) == (picture.exif, picture.icc, picture.xmp, picture.dpi)


@pytest.mark.parametrize(
    ("array", "way_out"),
    [
        (PIXELS[..., 0], "np.stack"),
        (PIXELS.transpose(2, 0, 1), "transpose"),
        (np.zeros((5, 4, 4), np.uint8), "alpha"),
        (np.zeros((5, 4, 2), np.uint8), "height, width, 3"),
        (PIXELS.astype(np.uint16), "array / 257"),
        (PIXELS / 255, "0..255"),
        (PIXELS > 9, "0..255"),
        (np.zeros((2, 5, 4, 3), np.uint8), "height, width, 3"),
    ],
)
def test_other_arrays_are_refused_with_the_conversion(array, way_out):
    with pytest.raises(UnsupportedMode, match="convert it first") as caught:
        Picture.of(array)
    assert way_out in str(caught.value)


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3)])
def test_empty_arrays_are_refused(shape):
    with pytest.raises(UsageError, match="at least 1x1"):
        Picture.of(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16", "PA", "RGBX"]
)
def test_other_pillow_modes_are_refused(mode):
    with pytest.raises(UnsupportedMode, match="convert it first"):
        Picture.of(Image.new(mode, (3, 2)))


@pytest.mark.parametrize("thing", ["a path.png", b"bytes", None, [[1, 2, 3]]])
def test_other_things_are_refused(thing):
    with pytest.raises(UsageError, match="NumPy array"):
        Picture.of(thing)


@pytest.mark.parametrize("turn", range(1, 9))
def test_upright_is_what_pillow_does(turn):
    """Pixels as ImageOps.exif_transpose, and EXIF says 1 afterwards, so that nobody turns it twice."""
    picture = upright(Picture(PIXELS, exif=exif_of(turn), dpi=(300.0, 150.0)))
    expected = ImageOps.exif_transpose(Picture(PIXELS, exif=exif_of(turn)).to_pillow())
    assert np.array_equal(picture.pixels, np.asarray(expected))
    assert picture.orientation == 1
    assert picture.dpi == ((150.0, 300.0) if turn >= 5 else (300.0, 150.0))


@given(exif=st.binary(max_size=60).map(lambda tail: b"II*\0\x08\0\0\0" + tail) | st.binary(max_size=30))
def test_broken_exif_does_not_stop_pixels(exif):
    assert 1 <= orientation_of(exif) <= 8
    upright(Picture(PIXELS, exif=exif))


def test_big_endian_exif():
    assert orientation_of(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x05\0\0\0\0\0\0") == 5
    assert orientation_of(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0\0\0\0\0") == 1

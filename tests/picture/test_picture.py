"""Picture: what it takes, what it refuses, and the orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from calotype.errors import UnsupportedMode, UsageError
from calotype.exif import orientation_of
from calotype.picture import EXIF_PREFIX, Picture, upright

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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("planes", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_arrays_of_every_mode_are_taken(dtype, planes, mode):
    array = np.arange(5 * 4 * planes, dtype=dtype).reshape(5, 4, planes) * 5
    picture = Picture.of(array)
    assert (picture.mode, picture.depth_bits, picture.planes) == (mode, 8 * np.dtype(dtype).itemsize, planes)
    assert picture.has_alpha == (planes in (2, 4)) and np.array_equal(picture.pixels, array)
    assert np.array_equal(picture.to_array(), array[..., 0] if planes == 1 else array)
    if planes == 1:
        assert np.array_equal(Picture.of(array[..., 0]).pixels, array)
    if dtype == np.uint8 or planes == 1:
        assert np.array_equal(Picture.of(picture.to_pillow()).pixels, array)
    else:
        with pytest.raises(UnsupportedMode, match="8bit"):
            picture.to_pillow()


def test_black_and_white():
    picture = Picture.of(PIXELS[..., 0] > 9)
    assert (picture.mode, picture.depth_bits) == ("1", 1) and set(np.unique(picture.pixels)) == {0, 255}
    assert np.array_equal(picture.to_array(), PIXELS[..., 0] > 9)
    assert np.array_equal(Picture.of(picture.to_pillow()).to_array(), PIXELS[..., 0] > 9)


@pytest.mark.parametrize(
    ("array", "way_out"),
    [
        (np.zeros((3, 9, 8), np.uint8), "transpose"),
        (np.zeros((5, 4, 5), np.uint8), "height, width, 1 to 4"),
        (PIXELS / 255, "0..255"),
        (PIXELS.astype(np.int32), "0..255"),
        (PIXELS > 9, "0..255"),
        (np.zeros((2, 5, 4, 3), np.uint8), "height, width, 1 to 4"),
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


REFUSED = {
    "CMYK": "rgb",
    "YCbCr": "rgb",
    "LAB": "rgb",
    "HSV": "rgb",
    "RGBX": "rgb",
    "RGBa": "rgba",
    "I": "8bit",
    "F": "8bit",
}


@pytest.mark.parametrize("mode", REFUSED)
def test_other_pillow_modes_are_refused_with_the_switch_that_converts_them(mode):
    image = Image.new(mode, (3, 2))
    with pytest.raises(UnsupportedMode, match=f"convert it first: --convert {REFUSED[mode]}"):
        Picture.of(image)
    converted = Picture.of(image, convert=REFUSED[mode])
    assert converted.mode == {"rgb": "RGB", "rgba": "RGBA", "8bit": "L"}[REFUSED[mode]]
    assert "converted as asked" in converted.left_out[0]


@pytest.mark.parametrize(
    ("mode", "becomes"), [("1", "1"), ("L", "L"), ("LA", "LA"), ("P", "RGB"), ("PA", "RGBA"), ("I;16", "L")]
)
def test_pillow_modes_that_lose_nothing(mode, becomes):
    assert Picture.of(Image.new(mode, (3, 2))).mode == becomes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_conversions_do_what_their_names_say(dtype):
    top = np.iinfo(dtype).max
    rgba = np.random.default_rng(3).integers(0, top + 1, (6, 5, 4)).astype(dtype)
    rgb = Picture.of(rgba, convert="rgb")
    assert np.array_equal(rgb.pixels, rgba[..., :3]) and "alpha" in rgb.left_out[0]
    assert np.array_equal(Picture.of(rgb, convert="rgba").pixels[..., 3], np.full((6, 5), top, dtype))
    grey = Picture.of(rgba, convert="grey").pixels
    assert abs(grey[..., 0] - rgba[..., :3] @ [0.299, 0.587, 0.114]).max() <= 1 + top / 2**14
    assert np.array_equal(Picture.of(grey, convert="rgb").pixels, grey.repeat(3, 2))
    eight = Picture.of(rgba, convert=["8bit"]).pixels
    assert eight.dtype == np.uint8 and abs(eight - rgba * (255 / top)).max() <= 0.5
    assert Picture.of(Picture(rgba), convert="rgba,8bit").mode == "RGBA"


@pytest.mark.parametrize("wanted", ["rgb,grey", "purple", ["rgb", "rgba"]])
def test_conversions_that_make_no_sense_are_refused(wanted):
    with pytest.raises(UsageError, match="convert"):
        Picture.of(PIXELS, convert=wanted)


def test_a_profile_of_other_planes_goes_and_that_is_said():
    icc = bytes(16) + b"RGB " + bytes(200)
    grey = Picture.of(Picture(PIXELS, icc=icc), convert="grey")
    assert grey.icc == b"" and "profile" in grey.left_out[-1]
    assert Picture.of(Picture(PIXELS, icc=icc), convert="rgba").icc == icc


def gps_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a test", 6
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.5), 3: "E", 4: (13.0, 24.0, 18.25)})
    return exif.tobytes().removeprefix(EXIF_PREFIX)


XMP = (
    b'<x:xmpmeta><rdf:Description exif:GPSLatitude="52,31N" dc:title="t">'
    b"<exif:GPSLongitude>13,24E</exif:GPSLongitude></rdf:Description></x:xmpmeta>"
)


def test_the_place_can_be_stripped_and_the_rest_stays():
    picture = Picture(PIXELS, exif=gps_exif(), xmp=XMP, icc=b"icc", comments=("c",))
    bare = picture.stripped(["gps"])
    found = Image.Exif()
    found.load(EXIF_PREFIX + bare.exif)
    assert found[0x010E] == "a test" and found[0x0112] == 6 and 0x8825 not in found
    assert len(bare.exif) == len(picture.exif) and bare.icc == b"icc" and bare.comments == ("c",)
    assert b"GPS" not in bare.xmp and b'dc:title="t"' in bare.xmp
    assert bare.stripped(["gps"]).exif == bare.exif
    # The twin: the place was there before.
    before = Image.Exif()
    before.load(EXIF_PREFIX + picture.exif)
    assert before.get_ifd(0x8825)[1] == "N"
    # What can't be read is not kept.
    assert Picture(PIXELS, exif=b"broken", xmp=b"<a>GPS").stripped(["gps"]).exif == b""
    assert Picture(PIXELS, exif=b"broken", xmp=b"<a>GPS").stripped(["gps"]).xmp == b""


@given(place=st.integers(0, 200), value=st.integers(0, 255), end=st.integers(0, 260))
def test_broken_exif_can_be_stripped_of_a_place(place, value, end):
    exif = bytearray(gps_exif())
    exif[place % len(exif)] = value
    Picture(PIXELS, exif=bytes(exif[:end])).stripped(["gps"])


def test_the_orientation_outlives_its_exif():
    """It belongs to the pixels: stripped EXIF must not turn a picture."""
    picture = Picture(PIXELS, exif=gps_exif(), xmp=XMP, icc=b"icc", comments=("c",), dpi=(72, 72))
    bare = picture.stripped()
    assert (bare.exif, bare.xmp, bare.icc, bare.comments) == (b"", b"", b"", ()) and bare.dpi == (72, 72)
    assert bare.orientation == 6 and orientation_of(bare.whole_exif()) == 6
    assert np.array_equal(upright(bare).pixels, upright(picture).pixels) and upright(bare).orientation == 1
    assert Picture(PIXELS).stripped().turned is None
    with pytest.raises(UsageError, match="strip"):
        picture.stripped(["face"])


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

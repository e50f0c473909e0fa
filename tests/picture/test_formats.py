"""Files of every kind become a Picture or a typed error, and a Picture becomes files that keep its metadata."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from calotype import formats
from calotype.container.layout import MAGIC
from calotype.errors import (
    CalotypeError,
    FileError,
    FormatError,
    LimitError,
    TruncatedError,
    UnsupportedError,
    UnsupportedMode,
    UsageError,
)
from calotype.limits import Limits
from calotype.picture import EXIF_PREFIX, Picture, upright

Y, X = np.mgrid[0:40, 0:56]
PIXELS = np.stack([X * 4, Y * 6, (X * Y) % 256], axis=-1).astype(np.uint8)
XMP = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><a>\xc3\xa9</a></x:xmpmeta><?xpacket end="w"?>'
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif_of(orientation: int) -> bytes:
    """A TIFF block with a description and an orientation."""
    exif = Image.Exif()
    exif[0x010E] = "a test"
    exif[0x0112] = orientation
    return exif.tobytes().removeprefix(EXIF_PREFIX)


def saved(image: Image.Image, name: str, **options) -> bytes:
    target = io.BytesIO()
    image.save(target, name, **options)
    return target.getvalue()


def chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def png(width_px: int, height_px: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG put together by hand, for headers that Pillow would not write."""
    header = struct.pack(">IIBBBBB", width_px, height_px, depth, colour, 0, 0, 0)
    body = b"".join((chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + body


RGB = Image.fromarray(PIXELS)
ROW16 = b"\0" + bytes(2 * 3 * 4)

GOOD = {
    "png": saved(RGB, "PNG"),
    "jpeg": saved(RGB, "JPEG", quality=95),
    "progressive jpeg": saved(RGB, "JPEG", progressive=True),
    "webp": saved(RGB, "WEBP", lossless=True),
    "avif": saved(RGB, "AVIF", quality=90),
    "tiff": saved(RGB, "TIFF", compression="tiff_lzw"),
    "bmp": saved(RGB, "BMP"),
    "ppm": saved(RGB, "PPM"),
    "jpeg 2000": saved(RGB, "JPEG2000"),
    "1x1": saved(Image.new("RGB", (1, 1)), "PNG"),
    "1x2000": saved(Image.new("RGB", (1, 2000)), "PNG"),
    "tail": saved(RGB, "JPEG") + b"garbage" * 99,
    "gamma": png(4, 1, 8, 2, b"\0" + bytes(12), chunk(b"gAMA", struct.pack(">I", 35000))),
}
FRAMES = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 99, 200)]
MODES = {
    "grey": (saved(RGB.convert("L"), "PNG"), "L"),
    "grey jpeg": (saved(RGB.convert("L"), "JPEG"), "L"),
    "grey and alpha": (saved(RGB.convert("LA"), "PNG"), "LA"),
    "rgba": (saved(RGB.convert("RGBA"), "PNG"), "RGBA"),
    "palette": (saved(RGB.quantize(16), "PNG"), "P"),
    "bilevel": (saved(RGB.convert("1"), "PNG"), "1"),
    "bilevel tiff": (saved(RGB.convert("1"), "TIFF", compression="group4"), "1"),
    "cmyk": (saved(RGB.convert("CMYK"), "JPEG"), "CMYK"),
    "float": (saved(RGB.convert("F"), "TIFF"), "F"),
    "grey 16": (saved(Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257), "PNG"), "I;16"),
    "rgb 16": (png(4, 1, 16, 2, ROW16), "16 bits"),
    "rgb 16 ppm": (b"P6 2 1 65535\n" + bytes(12), "65535"),
    "rgb 7 bits ppm": (b"P6 2 1 100\n" + bytes(6), "100"),
    "transparent colour": (png(4, 1, 8, 2, b"\0" + bytes(12), chunk(b"tRNS", bytes(6))), "transparent"),
    "animated gif": (saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "3 pictures"),
    "animated webp": (saved(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], lossless=True), "3 pictures"),
    "animated png": (saved(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), "3 pictures"),
    "two pages": (saved(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:2]), "2 pictures"),
}
BROKEN = {
    "empty": (b"", TruncatedError),
    "text": (b"this is only text\n", FormatError),
    "calo": (MAGIC + bytes(9), FormatError),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", FormatError),
    "truncated png": (GOOD["png"][: len(GOOD["png"]) // 2], FormatError),
    "truncated jpeg": (GOOD["jpeg"][: len(GOOD["jpeg"]) // 2], TruncatedError),
    "truncated webp": (GOOD["webp"][: len(GOOD["webp"]) // 2], FormatError),
    "truncated avif": (GOOD["avif"][: len(GOOD["avif"]) // 2], FormatError),
    "bad crc": (GOOD["png"][:60] + bytes([GOOD["png"][60] ^ 255]) + GOOD["png"][61:], FormatError),
    "bad header": (GOOD["png"][:20] + b"\xff" + GOOD["png"][21:], FormatError),
    "huge": (png(60000, 60000, 8, 2, b""), LimitError),
    "huge webp": (b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff", CalotypeError),
}


@pytest.mark.parametrize("name", GOOD)
def test_rgb_files_become_pictures(name):
    """8-bit RGB of every known kind: same pixels as Pillow's, read-only."""
    picture = formats.read(GOOD[name])
    assert np.array_equal(picture.pixels, np.asarray(Image.open(io.BytesIO(GOOD[name])).convert("RGB")))
    assert not picture.pixels.flags.writeable


@pytest.mark.parametrize("name", MODES)
def test_other_modes_are_refused_with_the_conversion(name):
    """Nothing is converted silently, also where Pillow would: 16-bit RGB arrives from it as RGB."""
    data, mode = MODES[name]
    with pytest.raises(UnsupportedMode, match="convert it first: ") as caught:
        formats.read(data)
    assert mode in str(caught.value)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_raise_typed_errors(name):
    data, error = BROKEN[name]
    with pytest.raises(error) as caught:
        formats.read(data)
    assert caught.value.exit_code in (4, 7)
    assert "only" in str(caught.value) or "expected" in str(caught.value) or "limit" in str(caught.value)


@given(data=st.data())
def test_damage_never_raises_anything_foreign(data):
    """Any of the good files, cut or with bytes changed, gives a Picture or a CalotypeError."""
    source = bytearray(GOOD[data.draw(st.sampled_from(sorted(GOOD)))])
    for _ in range(data.draw(st.integers(0, 4))):
        source[data.draw(st.integers(0, len(source) - 1))] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(CalotypeError):
            formats.read(bytes(source[: data.draw(st.integers(0, len(source)))]), limits=Limits(max_pixels=10**6))


def test_a_bomb_is_refused_before_it_is_decoded_and_without_a_warning():
    """The limit is the caller's: neither Pillow's warning nor its own limit stand in the way."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(LimitError, match=r"3_600_000_000 is above the limit 268_435_456.*max_pixels") as caught:
            formats.read(BROKEN["huge"][0])
        with pytest.raises(FormatError):  # within the limit now, and found to be cut short
            formats.read(png(20000, 10000, 8, 2, b""), limits=Limits(max_pixels=10**9))
    assert caught.value.field == "max_pixels"
    with pytest.raises(LimitError, match="metadata"):
        formats.read(saved(RGB, "PNG", icc_profile=ICC), limits=Limits(max_metadata_bytes=9))


def test_paths_and_streams(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(GOOD["png"])
    for source in (path, str(path), io.BytesIO(GOOD["png"]), memoryview(GOOD["png"])):
        assert np.array_equal(formats.read(source).pixels, PIXELS)
    with pytest.raises(FileError, match="directory"):
        formats.read(tmp_path)
    with pytest.raises(FileError, match="No such file"):
        formats.read(tmp_path / "missing.png")
    with pytest.raises(UsageError, match="a path, bytes or a binary stream"):
        formats.read(7)


def test_a_wrong_suffix_does_not_matter(tmp_path):
    (tmp_path / "jpeg.png").write_bytes(GOOD["jpeg"])
    assert formats.read(tmp_path / "jpeg.png").width_px == 56


def test_deep_samples_that_pillow_cuts_are_found():
    """10-bit AVIF and 16-bit RGB JPEG 2000 arrive from Pillow as 8-bit RGB; the file itself tells."""
    deep = bytearray(GOOD["avif"])
    deep[deep.index(b"av1C") + 6] |= 0x40
    with pytest.raises(UnsupportedMode, match="10 bits"):
        formats._refuse_deep_samples(bytes(deep), "AVIF")
    deep = bytearray(GOOD["jpeg 2000"])
    deep[deep.index(b"\xff\x4f\xff\x51") + 42] = 11
    with pytest.raises(UnsupportedMode, match="12 bits"):
        formats._refuse_deep_samples(bytes(deep), "JPEG2000")
    formats._refuse_deep_samples(GOOD["avif"], "AVIF")


def test_what_has_no_place_is_said():
    assert "gamma of 0.35" in formats.read(GOOD["gamma"]).left_out[0]
    assert formats.read(GOOD["png"]).left_out == ()


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_metadata_is_read_to_the_byte(name):
    """EXIF, ICC and XMP arrive as they were written; AVIF keeps the orientation elsewhere."""
    options = {"exif": EXIF_PREFIX + exif_of(6), "icc_profile": ICC}
    options |= formats._xmp_option(name, XMP)
    picture = formats.read(saved(RGB, name, **options))
    assert picture.icc == ICC
    assert picture.xmp == XMP
    assert picture.orientation == 6
    if name != "AVIF":
        assert picture.exif == exif_of(6)


@pytest.mark.parametrize("suffix", formats.SUFFIXES)
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_written_files_keep_what_they_can(suffix, orientation):
    """What is written and read again looks the same upright, and keeps metadata or says that it does not."""
    picture = Picture(PIXELS, exif=exif_of(orientation), icc=ICC, xmp=XMP, dpi=(300.0, 300.0), comments=("hé",))
    data, lost = formats.write(picture, suffix)
    again = formats.read(data)
    carried = formats._WRITERS[suffix][2]
    difference = upright(again).pixels.astype(int) - upright(picture).pixels
    assert abs(difference).max() <= (0 if suffix not in (".jpg", ".jpeg", ".avif") else 30)
    assert again.icc == (ICC if "icc" in carried else b"")
    assert again.xmp == (XMP if "xmp" in carried else b"")
    assert len(lost) == sum(kind not in carried for kind in ("exif", "icc", "xmp", "comments"))
    assert again.comments == (("hé",) if "comments" in carried else ())
    if "dpi" in carried:
        assert again.dpi == pytest.approx((300, 300), abs=0.1)


def test_tiff_keeps_its_description(tmp_path):
    """Pillow turns TIFF upright by itself; descriptive tags become EXIF, and the orientation must not come twice."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a test", 6
    picture = formats.read(saved(RGB, "TIFF", exif=exif))
    assert picture.orientation == 1
    assert (picture.height_px, picture.width_px) in ((56, 40), (40, 56))
    assert b"a test" in picture.exif


def test_what_cannot_be_written_is_refused():
    with pytest.raises(UsageError, match=r"\.png"):
        formats.write(Picture(PIXELS), ".xyz")
    with pytest.raises(UsageError, match="no suffix"):
        formats.write(Picture(PIXELS), "")
    with pytest.raises(UnsupportedError, match="WEBP"):
        formats.write(Picture(np.zeros((1, 16384, 3), np.uint8)), ".webp")

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

from calotype import exporting, formats, png16, ppm16, tiff16
from calotype.container.layout import MAGIC
from calotype.errors import (
    CalotypeError,
    ExtraMissing,
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
GREY16 = np.random.default_rng(2).integers(0, 65536, (9, 7)).astype(np.uint16)
RGB16 = np.random.default_rng(4).integers(0, 65536, (9, 7, 3)).astype(np.uint16)
KEPT = {  # file, mode, bits, what is said of it
    "grey": (saved(RGB.convert("L"), "PNG"), "L", 8, ""),
    "grey jpeg": (saved(RGB.convert("L"), "JPEG"), "L", 8, ""),
    "grey and alpha": (saved(RGB.convert("LA"), "PNG"), "LA", 8, ""),
    "rgba": (saved(RGB.convert("RGBA"), "PNG"), "RGBA", 8, ""),
    "palette": (saved(RGB.quantize(16), "PNG"), "RGB", 8, "palette is not kept"),
    "palette with a hole": (saved(RGB.quantize(16), "PNG", transparency=3), "RGBA", 8, "and its transparency"),
    "bilevel": (saved(RGB.convert("1"), "PNG"), "1", 1, ""),
    "bilevel tiff": (saved(RGB.convert("1"), "TIFF", compression="group4"), "1", 1, ""),
    "grey 16": (saved(Image.fromarray(GREY16), "PNG"), "L", 16, ""),
    "grey 16 tiff": (saved(Image.fromarray(GREY16), "TIFF"), "L", 16, ""),
    "grey 16 ppm": (b"P5 2 1 65535\n" + bytes(4), "L", 16, ""),
    "grey 2": (png(4, 1, 2, 0, b"\0\x1b"), "L", 8, "grey of 2 bits"),
    "rgb 16": (png(4, 1, 16, 2, ROW16), "RGB", 16, ""),
    "rgb 16 ppm": (b"P6 2 1 65535\n" + bytes(12), "RGB", 16, ""),
    "rgb 16 plain ppm": (b"P3 # plain\n2 1 65535\n1 2 3 65535 0 9", "RGB", 16, ""),
    "rgb 16 tiff": (tiff16.write(RGB16), "RGB", 16, ""),
    "rgba 16 tiff": (tiff16.write(RGB16[..., [0, 1, 2, 1]]), "RGBA", 16, ""),
    "transparent colour": (
        png(4, 1, 8, 2, b"\0" + bytes(12), chunk(b"tRNS", bytes(6))),
        "RGBA",
        8,
        "transparent colour",
    ),
    "transparent black": (png(4, 1, 1, 0, b"\0\x50", chunk(b"tRNS", bytes(2))), "LA", 8, "transparent colour"),
    "transparent colour of 16 bits": (png(4, 1, 16, 2, ROW16, chunk(b"tRNS", bytes(6))), "RGBA", 16, ""),
}
MODES = {  # file, what the refusal names, the switch
    "cmyk": (saved(RGB.convert("CMYK"), "JPEG"), "CMYK", "rgb"),
    "float": (saved(RGB.convert("F"), "TIFF"), "F", "8bit"),
    "rgb 10 bits ppm": (b"P6 2 1 1023\n" + bytes(12), "1023", "8bit"),
    "rgb 7 bits ppm": (b"P6 2 1 100\n" + bytes(6), "100", "8bit"),
    "animated gif": (saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), "3 pictures", "first-frame"),
    "animated webp": (
        saved(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], lossless=True),
        "3 pictures",
        "first-frame",
    ),
    "animated png": (saved(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), "3 pictures", "first-frame"),
    "two pages": (saved(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:2]), "2 pictures", "first-frame"),
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
    """Nothing is converted silently; the switch that the refusal names does it, and says what it did."""
    data, mode, switch = MODES[name]
    with pytest.raises(UnsupportedMode, match=f"convert it first: --convert {switch}") as caught:
        formats.read(data)
    assert mode in str(caught.value)
    assert caught.value.exit_code == 5
    assert "converted as asked" in formats.read(data, convert=switch).left_out[0]


@pytest.mark.parametrize("name", KEPT)
def test_other_modes_are_kept(name):
    """Samples come as they are; what changes its form without a loss is said."""
    data, mode, bits, said = KEPT[name]
    picture = formats.read(data)
    assert (picture.mode, picture.depth_bits) == (mode, bits)
    assert (said in picture.left_out[0]) if said else picture.left_out == ()


def test_sixteen_bits_are_read_and_written():
    """Every plane count, every filter, both orders of rows, metadata; imagecodecs is the oracle where it is there."""
    for planes in (1, 2, 3, 4):
        smooth = np.random.default_rng(planes).normal(0, 40, (33, 17, planes)).cumsum(0).cumsum(1)
        samples = (smooth.astype(np.int64) % 65536).astype(np.uint16)
        picture = Picture(samples, exif=exif_of(6), icc=ICC, xmp=XMP, dpi=(300.0, 300.0))
        data, lost = formats.write(picture, ".png")
        again = formats.read(data)
        assert np.array_equal(again.pixels, samples) and lost == ()
        assert (again.exif, again.icc, again.xmp, again.orientation) == (picture.exif, ICC, XMP, 6)
        assert again.dpi == pytest.approx((300, 300), abs=0.1)
        with Image.open(io.BytesIO(data)) as image:
            image.load()  # Pillow finds nothing wrong with it
    interlaced = KEPT["rgb 16"][0]
    assert png16.is_deep(interlaced) and not png16.is_deep(GOOD["png"])


def test_sixteen_bits_agree_with_another_reader():
    imagecodecs = pytest.importorskip("imagecodecs", reason="the oracle of 16-bit PNG comes with the extra [bench]")
    for planes in (1, 2, 3, 4):
        samples = np.random.default_rng(planes).integers(0, 65536, (40, 23, planes)).astype(np.uint16)
        samples[5:30] //= 40
        given = samples[..., 0] if planes == 1 else samples
        assert np.array_equal(png16.read(imagecodecs.png_encode(given))[0], samples)
        assert np.array_equal(imagecodecs.png_decode(png16.write(samples)), given)


@pytest.mark.parametrize("layout", ["strips", "planes", "tiles", "big-endian", "lzw", "one row", "upside down"])
@pytest.mark.parametrize("planes", [2, 3, 4])
def test_tiff_of_sixteen_bits_agrees_with_another_writer(layout, planes):
    """Every layout that is common, beside tifffile; and what we write, beside libtiff."""
    tifffile = pytest.importorskip("tifffile", reason="the oracle of 16-bit TIFF")
    samples = np.random.default_rng(planes).integers(0, 65536, (50, 37, planes)).astype(np.uint16)
    options = {
        "strips": {"compression": "zlib", "predictor": True, "rowsperstrip": 7},
        "planes": {"planarconfig": "separate"},
        "tiles": {"tile": (16, 32), "compression": "zlib"},
        "big-endian": {"byteorder": ">"},
        "lzw": {"compression": "lzw", "predictor": True},
        "one row": {"rowsperstrip": 1, "compression": "zlib"},
        "upside down": {"extratags": [(274, 3, 1, 3, True)]},
    }[layout]
    options |= {"photometric": "rgb" if planes > 2 else "minisblack"}
    options |= {"extrasamples": ["unassalpha"]} if planes != 3 else {}
    order = options.pop("byteorder", "<")
    target = io.BytesIO()
    stored = samples.transpose(2, 0, 1) if layout == "planes" else samples
    tifffile.imwrite(target, stored, byteorder=order, **options)
    try:
        found = formats.read(target.getvalue())
    except FormatError:
        assert layout == "planes" or planes == 2  # Pillow can't open these at all
        return
    assert np.array_equal(found.pixels, samples[::-1, ::-1] if layout == "upside down" else samples)
    assert np.array_equal(tifffile.imread(io.BytesIO(tiff16.write(samples))), samples)


def test_tiff_of_sixteen_bits_is_bounded_and_typed():
    """A strip that inflates to more than the picture has is cut there; damage is damage; LZW names its package."""
    whole = tiff16.write(RGB16, icc=ICC, dpi=(300.0, 72.0))
    found = formats.read(whole)
    assert np.array_equal(found.pixels, RGB16) and found.icc == ICC and found.dpi == (300.0, 72.0)
    for data in (whole[:-9], whole[:-40] + bytes(40)):
        with pytest.raises(FormatError):
            formats.read(data)
    with pytest.raises(TruncatedError):
        formats.read(b"P6 2 1 65535\n" + bytes(11))


def test_tiff_compressed_by_lzw_names_the_package_it_needs(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'calotype\[bench\]'"):
        tiff16._unpacker(5)


def test_ppm_of_sixteen_bits():
    assert np.array_equal(ppm16.read(ppm16.write(RGB16)), RGB16)
    assert formats.read(KEPT["rgb 16 plain ppm"][0]).pixels[0].tolist() == [[1, 2, 3], [65535, 0, 9]]


def test_a_transparent_colour_becomes_alpha_exactly():
    shades = png(4, 1, 2, 0, b"\0\x1b", chunk(b"tRNS", b"\0\2"))  # four greys of two bits, the third is transparent
    assert formats.read(shades).pixels[0].tolist() == [[0, 255], [85, 255], [170, 0], [255, 255]]


@pytest.mark.parametrize("suffix", formats.SUFFIXES)
@pytest.mark.parametrize("planes", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16])
def test_every_mode_is_written_exactly_or_refused_with_a_way_out(suffix, planes, dtype):
    if dtype is bool and planes > 1:
        return
    top = 1 if dtype is bool else np.iinfo(dtype).max
    samples = np.random.default_rng(1).integers(0, top + 1, (6, 9, planes)).astype(dtype)
    picture = Picture.of(samples)
    try:
        data, _ = formats.write(picture, suffix)
    except UnsupportedError as error:
        assert ".png" in str(error) and ("--convert" in str(error) or picture.mode in ("LA", "RGBA"))
        assert picture.has_alpha or picture.depth_bits == 16 or suffix == ".pgm"
        return
    again = formats.read(data)
    if suffix not in (".jpg", ".jpeg", ".avif"):
        wide = np.broadcast_to(picture.pixels[..., :1], again.pixels.shape) if planes == 1 else picture.pixels
        if planes == 2 and again.planes == 4:
            wide = picture.pixels[..., [0, 0, 0, 1]]
        assert np.array_equal(again.pixels, wide)


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
    options |= exporting._xmp_option(name, XMP)
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
    pixels = PIXELS[..., :1] if suffix == ".pgm" else PIXELS
    picture = Picture(pixels, exif=exif_of(orientation), icc=ICC, xmp=XMP, dpi=(300.0, 300.0), comments=("hé",))
    data, lost = formats.write(picture, suffix)
    again = formats.read(data)
    carried = exporting._WRITERS[suffix][2]
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

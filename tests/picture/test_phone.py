"""R16: what phones write comes through: EXIF, ICC and XMP to the byte, orientation once, broken EXIF no obstacle."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from calotype import codec, formats
from calotype.picture import Picture, upright

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r hdrgm:Version="1.0" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"/>'
)
XMP += b"</x:xmpmeta>"
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
Y, X = np.mgrid[0:16, 0:24]
PIXELS = np.stack([X * 6, Y * 9, (X + Y) * 3], axis=-1).astype(np.uint8)
KINDS = ["JPEG", "MPO", "WEBP", "PNG"]  # Pillow itself rewrites the EXIF of an AVIF


def exif_of(turn: int, order: str) -> bytes:
    """A TIFF block by hand: maker, orientation, a maker note of its own order, and a thumbnail directory; or broken."""
    if order == "broken":
        return b"II*\0\xff\xff\xff\x7f" + bytes([turn]) * 9
    note = bytes(range(97))
    entries = [(0x010F, 2, b"Phone\0"), (0x0112, 3, struct.pack(order + "H", turn)), (0x927C, 7, note)]
    at, directory, behind = 8 + 2 + 12 * len(entries) + 4, struct.pack(order + "H", len(entries)), b""
    for tag, kind, value in entries:
        count = len(value) if kind != 3 else 1
        place = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(order + "L", at + len(behind))
        behind += (value + b"\0" * (len(value) % 2)) if len(value) > 4 else b""
        directory += struct.pack(order + "HHL", tag, kind, count) + place
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HL", 42, 8)
    return head + directory + struct.pack(order + "L", 0) + behind


def phone_file(kind: str, exif: bytes, xmp: bytes = XMP) -> bytes:
    target, image = io.BytesIO(), Image.fromarray(PIXELS)
    options = {"exif": b"Exif\0\0" + exif, "icc_profile": ICC}
    if kind in ("JPEG", "MPO", "WEBP") and xmp:
        options["xmp"] = xmp
    if kind == "MPO":
        options |= {"save_all": True, "append_images": [image.resize((12, 8))]}
    image.save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize("turn", range(10))
@pytest.mark.parametrize("order", ["<", ">", "broken"])
@pytest.mark.parametrize("kind", KINDS)
def test_r16_metadata_to_the_byte_and_orientation_once(kind, order, turn):
    """120 files. Into a .calo file and back: the same bytes of metadata, the pixels never turned, and said so."""
    exif = exif_of(turn, order)
    found = formats.read(phone_file(kind, exif))
    assert found.exif == exif and found.icc == ICC and found.xmp == (XMP if kind != "PNG" else b"")
    assert found.orientation == (turn if order != "broken" and 1 <= turn <= 8 else 1)
    data = codec.encode(found, None, lossless=True, check=False, threads=1)
    again = codec.decode(data, threads=1)
    assert (again.exif, again.icc, again.xmp) == (found.exif, found.icc, found.xmp)
    assert again.orientation == found.orientation and np.array_equal(again.pixels, found.pixels)
    assert codec.info(data).orientation in (found.orientation, None)
    for suffix in (".jpg", ".ppm"):  # one that has a place for it, and one that has not
        written = formats.read(formats.write(again, suffix)[0])
        turned = upright(again).pixels.astype(int)
        assert abs(upright(written).pixels - turned).max() <= (60 if suffix == ".jpg" else 0)


def test_what_a_phone_adds_to_its_photograph_is_named():
    """An MPO is its first picture; the gain map, preview or second eye behind it is not kept, and that is said."""
    for xmp in (XMP, b""):  # an Ultra HDR photograph, and one with a preview
        found = formats.read(phone_file("MPO", exif_of(6, "<"), xmp))
        assert (found.width_px, found.height_px) == (24, 16)
        assert any("not kept: the other pictures" in said for said in found.left_out)
    assert not formats.read(phone_file("JPEG", exif_of(6, "<"))).left_out


@pytest.mark.parametrize("wanted,said", [("rgb", "three equal planes"), ("rgba", "opaque alpha plane"), ("grey", "")])
def test_a_conversion_that_was_asked_for_is_said(wanted, said):
    """Also the one that loses nothing: a grey picture that becomes three planes is another picture to who reads it."""
    picture = Picture.of(PIXELS[..., 0], convert=wanted)
    assert any(said in one for one in picture.left_out) if said else picture.left_out == ()
    assert Picture.of(PIXELS, convert="rgb").left_out == ()

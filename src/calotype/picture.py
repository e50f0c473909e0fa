"""Picture: 8-bit RGB samples and what a camera said about them; to and from NumPy and Pillow.

Files in other formats are read and written by formats.py. Nothing is converted here: a picture that is not
8-bit RGB is refused with the conversion by name, so that what is lost is lost by the caller's own decision.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from calotype.errors import UnsupportedMode, UsageError

if TYPE_CHECKING:
    from PIL import Image

    PictureLike: TypeAlias = "Picture | np.ndarray | Image.Image"

__all__ = ["EXIF_PREFIX", "Picture", "upright"]

EXIF_PREFIX = b"Exif\0\0"  # stands before the TIFF block in JPEG and in Pillow's `info`, and nowhere else
_ORIENTATION = 0x0112
# Pillow's raw modes of samples with more than 8 bits that it would cut to 8 without a word.
_WIDE_RAW_MODES = ("RGB;16", "RGBX;16", "RGBA;16", "BGR;48")

_CONVERSIONS = {
    "1": 'Image.convert("RGB") (black and white become two colours, nothing is lost)',
    "L": 'Image.convert("RGB") (three equal planes, nothing is lost)',
    "LA": 'Image.convert("RGB") (the alpha plane is lost)',
    "P": 'Image.convert("RGB") (colours are kept, a transparent entry is lost)',
    "PA": 'Image.convert("RGB") (the alpha plane is lost)',
    "RGBA": 'Image.convert("RGB") (the alpha plane is lost and colours under it appear), or paste it on a background',
    "RGBa": 'Image.convert("RGBA").convert("RGB") (the alpha plane is lost)',
    "RGBX": 'Image.convert("RGB") (the fourth plane is lost)',
    "CMYK": 'ImageCms.profileToProfile(...) with its own profile, or Image.convert("RGB") (colours are approximate)',
    "YCbCr": 'Image.convert("RGB") (rounded once)',
    "LAB": 'ImageCms.profileToProfile(..., outputMode="RGB") (rounded once)',
    "HSV": 'Image.convert("RGB") (rounded once)',
    "I;16": "divide by 257, round to uint8 and repeat three times (8 of 16 bits are lost)",
    "I": "scale to 0..255 as uint8 and repeat three times (precision is lost)",
    "F": "scale to 0..255 as uint8 and repeat three times (precision is lost)",
}


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture: samples and metadata, none of which is interpreted except `orientation`.

    pixels     uint8 [h, w, 3], RGB, read-only; as stored, that is before `orientation` is applied
    exif       the TIFF block, without the six bytes "Exif\\0\\0"; empty if there is none
    icc        the ICC profile; empty means sRGB
    xmp        the XMP packet
    dpi        horizontal and vertical resolution in pixels per inch, or None
    modified_ns  when it was changed, in nanoseconds since 1970 UTC, or None; no reader of ours sets it, so that
               the bytes we write depend on what is in a file and not on when it was copied
    comments   free text
    left_out   what a file said besides and a Picture has no place for, one sentence each
    """

    pixels: np.ndarray
    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    modified_ns: int | None = None
    comments: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is not uint8 [h, w, 3], and make the view read-only (not the caller's own array)."""
        _check_array(self.pixels)
        view = np.ascontiguousarray(self.pixels).view()
        view.flags.writeable = False
        object.__setattr__(self, "pixels", view)

    @property
    def height_px(self) -> int:
        """Rows, as stored."""
        return self.pixels.shape[0]

    @property
    def width_px(self) -> int:
        """Columns, as stored."""
        return self.pixels.shape[1]

    @property
    def orientation(self) -> int:
        """How to turn the stored pixels: the EXIF orientation 1..8, and 1 where EXIF is absent or broken."""
        return orientation_of(self.exif)

    @classmethod
    def of(cls, source: PictureLike) -> Picture:
        """A Picture from a Picture, a NumPy array or a Pillow image.

        errors   UnsupportedMode if it is not 8-bit RGB, UsageError if it is none of the three
        """
        if isinstance(source, Picture):
            return source
        if isinstance(source, np.ndarray):
            return cls(source)
        if hasattr(source, "getbands") and hasattr(source, "tobytes"):  # a Pillow image, seen without importing Pillow
            return cls.from_pillow(source)
        hint = (
            "; read a file with calotype.Picture.read(path)"
            if isinstance(source, str) or hasattr(source, "__fspath__")
            else ""
        )
        raise UsageError(
            "picture", value=type(source).__name__, allowed="a NumPy array, a Pillow image or a Picture" + hint
        )

    @classmethod
    def from_pillow(cls, image: Image.Image) -> Picture:
        """A Picture with the pixels and metadata of a Pillow image; decodes the image if that was not done yet.

        errors   UnsupportedMode for every mode but RGB, animations, transparent colours and samples above 8 bits;
                 whatever Pillow raises if the image's file is broken (formats.read makes typed errors of that)
        """
        _check_image(image)
        pixels = np.asarray(image)  # decodes
        info: dict[Any, Any] = image.info
        return cls(
            pixels,
            exif=_bytes(info.get("exif")).removeprefix(EXIF_PREFIX),
            icc=_bytes(info.get("icc_profile")),
            xmp=_bytes(info.get("xmp")),
            dpi=_dpi(info.get("dpi")),
            comments=_comments(info.get("comment")),
            left_out=tuple(_left_out(info)),
        )

    @classmethod
    def read(cls, source: Any, **options: Any) -> Picture:
        """A Picture from a file's path, its bytes or a binary stream; the same as formats.read."""
        from calotype import formats

        return formats.read(source, **options)

    def to_pillow(self) -> Image.Image:
        """A Pillow image of mode RGB; EXIF, ICC, XMP and dpi stand in its `info`. The pixels are copied."""
        from PIL import Image

        image = Image.fromarray(self.pixels)
        if self.exif:
            image.info["exif"] = EXIF_PREFIX + self.exif
        if self.icc:
            image.info["icc_profile"] = self.icc
        if self.xmp:
            image.info["xmp"] = self.xmp
        if self.dpi:
            image.info["dpi"] = self.dpi
        return image


def upright(picture: Picture) -> Picture:
    """The same picture with its orientation applied to the pixels and set to 1 in EXIF."""
    turn = picture.orientation
    if turn == 1:
        return picture
    pixels = picture.pixels.transpose(1, 0, 2) if turn >= 5 else picture.pixels
    if turn in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if turn in (3, 4, 7, 8):
        pixels = pixels[::-1]
    place = _orientation_place(picture.exif)
    exif = picture.exif
    if place is not None:
        offset, order = place
        exif = exif[:offset] + struct.pack(order + "H", 1) + exif[offset + 2 :]
    dpi = picture.dpi[::-1] if picture.dpi and turn >= 5 else picture.dpi
    return replace(picture, pixels=np.ascontiguousarray(pixels), exif=exif, dpi=dpi)


def orientation_of(exif: bytes) -> int:
    """The orientation 1..8 that a TIFF block states; 1 where there is none or it makes no sense."""
    place = _orientation_place(exif)
    if place is None:
        return 1
    offset, order = place
    (value,) = struct.unpack_from(order + "H", exif, offset)
    return value if 1 <= value <= 8 else 1


def _orientation_place(exif: bytes) -> tuple[int, str] | None:
    """Offset of the orientation's value and the byte order, read without Pillow: broken EXIF must not stop pixels."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 10:
        return None
    (first,) = struct.unpack_from(order + "I", exif, 4)
    if first + 2 > len(exif):
        return None
    (entries,) = struct.unpack_from(order + "H", exif, first)
    for at in range(first + 2, min(first + 2 + 12 * entries, len(exif) - 11), 12):
        tag, kind, count = struct.unpack_from(order + "HHI", exif, at)
        if tag == _ORIENTATION:
            return (at + 8, order) if kind == 3 and count == 1 else None
    return None


def _check_array(array: np.ndarray) -> None:
    """Raise unless `array` is uint8 [h, w, 3] with at least one pixel."""
    said = f"{array.dtype} array of shape {tuple(array.shape)}"
    if array.ndim == 2:
        raise UnsupportedMode(said, conversion="np.stack([grey] * 3, axis=-1) (three equal planes, nothing is lost)")
    if array.ndim != 3 or array.shape[2] != 3:
        if array.ndim == 3 and array.shape[0] == 3:
            raise UnsupportedMode(said, conversion="array.transpose(1, 2, 0) makes [h, w, 3] of [3, h, w]")
        if array.ndim == 3 and array.shape[2] == 4:
            raise UnsupportedMode(said, conversion="array[..., :3] (the fourth plane, usually alpha, is lost)")
        raise UnsupportedMode(said, conversion="make it an array of shape [height, width, 3]")
    if array.dtype != np.uint8:
        scaled = "array / 257" if array.dtype == np.uint16 else "array scaled to 0..255"
        raise UnsupportedMode(said, conversion=f"np.rint({scaled}).astype(np.uint8) (precision is lost)")
    if 0 in array.shape:
        raise UsageError("picture", value=f"{array.shape[1]}x{array.shape[0]} pixels", allowed="at least 1x1")


def _check_image(image: Image.Image) -> None:
    """Raise unless a Pillow image is one still picture of 8-bit RGB, judged before its pixels are decoded."""
    frames = getattr(image, "n_frames", 1)
    # An MPO file is a JPEG photograph with others behind it (a preview, a second eye, a gain map): no animation.
    if frames > 1 and image.format != "MPO":
        first = 'Image.open(...).copy().convert("RGB") keeps the first only'
        raise UnsupportedMode(f"{image.format} of {frames} pictures (animation or pages)", conversion=first)
    for tile in getattr(image, "tile", None) or ():
        decoder, args = tile[0], tile[3]
        words = args if isinstance(args, (tuple, list)) else (args,)
        if any(isinstance(word, str) and word.startswith(_WIDE_RAW_MODES) for word in words):
            raise UnsupportedMode(f"{image.mode} with 16 bits a sample", conversion=KEEP_8_BITS)
        if decoder in ("ppm", "ppm_plain") and image.mode == "RGB" and words[-1] != 255:
            raise UnsupportedMode(f"RGB with samples 0..{words[-1]}", conversion=KEEP_8_BITS)
    if image.mode != "RGB":
        kind = "I;16" if image.mode.startswith("I;16") else image.mode
        other = 'Image.convert("RGB"), if Pillow can'
        raise UnsupportedMode(image.mode, conversion=_CONVERSIONS.get(kind, other))
    if "transparency" in image.info:
        raise UnsupportedMode(
            "RGB with a transparent colour", conversion="del image.info['transparency'] (transparency is lost)"
        )


KEEP_8_BITS = "Image.open(...).save('8-bit.png') keeps 8 bits of each sample"


def _bytes(value: object) -> bytes:
    """Metadata as bytes; Pillow gives XMP as text for some formats."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else b""


def _dpi(value: object) -> tuple[float, float] | None:
    """A resolution that means something: two finite numbers above 1 (1 is what files without a unit say)."""
    try:
        x, y = (float(number) for number in value)  # type: ignore[union-attr]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if all(math.isfinite(number) and number > 1 for number in (x, y)) else None


def _comments(value: object) -> tuple[str, ...]:
    """The comment of a JPEG: UTF-8 if it is, else one character a byte."""
    if isinstance(value, str):
        return (value,) if value else ()
    raw = _bytes(value)
    try:
        said = raw.decode("utf-8")
    except UnicodeDecodeError:
        said = raw.decode("latin-1")
    return (said,) if said else ()


def _left_out(info: dict[Any, Any]) -> Iterable[str]:
    """What Pillow read and a Picture has no place for."""
    gamma = info.get("gamma")
    if isinstance(gamma, float) and abs(gamma - 1 / 2.2) > 0.001:
        yield f"the PNG's gamma of {gamma:g} is not kept; its samples are, and will be read as sRGB"

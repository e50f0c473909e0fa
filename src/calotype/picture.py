"""Picture: samples, their mode and what a camera said about them; to and from NumPy and Pillow.

Files in other formats are read and written by formats.py, Pillow's modes are told apart in pillow_modes.py. Nothing is
changed here unless the caller names it (conversion.py): what is lost is lost by the caller's own decision.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from calotype import conversion, pillow_modes
from calotype import exif as exif_blocks
from calotype.errors import UnsupportedMode, UsageError

if TYPE_CHECKING:
    from PIL import Image

    PictureLike: TypeAlias = "Picture | np.ndarray | Image.Image"

__all__ = ["EXIF_PREFIX", "STRIPPABLE", "Picture", "upright"]

EXIF_PREFIX = b"Exif\0\0"  # stands before the TIFF block in JPEG and in Pillow's `info`, and nowhere else
STRIPPABLE = ("exif", "gps", "xmp", "icc", "comments")
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture: samples and metadata, none of which is interpreted except `orientation`.

    pixels     uint8 or uint16 [h, w, planes], read-only; as stored, that is before `orientation` is applied. Planes are
               grey (1), grey and alpha (2), RGB (3) or RGB and alpha (4); a grey array may be given as [h, w]
    exif       the TIFF block, without the six bytes "Exif\\0\\0"; empty if there is none
    icc        the ICC profile; empty means sRGB
    xmp        the XMP packet
    dpi        horizontal and vertical resolution in pixels per inch, or None
    modified_ns  when it was changed, in nanoseconds since 1970 UTC, or None; no reader of ours sets it, so that
               the bytes we write depend on what is in a file and not on when it was copied
    comments   free text
    left_out   what a file said besides and a Picture has no place for, or what was changed, one sentence each
    bilevel    black and white: one plane of 0 and 255, coded with one bit
    turned     an orientation 1..8 that is said outside EXIF and counts instead of it, or None
    """

    pixels: np.ndarray
    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    modified_ns: int | None = None
    comments: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    bilevel: bool = False
    turned: int | None = None

    def __post_init__(self) -> None:
        """Refuse what has another shape or type, and make the view read-only (not the caller's own array)."""
        pixels = self.pixels[..., None] if self.pixels.ndim == 2 else self.pixels
        if pixels.dtype == np.bool_ and pixels.shape[-1] == 1:
            object.__setattr__(self, "bilevel", True)
            pixels = np.where(pixels, np.uint8(255), np.uint8(0))
        _check_array(pixels)
        if self.bilevel and (pixels.shape[2] != 1 or pixels.dtype != np.uint8):
            raise UsageError("bilevel", value=_said(pixels), allowed="one plane of uint8, 0 and 255")
        view = np.ascontiguousarray(pixels).view()
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
    def planes(self) -> int:
        """Planes, alpha included."""
        return self.pixels.shape[2]

    @property
    def mode(self) -> str:
        """ "1", "L", "LA", "RGB" or "RGBA", whatever the depth."""
        return "1" if self.bilevel else _MODES[self.planes]

    @property
    def depth_bits(self) -> int:
        """Bits a sample: 1, 8 or 16."""
        return 1 if self.bilevel else 8 * self.pixels.dtype.itemsize

    @property
    def has_alpha(self) -> bool:
        """Whether the last plane is opacity."""
        return self.planes in (2, 4)

    @property
    def orientation(self) -> int:
        """How to turn the stored pixels, 1..8: `turned`, else what EXIF says, else (absent or broken) 1."""
        return self.turned or exif_blocks.orientation_of(self.exif)

    @classmethod
    def of(cls, source: PictureLike, *, convert: str | Iterable[str] | None = None) -> Picture:
        """A Picture from a Picture, a NumPy array or a Pillow image.

        convert  names of conversions (calotype.conversion), several with commas between them: what may be changed
        errors   UnsupportedMode if it has a mode that would have to be changed, UsageError if it is none of the three
        """
        wanted = conversion.parse(convert)
        if isinstance(source, Picture):
            return source._converted(wanted)
        if isinstance(source, np.ndarray):
            if "8bit" in wanted and source.dtype.kind in "fiu" and source.dtype not in (np.uint8, np.uint16):
                source = conversion.to_8_bits(source)
            return cls(source)._converted(wanted)
        if hasattr(source, "getbands") and hasattr(source, "tobytes"):  # a Pillow image, seen without importing Pillow
            return cls.from_pillow(source, convert=wanted)
        hint = (
            "; read a file with calotype.Picture.read(path)"
            if isinstance(source, str) or hasattr(source, "__fspath__")
            else ""
        )
        raise UsageError(
            "picture", value=type(source).__name__, allowed="a NumPy array, a Pillow image or a Picture" + hint
        )

    @classmethod
    def from_pillow(
        cls, image: Image.Image, *, convert: str | Iterable[str] | None = None, pixels: np.ndarray | None = None
    ) -> Picture:
        """A Picture with the pixels and metadata of a Pillow image; decodes the image if that was not done yet.

        convert  as in `of`
        pixels   samples that were read in another way, because Pillow would cut them
        errors   UnsupportedMode for modes that would have to be changed (docs/pictures.md lists all of them);
                 whatever Pillow raises if the image's file is broken (formats.read makes typed errors of that)
        """
        wanted = conversion.parse(convert)
        pillow_modes.check(image, wanted, deep=pixels is not None)
        samples = pillow_modes.samples_of(image, wanted) if pixels is None else pillow_modes.Samples(pixels, False, ())
        info: dict[Any, Any] = image.info
        picture = cls(
            samples.pixels,
            exif=_bytes(info.get("exif")).removeprefix(EXIF_PREFIX),
            icc=_bytes(info.get("icc_profile")),
            xmp=_bytes(info.get("xmp")),
            dpi=_dpi(info.get("dpi")),
            comments=_comments(info.get("comment")),
            left_out=(*samples.said, *_left_out(info)),
            bilevel=samples.bilevel,
        )
        return picture._converted(wanted)

    @classmethod
    def read(cls, source: Any, **options: Any) -> Picture:
        """A Picture from a file's path, its bytes or a binary stream; the same as formats.read."""
        from calotype import formats

        return formats.read(source, **options)

    def to_array(self) -> np.ndarray:
        """The samples as NumPy has them usually: [h, w] for grey, bool [h, w] for black and white, else [h, w, planes]."""
        if self.bilevel:
            return self.pixels[..., 0] > 0
        return self.pixels[..., 0] if self.planes == 1 else self.pixels

    def to_pillow(self) -> Image.Image:
        """A Pillow image of the same mode (I;16 for grey of 16 bits); EXIF, ICC, XMP and dpi stand in its `info`.

        The pixels are copied. Raises UnsupportedMode for 16 bits with several planes: Pillow has no such mode.
        """
        image = pillow_modes.image_of(self.pixels, self.bilevel)
        exif = self.whole_exif()
        if exif:
            image.info["exif"] = EXIF_PREFIX + exif
        if self.icc:
            image.info["icc_profile"] = self.icc
        if self.xmp:
            image.info["xmp"] = self.xmp
        if self.dpi:
            image.info["dpi"] = self.dpi
        return image

    def whole_exif(self) -> bytes:
        """EXIF that says the orientation, also where it is said elsewhere; byte-identical where nothing is."""
        if self.turned is None or self.turned == exif_blocks.orientation_of(self.exif):
            return self.exif
        changed = exif_blocks.with_orientation(self.exif, self.turned)
        return changed if exif_blocks.orientation_of(changed) == self.turned else exif_blocks.minimal(self.turned)

    def stripped(self, kinds: Iterable[str] = STRIPPABLE) -> Picture:
        """Without some of the metadata: "exif", "gps" (the place, in EXIF and XMP), "xmp", "icc", "comments".

        The orientation stays: it belongs to the pixels. So does the resolution. Without its ICC profile a picture means
        sRGB, whatever its samples were.
        """
        kinds = frozenset(kinds)
        if not kinds <= set(STRIPPABLE):
            raise UsageError("strip", value=", ".join(sorted(kinds)), allowed=", ".join(STRIPPABLE))
        changes: dict[str, Any] = {}
        if "gps" in kinds:
            changes = {
                "exif": exif_blocks.without_gps(self.exif),
                "xmp": exif_blocks.without_gps_in_xmp(self.xmp),
            }
        changes |= {kind: () if kind == "comments" else b"" for kind in kinds if kind != "gps"}
        if self.orientation != exif_blocks.orientation_of(changes.get("exif", self.exif)):
            changes["turned"] = self.orientation
        return replace(self, **changes)

    def _converted(self, wanted: frozenset[str]) -> Picture:
        """With samples changed as asked, and what was changed said in `left_out`."""
        pixels, bilevel, said = conversion.converted(self.pixels, self.bilevel, wanted)
        if pixels is self.pixels:
            return self
        fits = {b"GRAY": (1, 2), b"RGB ": (3, 4), b"CMYK": ()}.get(self.icc[16:20], (1, 2, 3, 4))
        icc = self.icc if pixels.shape[2] in fits else b""
        if icc != self.icc:
            said.append("the ICC profile was of other planes and is not kept")
        return replace(self, pixels=pixels, bilevel=bilevel, icc=icc, left_out=(*self.left_out, *said))


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
    exif = exif_blocks.with_orientation(picture.exif, 1)
    dpi = picture.dpi[::-1] if picture.dpi and turn >= 5 else picture.dpi
    return replace(picture, pixels=np.ascontiguousarray(pixels), exif=exif, dpi=dpi, turned=None)


def _said(array: np.ndarray) -> str:
    return f"{array.dtype} array of shape {tuple(array.shape)}"


def _check_array(array: np.ndarray) -> None:
    """Raise unless `array` is uint8 or uint16 [h, w, 1 to 4] with at least one pixel."""
    said = _said(array)
    if array.ndim != 3 or array.shape[2] not in _MODES:
        if array.ndim == 3 and array.shape[0] in _MODES:
            way_out = "array.transpose(1, 2, 0) makes [h, w, planes] of [planes, h, w]"
            raise UnsupportedMode(said, conversion=way_out)
        raise UnsupportedMode(said, conversion="make it an array of shape [height, width, 1 to 4]")
    if array.dtype not in (np.uint8, np.uint16):
        scaled = 'Picture.of(array, convert="8bit") scales its least and greatest value to 0..255 (precision is lost)'
        raise UnsupportedMode(said, conversion=scaled)
    if 0 in array.shape:
        raise UsageError("picture", value=f"{array.shape[1]}x{array.shape[0]} pixels", allowed="at least 1x1")


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

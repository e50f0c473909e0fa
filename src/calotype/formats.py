"""Files in other formats: bytes of JPEG, PNG, WebP, AVIF, TIFF, BMP, PPM, JPEG 2000, QOI to a Picture.

Pillow decodes; this file decides by the first bytes which of its plug-ins may see the file (no other is imported:
that is quicker, and keeps interpreters such as PostScript's away), checks sizes before anything is decoded,
and turns whatever a broken file makes Pillow raise into a typed error. Writing is exporting.py's business, our own
format codec.py's.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from calotype import conversion, pillow_modes, png16, ppm16, tiff16
from calotype.container.layout import MAGIC
from calotype.errors import (
    CalotypeError,
    FileError,
    FormatError,
    TruncatedError,
    UsageError,
)
from calotype.exporting import SUFFIXES, check_suffix, write
from calotype.limits import DEFAULT, Limits
from calotype.picture import Picture

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    Source: TypeAlias = str | Path | bytes | bytearray | memoryview | IO[bytes]

__all__ = ["NAMES", "SUFFIXES", "check_suffix", "load", "name_of", "read", "write"]

_AVIF_BRANDS = (b"avif", b"avis", b"mif1", b"miaf", b"msf1")
# Name, how a file of it begins, and Pillow's plug-in.
_PLUGINS: tuple[tuple[str, Callable[[bytes], bool], str], ...] = (
    ("PNG", lambda head: head[:8] == b"\x89PNG\r\n\x1a\n", "PngImagePlugin"),
    ("JPEG", lambda head: head[:3] == b"\xff\xd8\xff", "JpegImagePlugin"),
    ("WEBP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", "WebPImagePlugin"),
    ("AVIF", lambda head: head[4:8] == b"ftyp" and head[8:12] in _AVIF_BRANDS, "AvifImagePlugin"),
    ("TIFF", lambda head: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "TiffImagePlugin"),
    ("BMP", lambda head: head[:2] == b"BM", "BmpImagePlugin"),
    (
        "PPM",
        lambda head: head[:1] == b"P" and head[1:2] in b"123456fFy0" and head[2:3] in b" \t\r\n#4",
        "PpmImagePlugin",
    ),
    ("GIF", lambda head: head[:6] in (b"GIF87a", b"GIF89a"), "GifImagePlugin"),
    ("JPEG2000", lambda head: head[:4] == b"\xff\x4f\xff\x51" or head[4:12] == b"jP  \r\n\x87\n", "Jpeg2KImagePlugin"),
    ("QOI", lambda head: head[:4] == b"qoif", "QoiImagePlugin"),
)
NAMES = tuple(name for name, _, _ in _PLUGINS)


def read(source: Source, *, limits: Limits = DEFAULT, convert: str | Iterable[str] | None = None) -> Picture:
    """The picture that a file holds.

    source    a path, the file's bytes, or a binary stream that is read to its end
    convert   names of conversions (calotype.conversion), several with commas between them: what may be changed
    errors    FileError (missing, a directory, not readable), FormatError and TruncatedError (not a picture, broken),
              UnsupportedMode (would have to be changed), LimitError (more pixels or metadata than `limits`)
    """
    data = load(source)
    wanted = conversion.parse(convert)
    name = name_of(data)
    try:
        image = _open(data, name, limits)
        if name == "PNG":
            png16.check(data)
        if "8bit" not in wanted:
            _refuse_deep_samples(data, name)
        pixels = None if getattr(image, "n_frames", 1) > 1 else _deep_samples(image, data, name)
        if name == "TIFF" and image.mode == "RGB":
            _keep_tiff_exif(image)
        picture = Picture.from_pillow(image, convert=wanted, pixels=pixels)
    except (CalotypeError, MemoryError):
        raise
    except Exception as error:  # Pillow raises eight kinds for broken files, OSError and SyntaxError among them
        raise _broken(name, error) from error
    limits.spend("max_metadata_bytes", len(picture.exif) + len(picture.icc) + len(picture.xmp), "bytes of metadata")
    return picture


def load(source: Source) -> bytes:
    """All bytes of a path, a buffer or a binary stream; FileError where the file system refuses."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, (str, Path)):
        path = Path(source)
        if path.is_dir():
            raise FileError(path, "is a directory; name a file in it")
        try:
            return path.read_bytes()
        except OSError as error:
            raise FileError(path, f"can't be read: {error.strerror or error}") from error
    if hasattr(source, "read"):
        return source.read()
    raise UsageError("source", value=type(source).__name__, allowed="a path, bytes or a binary stream")


def name_of(data: bytes) -> str:
    """Pillow's name of the format that the first bytes show; FormatError if they show none."""
    if not data:
        raise TruncatedError("picture", found="an empty file", expected="one of " + ", ".join(NAMES), offset=0)
    for name, begins, _ in _PLUGINS:
        if begins(data[:16]):
            return name
    if data.startswith(MAGIC):
        raise FormatError(
            "picture", found="a .calo file", expected="one of " + ", ".join(NAMES), hint="decode it first"
        )
    raise FormatError(
        "picture", found=repr(bytes(data[:12])), expected="the beginning of " + ", ".join(NAMES), offset=0
    )


def _open(data: bytes, name: str, limits: Limits) -> Image.Image:
    """Pillow's lazy image; only the header is read, and its size is within the limits."""
    from PIL import Image

    plugin = next(module for known, _, module in _PLUGINS if known == name)
    import_module(f"PIL.{plugin}")
    # Not Image.open: its bomb check is a process-wide number, warns before it refuses, and would add our limits to its own.
    factory, _ = Image.OPEN[name]
    image = factory(io.BytesIO(data), "")
    width_px, height_px = image.size
    limits.spend("max_pixels", width_px * height_px, "pixels")
    if width_px < 1 or height_px < 1:
        raise FormatError("picture", found=f"{width_px}x{height_px} pixels", expected="at least 1x1")
    return image


def _broken(name: str, error: Exception) -> FormatError:
    """A typed error that says what Pillow made of a file that begins well and goes on badly."""
    said = str(error) or type(error).__name__
    early = isinstance(error, EOFError) or any(
        word in said.lower() for word in ("truncated", "premature", "eof", "not enough")
    )
    kind = TruncatedError if early else FormatError
    return kind(f"{name} picture", found=said, expected="a whole file", hint="get it again from where it came from")


def _deep_samples(image: Image.Image, data: bytes, name: str) -> np.ndarray | None:
    """Samples of 16 bits that Pillow would cut to 8, read without it; None for files that it reads whole."""
    if name == "PNG" and png16.is_deep(data):
        image.load()  # for metadata behind the picture data
        pixels, transparent = png16.read(data)
        return pixels if transparent is None else pillow_modes.with_transparent_colour(pixels, transparent)
    if name == "TIFF" and tiff16.is_deep(tags := image.tag_v2):  # type: ignore[attr-defined]
        return tiff16.read(data, tags)
    return ppm16.read(data) if name == "PPM" and ppm16.is_deep(data) else None


def _refuse_deep_samples(data: bytes, name: str) -> None:
    """UnsupportedMode for formats where Pillow hides from us that it cuts samples to 8 bits: AVIF and JPEG 2000."""
    bits = 8
    if name == "AVIF":
        at = data.find(b"av1C")
        if at >= 0 and len(data) > at + 6 and data[at + 6] & 0x40:
            bits = 12 if data[at + 6] & 0x20 else 10
    elif name == "JPEG2000":
        at = data.find(b"\xff\x4f\xff\x51")
        if at >= 0 and len(data) > at + 42:
            (planes,) = struct.unpack_from(">H", data, at + 40)
            bits = max(((byte & 0x7F) + 1 for byte in data[at + 42 : at + 42 + 3 * planes : 3]), default=8)
    if bits > 8:
        raise conversion.refusal(f"{name} with {bits} bits a sample", "8bit", "precision is lost")


def _keep_tiff_exif(image: Image.Image) -> None:
    """Put the descriptive tags of a TIFF into `info` as EXIF; Pillow turns its pixels upright, so no orientation."""
    from PIL import Image

    structure = {
        *range(0x00FE, 0x010D),
        *range(0x0111, 0x011D),
        0x0128,
        0x013D,
        *range(0x0140, 0x0154),
        0x0211,
        0x0212,
        0x0213,
    }
    structure |= {0x0214, 0x015B, 0x02BC, 0x8649, 0x8773}  # tables, XMP, Photoshop, ICC: kept apart or not at all
    source = image.getexif()
    kept = Image.Exif()
    for tag, value in source.items():
        if tag not in structure and tag < 0xC000:
            kept[tag] = value
    image.load()
    if len(kept):
        image.info["exif"] = kept.tobytes()

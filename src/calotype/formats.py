"""Files in other formats: bytes of JPEG, PNG, WebP, AVIF, TIFF, BMP, PPM, JPEG 2000, QOI to a Picture, and back.

Pillow decodes; this file decides by the first bytes which of its plug-ins may see the file (no other is imported:
that is quicker, and keeps interpreters such as PostScript's away), checks sizes before anything is decoded,
and turns whatever a broken file makes Pillow raise into a typed error. Our own format is codec.py's business.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from calotype import conversion, pillow_modes, png16
from calotype.container.layout import MAGIC
from calotype.errors import (
    FileError,
    FormatError,
    LimitError,
    TruncatedError,
    UnsupportedError,
    UsageError,
)
from calotype.limits import DEFAULT, Limits
from calotype.picture import EXIF_PREFIX, Picture, upright

if TYPE_CHECKING:
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

# What a picture can be written as: suffixes, Pillow's name, its options, which metadata and which modes it carries.
# PNG: level 2 takes a third of the time of the default 6 and is not larger on photographs (Kodak: 682 against 682 kB).
_WRITERS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    ".png": ("PNG", {"compress_level": 2}, "exif icc xmp dpi", "1 L LA RGB RGBA L16 LA16 RGB16 RGBA16"),
    ".jpg": (
        "JPEG",
        {"quality": 95, "subsampling": "4:4:4", "optimize": True},
        "exif icc xmp dpi comments",
        "L RGB",
    ),
    ".webp": ("WEBP", {"lossless": True, "exact": True}, "exif icc xmp", "RGB RGBA"),
    ".avif": ("AVIF", {"quality": 90, "subsampling": "4:4:4", "speed": 6}, "exif icc xmp", "RGB RGBA"),
    ".tif": ("TIFF", {"compression": "tiff_adobe_deflate"}, "icc dpi", "1 L LA RGB RGBA L16"),
    ".bmp": ("BMP", {}, "dpi", "1 L RGB"),
    ".ppm": ("PPM", {}, "", "1 L RGB L16"),
    ".qoi": ("QOI", {}, "", "RGB RGBA"),
}
_WRITERS |= {".jpeg": _WRITERS[".jpg"], ".tiff": _WRITERS[".tif"], ".pnm": _WRITERS[".ppm"]}
SUFFIXES = tuple(_WRITERS)
# A mode that a kind lacks, and the modes that hold the same samples exactly, in the order of trying.
_WIDER = {"1": ("L", "RGB"), "L": ("RGB",), "LA": ("RGBA",)}


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
        pixels = None
        if name == "PNG" and png16.is_deep(data) and not getattr(image, "is_animated", False):
            image.load()  # for metadata behind the picture data; the samples are cut
            pixels, transparent = png16.read(data)
            if transparent is not None:
                pixels = pillow_modes.with_transparent_colour(pixels, transparent)
        elif name == "TIFF" and image.mode == "RGB":
            _keep_tiff_exif(image)
        picture = Picture.from_pillow(image, convert=wanted, pixels=pixels)
    except (FormatError, UnsupportedError, LimitError, UsageError):
        raise
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises eight kinds for broken files, OSError and SyntaxError among them
        raise _broken(name, error) from error
    limits.spend("max_metadata_bytes", len(picture.exif) + len(picture.icc) + len(picture.xmp), "bytes of metadata")
    return picture


def write(picture: Picture, suffix: str) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of a picture file of the kind that `suffix` names, and what it could not carry, one sentence each.

    Metadata is kept wherever the kind has a place for it. A kind without EXIF gets the pixels turned upright,
    so that the orientation is applied exactly once. Grey and black and white are written with more planes or bits where
    the kind needs them, with the same samples; nothing is written with fewer.

    errors    UsageError for an unknown suffix, UnsupportedError if the picture is too large for the kind, or has alpha
              or 16 bits and the kind has not
    """
    check_suffix(suffix)
    name, options, carried, modes = _WRITERS[suffix.lower()]
    options = dict(options)
    if "exif" not in carried:
        picture = upright(picture)
    picture = _fitted(picture, name, modes.split())
    given = {"exif": picture.whole_exif(), "icc": picture.icc, "xmp": picture.xmp, "comments": picture.comments}
    lost = [
        f"not kept, because {name} has no place for it: {kind}" for kind in given if given[kind] and kind not in carried
    ]
    if picture.depth_bits == 16 and name == "PNG":
        return png16.write(picture.pixels, _png_chunks(picture)), tuple(lost)
    image = picture.to_pillow()
    image.info.clear()
    if given["exif"] and "exif" in carried:
        options["exif"] = EXIF_PREFIX + picture.whole_exif()
    if picture.icc and "icc" in carried:
        options["icc_profile"] = picture.icc
    if picture.xmp and "xmp" in carried:
        options |= _xmp_option(name, picture.xmp)
    if picture.comments and "comments" in carried:
        options["comment"] = "\n".join(picture.comments).encode()
    if picture.dpi and "dpi" in carried:
        options["dpi"] = picture.dpi
    target = io.BytesIO()
    try:
        image.save(target, name, **options)
    except Exception as error:
        size = f"{picture.width_px}x{picture.height_px}"
        raise UnsupportedError(
            "a picture of", found=size, supported=f"what {name} can hold", hint=f"{error}"
        ) from error
    return target.getvalue(), tuple(lost)


def _fitted(picture: Picture, name: str, modes: list[str]) -> Picture:
    """The same samples in a mode that this kind of file has; UnsupportedError where only less would fit."""
    mode = picture.mode + ("16" if picture.depth_bits == 16 else "")
    if mode in modes:
        return picture
    for wider in _WIDER.get(mode, ()):
        if wider in modes:
            target = {"L": "grey", "RGB": "rgb", "RGBA": "rgba"}[wider]
            return Picture.of(picture, convert=target)
    ways = ["a suffix whose kind has it: " + ", ".join(s for s in SUFFIXES if mode in _WRITERS[s][3].split())]
    if picture.depth_bits == 16:
        ways.append("--convert 8bit (8 of 16 bits are lost)")
    if picture.has_alpha and not any(kept in modes for kept in ("RGBA", "LA")):
        ways.append(f"--convert {'grey' if picture.mode == 'LA' else 'rgb'} (alpha is lost)")
    raise UnsupportedError(
        f"{picture.mode} with {picture.depth_bits} bits a sample in",
        found=name,
        supported=", ".join(modes),
        hint="use " + ", or ".join(ways),
    )


def _png_chunks(picture: Picture) -> list[tuple[bytes, bytes]]:
    """Metadata of a picture as chunks of a PNG that Pillow does not write."""
    found, exif_block = [], picture.whole_exif()
    if picture.icc:
        found.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc)))
    if picture.dpi:
        x, y = (round(side / 0.0254) for side in picture.dpi)
        found.append((b"pHYs", struct.pack(">IIB", x, y, 1)))
    if exif_block:
        found.append((b"eXIf", exif_block))
    if picture.xmp:
        found.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + picture.xmp))
    return found


def check_suffix(suffix: str) -> None:
    """Raise UsageError unless `write` knows the kind of file that `suffix` names."""
    if suffix.lower() not in _WRITERS:
        raise UsageError("output type", value=suffix or "(no suffix)", allowed=", ".join(SUFFIXES))


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


def _xmp_option(name: str, xmp: bytes) -> dict[str, Any]:
    """How Pillow is told the XMP packet: PNG has no option for it, but a text chunk."""
    if name != "PNG":
        return {"xmp": xmp}
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "surrogateescape"))
    return {"pnginfo": chunks}

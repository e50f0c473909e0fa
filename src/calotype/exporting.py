"""A Picture to files in other formats: PNG, JPEG, WebP, AVIF, TIFF, BMP, PPM, QOI. Reading is formats.py's business."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from calotype import png16, ppm16, tiff16
from calotype.errors import UnsupportedError, UsageError
from calotype.picture import EXIF_PREFIX, Picture, upright

__all__ = ["SUFFIXES", "check_suffix", "write"]

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
    ".tif": ("TIFF", {"compression": "tiff_adobe_deflate"}, "icc dpi", "1 L LA RGB RGBA L16 RGB16 RGBA16"),
    ".bmp": ("BMP", {}, "dpi", "1 L RGB"),
    ".ppm": ("PPM", {}, "", "1 L RGB L16 RGB16"),
    ".pgm": ("PPM", {}, "", "L L16"),
    ".qoi": ("QOI", {}, "", "RGB RGBA"),
}
_WRITERS |= {".jpeg": _WRITERS[".jpg"], ".tiff": _WRITERS[".tif"], ".pnm": _WRITERS[".ppm"]}
SUFFIXES = tuple(_WRITERS)
# A mode that a kind lacks, and the modes that hold the same samples exactly, in the order of trying.
_WIDER = {"1": ("L", "RGB"), "L": ("RGB",), "LA": ("RGBA",)}


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
    if picture.depth_bits == 16:
        return _deep(picture, name), tuple(lost)
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
        raise _too_large(picture, name, error) from error
    return target.getvalue(), tuple(lost)


def _deep(picture: Picture, name: str) -> bytes:
    """A file of samples of 16 bits, which Pillow writes in grey at most."""
    if name == "PNG":
        return png16.write(picture.pixels, _png_chunks(picture))
    if name == "PPM" and picture.planes == 3:
        return ppm16.write(picture.pixels)
    if name == "PPM":
        target = io.BytesIO()
        picture.to_pillow().save(target, name)
        return target.getvalue()
    try:
        return tiff16.write(picture.pixels, icc=picture.icc, dpi=picture.dpi)
    except OverflowError as error:
        raise _too_large(picture, name, error) from error


def _too_large(picture: Picture, name: str, error: Exception) -> UnsupportedError:
    size = f"{picture.width_px}x{picture.height_px}"
    return UnsupportedError("a picture of", found=size, supported=f"what {name} can hold", hint=f"{error}")


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
    if picture.planes == 3 and "RGB" not in modes:
        ways.append("--convert grey (colours are lost)")
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


def _xmp_option(name: str, xmp: bytes) -> dict[str, Any]:
    """How Pillow is told the XMP packet: PNG has no option for it, but a text chunk."""
    if name != "PNG":
        return {"xmp": xmp}
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "surrogateescape"))
    return {"pnginfo": chunks}

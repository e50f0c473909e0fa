"""How small a file is: bits per pixel, compression ratio and space saving; nothing here looks at samples."""

from __future__ import annotations

from calotype.errors import UsageError

__all__ = ["bpp", "compression_ratio", "space_saving"]


def bpp(file_bytes: int, width_px: int, height_px: int) -> float:
    """Bits per pixel of a file of `file_bytes` bytes, everything in it counted.

    Pixels are those of the original and all channels together: 24 bpp is an uncompressed 8-bit RGB picture.
    """
    if width_px < 1 or height_px < 1 or file_bytes < 0:
        raise UsageError("size", value=f"{file_bytes} bytes, {width_px}x{height_px}", allowed="a picture and its file")
    return 8 * file_bytes / (width_px * height_px)


def compression_ratio(file_bytes: int, width_px: int, height_px: int, planes: int = 3) -> float:
    """How many times smaller the file is than its 8-bit samples without any header: 80 stands for 80 to 1."""
    if file_bytes < 1:
        raise UsageError("file_bytes", value=file_bytes, allowed="1 and above")
    return 8 * planes / bpp(file_bytes, width_px, height_px)


def space_saving(file_bytes: int, width_px: int, height_px: int, planes: int = 3) -> float:
    """The part of the 8-bit samples' bytes that is saved, 1 - 1 / ratio: 0.9875 for a ratio of 80, negative if larger."""
    return 1 - bpp(file_bytes, width_px, height_px) / (8 * planes)

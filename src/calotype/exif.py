"""Two things inside an EXIF block that matter to a codec: the orientation, and where the picture was taken.

Read without Pillow and changed in place, byte by byte: broken EXIF must not stop pixels, and all else stays as it is.
"""

from __future__ import annotations

import re
import struct

__all__ = ["minimal", "orientation_of", "with_orientation", "without_gps", "without_gps_in_xmp"]

_ORIENTATION = 0x0112
_GPS = 0x8825
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # bytes of a value of each type


def orientation_of(exif: bytes) -> int:
    """The orientation 1..8 that a TIFF block states; 1 where there is none or it makes no sense."""
    place = _entry(exif, _ORIENTATION)
    if place is None:
        return 1
    at, order = place
    kind, count, value = struct.unpack_from(order + "HIH", exif, at + 2)
    return value if kind == 3 and count == 1 and 1 <= value <= 8 else 1


def with_orientation(exif: bytes, orientation: int) -> bytes:
    """The same block with another orientation; unchanged where it has no place for one."""
    place = _entry(exif, _ORIENTATION)
    if place is None or struct.unpack_from(place[1] + "HI", exif, place[0] + 2) != (3, 1):
        return exif
    at, order = place
    return exif[: at + 8] + struct.pack(order + "H", orientation) + exif[at + 10 :]


def minimal(orientation: int) -> bytes:
    """A TIFF block that says an orientation and nothing else."""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)


def without_gps(exif: bytes) -> bytes:
    """The same block without the place: its directory is overwritten with zeros and no longer named.

    Empty where the block can't be read, so that a place is never kept by accident.
    """
    if not exif:
        return exif
    if _directory(exif) is None:
        return b""
    place = _entry(exif, _GPS)
    if place is None:
        return exif
    at, order = place
    kind, count, offset = struct.unpack_from(order + "HII", exif, at + 2)
    if kind not in (4, 13) or count != 1 or offset + 2 > len(exif):
        return b""
    cleared = bytearray(exif)
    (entries,) = struct.unpack_from(order + "H", exif, offset)
    for entry in range(offset + 2, offset + 2 + 12 * entries, 12):
        if entry + 12 > len(exif):
            return b""
        _, kind, count, value = struct.unpack_from(order + "HHII", exif, entry)
        length = _SIZES.get(kind, 1) * count
        if length > 4 and value + length <= len(exif):
            cleared[value : value + length] = bytes(length)
    cleared[offset : offset + 2 + 12 * entries] = bytes(2 + 12 * entries)
    # The entry goes: those behind it and the pointer to the next directory move up.
    first, entries, _ = _directory(exif) or (0, 0, "")
    end = first + 2 + 12 * entries + 4
    if end > len(cleared):
        return b""
    cleared[at : end - 12] = cleared[at + 12 : end]
    cleared[end - 12 : end] = bytes(12)
    struct.pack_into(order + "H", cleared, first, entries - 1)
    return bytes(cleared)


def without_gps_in_xmp(xmp: bytes) -> bytes:
    """The same packet without properties named exif:GPS...; empty where "GPS" stands in it otherwise."""
    kept = re.sub(rb"""\s+[\w-]+:GPS\w*\s*=\s*("[^"]*"|'[^']*')""", b"", xmp)
    kept = re.sub(rb"<([\w-]+:GPS\w*)\b[^>]*?(/>|>.*?</\1\s*>)", b"", kept, flags=re.DOTALL)
    return b"" if b"GPS" in kept else kept


def _directory(exif: bytes) -> tuple[int, int, str] | None:
    """Position of the first directory, how many entries it has, and the byte order."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 10:
        return None
    (first,) = struct.unpack_from(order + "I", exif, 4)
    if first + 2 > len(exif):
        return None
    (entries,) = struct.unpack_from(order + "H", exif, first)
    return first, entries, order


def _entry(exif: bytes, wanted: int) -> tuple[int, str] | None:
    """Position of an entry of the first directory, and the byte order."""
    found = _directory(exif)
    if found is None:
        return None
    first, entries, order = found
    for at in range(first + 2, min(first + 2 + 12 * entries, len(exif) - 11), 12):
        if struct.unpack_from(order + "H", exif, at)[0] == wanted:
            return at, order
    return None

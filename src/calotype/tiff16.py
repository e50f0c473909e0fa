"""What Pillow does not do for TIFF files: samples of 16 bits in RGB and alpha, which it cuts to 8. Both ways.

Pillow reads the tags and the metadata; here are the samples alone, in strips or tiles, interleaved or plane by plane,
plain or compressed by deflate; by what else with imagecodecs, if that is installed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from calotype.errors import CorruptError, ExtraMissing, TruncatedError

__all__ = ["is_deep", "read", "write"]

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS, _STRIP_BYTES = 273, 274, 277, 278, 279
_X, _Y, _PLANAR, _UNIT, _PREDICTOR = 282, 283, 284, 296, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES, _EXTRA, _FORMAT, _ICC = 322, 323, 324, 325, 338, 339, 34675
_PLAIN, _DEFLATE, _OLD_DEFLATE = 1, 8, 32946
_OTHERS = {5: ("LZW", "lzw"), 32773: ("PackBits", "packbits"), 50000: ("Zstandard", "zstd"), 34925: ("LZMA", "lzma")}
_UNASSOCIATED = 2  # alpha that colours were not multiplied with
_STRIP_PX = 2**18
_LARGEST = 2**32 - 1  # bytes of a file with offsets of 32 bits


def is_deep(tags: Mapping[int, Any]) -> bool:
    """Whether these tags describe 16-bit RGB, RGB with alpha or grey with alpha in a coding that `read` knows."""
    planes = int(tags.get(_SAMPLES, 1))
    bits, kinds = _many(tags.get(_BITS, 1)), set(_many(tags.get(_FORMAT, 1)))
    colours = {1: 1, 2: 3}.get(tags.get(_PHOTOMETRIC, -1), 0)
    extra = _many(tags.get(_EXTRA, ()))
    fits = (colours == 3 and planes == 3 and not extra) or (colours > 0 and extra == (_UNASSOCIATED,))
    known = tags.get(_COMPRESSION, 1) in (_PLAIN, _DEFLATE, _OLD_DEFLATE, *_OTHERS)
    whole = planes == colours + len(extra) and set(bits) == {16} and kinds == {1}
    return fits and whole and known and tags.get(_PREDICTOR, 1) in (1, 2)


def read(data: bytes, tags: Mapping[int, Any]) -> np.ndarray:
    """Samples of a TIFF that `is_deep`, turned upright as Pillow turns them: uint16 [h, w, planes].

    tags    of its first page, as Pillow has them in `tag_v2`; width and height are within the caller's limits
    errors  TruncatedError, CorruptError; ExtraMissing for compressions that need imagecodecs
    """
    order = "<u2" if data[:2] == b"II" else ">u2"
    width, height, planes = int(tags[_WIDTH]), int(tags[_HEIGHT]), int(tags.get(_SAMPLES, 1))
    tiled = _TILE_OFFSETS in tags
    across = int(tags[_TILE_WIDTH]) if tiled else width
    down = int(tags[_TILE_HEIGHT]) if tiled else min(height, int(tags.get(_ROWS, height)))
    if across < 1 or down < 1 or across > 2 * width + 4096 or down > 2 * height + 4096:
        raise CorruptError("TIFF tile", found=f"{across}x{down} pixels", expected=f"about {width}x{height} at most")
    starts = _many(tags.get(_TILE_OFFSETS if tiled else _STRIP_OFFSETS, ()))
    lengths = _many(tags.get(_TILE_BYTES if tiled else _STRIP_BYTES, ()))
    together = planes if tags.get(_PLANAR, 1) == 1 else 1  # planes that stand interleaved
    places = [
        (plane, top, left)
        for plane in range(0, planes, together)
        for top in range(0, height, down)
        for left in range(0, width, across)
    ]
    if len(starts) != len(lengths) or len(starts) < len(places):
        raise CorruptError("TIFF strips", found=len(starts), expected=len(places))
    unpack = _unpacker(int(tags.get(_COMPRESSION, 1)))
    samples = np.empty((height, width, planes), np.uint16)
    for (plane, top, left), start, length in zip(places, starts, lengths, strict=False):
        rows = down if tiled else min(down, height - top)
        wanted = 2 * rows * across * together
        raw = unpack(data[start : start + length], wanted)
        if len(raw) < wanted:
            raise TruncatedError("TIFF picture data", found=f"{len(raw)} bytes", expected=f"{wanted}", offset=start)
        piece = np.frombuffer(raw, order, rows * across * together).reshape(rows, across, together).astype(np.uint16)
        if tags.get(_PREDICTOR, 1) == 2:
            piece = np.add.accumulate(piece, axis=1, dtype=np.uint16)
        onto = samples[top : top + rows, left : left + across, plane : plane + together]
        onto[:] = piece[: onto.shape[0], : onto.shape[1]]
    return _upright(samples, int(tags.get(_ORIENTATION, 1)))


def write(samples: np.ndarray, *, icc: bytes = b"", dpi: tuple[float, float] | None = None, level: int = 6) -> bytes:
    """The bytes of a 16-bit TIFF: strips compressed by deflate after horizontal differences, little-endian.

    samples  uint16 [h, w, planes]: grey, grey and alpha, RGB, RGB and alpha
    raises   OverflowError if it does not fit into offsets of 32 bits
    """
    height, width, planes = samples.shape
    rows = max(1, _STRIP_PX // width)
    strips = []
    for top in range(0, height, rows):
        piece = samples[top : top + rows]
        steps = np.concatenate([piece[:, :1], piece[:, 1:] - piece[:, :-1]], axis=1)
        strips.append(zlib.compress(np.ascontiguousarray(steps, "<u2").tobytes(), level))
    alpha = planes in (2, 4)
    entries: list[tuple[int, str, Sequence[int] | bytes]] = [
        (_WIDTH, "L", (width,)),
        (_HEIGHT, "L", (height,)),
        (_BITS, "H", (16,) * planes),
        (_COMPRESSION, "H", (_DEFLATE,)),
        (_PHOTOMETRIC, "H", (2 if planes > 2 else 1,)),
        (_STRIP_OFFSETS, "L", (0,) * len(strips)),
        (_SAMPLES, "H", (planes,)),
        (_ROWS, "L", (rows,)),
        (_STRIP_BYTES, "L", tuple(map(len, strips))),
        (_PLANAR, "H", (1,)),
        (_PREDICTOR, "H", (2,)),
        (_FORMAT, "H", (1,) * planes),
    ]
    if dpi:
        entries += [(tag, "R", (round(side * 1000), 1000)) for tag, side in ((_X, dpi[0]), (_Y, dpi[1]))]
        entries.append((_UNIT, "H", (2,)))
    if alpha:
        entries.append((_EXTRA, "H", (_UNASSOCIATED,)))
    if icc:
        entries.append((_ICC, "B", icc))
    entries.sort(key=lambda entry: entry[0])
    first = 8 + 2 + 12 * len(entries) + 4
    at = first + sum(len(payload) + len(payload) % 2 for _, _, payload in map(_packed, entries) if len(payload) > 4)
    offsets = tuple(at + sum(map(len, strips[:k])) for k in range(len(strips)))
    if at + sum(map(len, strips)) > _LARGEST:
        raise OverflowError("a TIFF file has at most 4 GiB")
    entries = [(tag, kind, offsets if tag == _STRIP_OFFSETS else values) for tag, kind, values in entries]
    directory, behind = [struct.pack("<H", len(entries))], b""
    for entry in entries:
        kind, count, payload = _packed(entry)
        place = payload.ljust(4, b"\0") if len(payload) <= 4 else struct.pack("<L", first + len(behind))
        behind += (payload + b"\0" * (len(payload) % 2)) * (len(payload) > 4)
        directory.append(struct.pack("<HHL", entry[0], kind, count) + place)
    return b"".join([b"II*\0\x08\0\0\0", *directory, bytes(4), behind, *strips])


def _packed(entry: tuple[int, str, Sequence[int] | bytes]) -> tuple[int, int, bytes]:
    """(type, count, payload) of an entry of the directory: shorts, longs, a rational or bytes."""
    _, kind, values = entry
    if isinstance(values, bytes):
        return 7, len(values), values
    if kind == "R":
        return 5, 1, struct.pack("<2L", *values)
    return {"H": 3, "L": 4}[kind], len(values), struct.pack(f"<{len(values)}{kind}", *values)


def _unpacker(compression: int) -> Callable[[bytes, int], bytes]:
    """A function from a strip's bytes and how many they become to these."""
    if compression == _PLAIN:
        return lambda packed, wanted: packed
    if compression in _OTHERS:
        said, name = _OTHERS[compression]
        try:
            decode = getattr(import_module("imagecodecs"), f"{name}_decode")
        except ImportError:
            raise ExtraMissing(
                f"TIFF with 16 bits a sample, compressed by {said},", package="imagecodecs", extra="bench"
            ) from None
        return lambda packed, wanted: bytes(decode(packed))[:wanted]

    def inflate(packed: bytes, wanted: int) -> bytes:
        try:
            return zlib.decompressobj().decompress(packed, wanted)
        except zlib.error as error:
            raise CorruptError("TIFF picture data", found=str(error), expected="a zlib stream") from error

    return inflate


def _upright(samples: np.ndarray, turn: int) -> np.ndarray:
    """Samples as they are seen, by the tag Orientation."""
    samples = samples.transpose(1, 0, 2) if 5 <= turn <= 8 else samples
    samples = samples[:, ::-1] if turn in (2, 3, 6, 7) else samples
    return np.ascontiguousarray(samples[::-1] if turn in (3, 4, 7, 8) else samples)


def _many(value: Any) -> tuple[int, ...]:
    """Values of a tag, which Pillow gives alone where there is one."""
    return tuple(map(int, value)) if isinstance(value, (tuple, list)) else (int(value),)

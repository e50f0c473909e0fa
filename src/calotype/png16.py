"""What Pillow does not do for PNG files: samples of 16 bits in RGB and alpha, which it cuts to 8, and checksums of data.

With zlib and NumPy. Only samples and the chunks given: Pillow reads the metadata of such a file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from calotype.errors import CorruptError, TruncatedError

__all__ = ["check", "is_deep", "read", "write"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PLANES = {0: 1, 2: 3, 4: 2, 6: 4}  # colour type -> planes
# Of the seven passes of an interlaced file: first column, first row, step across, step down.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def check(data: bytes) -> None:
    """Raise CorruptError if a critical chunk of a PNG is not what its CRC says; where a file ends early is not asked."""
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        kind = data[at + 4 : at + 8]
        if end + 4 > len(data):
            return
        if not kind[0] & 0x20 and zlib.crc32(memoryview(data)[at + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise CorruptError(f"PNG chunk {kind.decode('latin-1')}", offset=at, expected="what its CRC says")
        if kind == b"IEND":
            return
        at = end + 4


def is_deep(data: bytes) -> bool:
    """Whether these bytes begin a PNG of 16 bits a sample."""
    return data[:8] == _SIGNATURE and len(data) > 28 and data[24] == 16 and data[25] in _PLANES


def read(data: bytes) -> tuple[np.ndarray, tuple[int, ...] | None]:
    """Samples of a PNG that `is_deep`, and the one colour that is transparent, if the file names one.

    returns   uint16 [h, w, planes]; planes 1 grey, 2 with alpha, 3 RGB, 4 with alpha
    errors    TruncatedError, CorruptError
    """
    width, height, _, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    planes = _PLANES[colour]
    packed, key = [], None
    for kind, payload in _chunks(data):
        if kind == b"IDAT":
            packed.append(payload)
        elif kind == b"tRNS" and planes in (1, 3) and len(payload) == 2 * planes:
            key = struct.unpack(f">{planes}H", payload)
    passes = [(0, 0, 1, 1)] if not interlaced else _ADAM7
    sizes = [(-(-(height - y) // dy), -(-(width - x) // dx)) for x, y, dx, dy in passes]
    pixel_bytes = 2 * planes
    wanted = sum(rows * (1 + columns * pixel_bytes) for rows, columns in sizes if rows > 0 and columns > 0)
    unpacker = zlib.decompressobj()
    try:
        raw = np.frombuffer(unpacker.decompress(b"".join(packed), wanted), np.uint8)
    except zlib.error as error:
        raise CorruptError("PNG picture data", found=str(error), expected="a zlib stream") from error
    if len(raw) < wanted:
        raise TruncatedError("PNG picture data", found=f"{len(raw)} bytes", expected=f"{wanted}")
    samples, at = np.empty((height, width, planes), np.uint16), 0
    for (x, y, dx, dy), (rows, columns) in zip(passes, sizes, strict=True):
        if rows <= 0 or columns <= 0:
            continue
        size = rows * (1 + columns * pixel_bytes)
        lines = raw[at : at + size].reshape(rows, 1 + columns * pixel_bytes)
        found = _unfiltered(lines[:, 0], lines[:, 1:].reshape(rows, columns, pixel_bytes))
        samples[y::dy, x::dx] = found.view(">u2").reshape(rows, columns, planes)
        at += size
    return samples, key


def write(samples: np.ndarray, chunks: Iterable[tuple[bytes, bytes]] = (), *, level: int = 4) -> bytes:
    """The bytes of a 16-bit PNG.

    samples   uint16 [h, w, planes], planes 1 to 4
    chunks    (type, payload) of what stands between header and picture data
    level     of zlib
    """
    height, width, planes = samples.shape
    colour = {planes: colour for colour, planes in _PLANES.items()}[planes]
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    pixels = np.ascontiguousarray(samples, ">u2").view(np.uint8).reshape(height, width, 2 * planes)
    rows = _filtered(pixels)
    data = zlib.compress(rows.tobytes(), level)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_framed(kind, payload) for kind, payload in parts)


def _framed(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        if kind == b"IEND":
            return
        if at + 12 + length > len(data):
            raise TruncatedError("PNG chunk", offset=len(data), expected=f"{length} bytes of {kind!r}")
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length
    raise TruncatedError("PNG", offset=len(data), expected="IEND")


def _unfiltered(filters: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Bytes [h, w, bytes of a pixel] of filtered lines, along antidiagonals.

    A pixel depends on those left, above and left above of it, so all pixels of an antidiagonal can be had at once: a
    picture takes height + width steps of NumPy where a loop would take height * width.
    """
    if filters.max(initial=0) > 4:
        raise CorruptError("PNG filter", found=int(filters.max()), expected="0 to 4")
    height, width, depth = lines.shape
    # One row above and one column to the left, zeros as the standard has them; a diagonal is a slice with a stride.
    whole = np.zeros((height + 1, width + 1, depth), np.int16)
    whole[1:, 1:] = lines
    flat, stride = whole.reshape(-1, depth), width + 1
    kinds = filters.astype(np.int16)[:, None]
    for diagonal in range(height + width - 1):
        first, last = max(0, diagonal - width + 1), min(diagonal, height - 1)
        start = (first + 1) * stride + diagonal - first + 1
        stop = (last + 1) * stride + diagonal - last + 2
        step = stride - 1 if stride > 1 else 1
        here, kind = slice(start, stop, step), kinds[first : last + 1]
        left, above = flat[start - 1 : stop - 1 : step], flat[start - stride : stop - stride : step]
        corner = flat[start - stride - 1 : stop - stride - 1 : step]
        nearest = _paeth(left, above, corner)
        foreseen = np.select([kind == 1, kind == 2, kind == 3, kind == 4], [left, above, left + above >> 1, nearest])
        flat[here] = flat[here] + foreseen & 0xFF
    return np.ascontiguousarray(whole[1:, 1:].astype(np.uint8))


def _paeth(left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Of the three neighbours the one nearest to left + above - corner; of equals in this order, left, above, corner."""
    wanted = left + above - corner
    a, b, c = abs(wanted - left), abs(wanted - above), abs(wanted - corner)
    return np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))


def _filtered(pixels: np.ndarray) -> np.ndarray:
    """Filtered lines, uint8 [h, 1 + w * bytes of a pixel]: for each line the filter with the smallest sum of sizes."""
    height, width, depth = pixels.shape
    lines = np.empty((height, 1 + width * depth), np.uint8)
    above = np.zeros((1, width, depth), np.int16)
    rows = max(1, 2**18 // (width * depth))  # at once, to bound memory
    for top in range(0, height, rows):
        here = pixels[top : top + rows].astype(np.int16)
        up = np.concatenate([above, here[:-1]])
        left, corner = np.zeros_like(here), np.zeros_like(here)
        left[:, 1:], corner[:, 1:] = here[:, :-1], up[:, :-1]
        nearest = _paeth(left, up, corner)
        tries = [(here - foreseen).astype(np.uint8) for foreseen in (0, left, up, left + up >> 1, nearest)]
        sums = np.stack([abs(one.view(np.int8).astype(np.int32)).sum((1, 2)) for one in tries])
        best = sums.argmin(0)
        lines[top : top + rows, 0] = best
        chosen = np.stack(tries)[best, np.arange(len(here))]
        lines[top : top + rows, 1:] = chosen.reshape(len(here), -1)
        above = here[-1:]
    return lines

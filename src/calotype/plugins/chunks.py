"""Arrays of pictures as bytes, for chunked stores: one picture is a plain .calo file, a stack of them a list of files.

    [h, w]  [h, w, 1..4]            one picture
    [..., h, w, 1..4]  [..., h, w]  a stack: the leading axes, flattened

The last axis is planes if it is 4 or less; chunks of fewer than five columns are therefore given as [h, w, 1].
Stores know the shape of their chunks, so it is not written; what comes back has the same samples in the same order.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

import calotype
from calotype.errors import CorruptError, TruncatedError, UsageError

__all__ = ["DTYPES", "check", "decode", "encode", "settings"]

DTYPES = ("uint8", "uint16")
_STACK = b"\xcaSTK\r\n\x1a\n"  # a .calo file begins with other bytes
_MOST_PLANES = 4
_COUNT = struct.Struct("<I")


def settings(quality: float | None, model: str, lossless: bool) -> dict[str, Any]:
    """The configuration of a codec, plain JSON; UsageError for what can't be."""
    if lossless and quality is not None:
        raise UsageError("quality", value=quality, allowed="one of quality and lossless")
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError("quality", value=quality, allowed="1 to 100")
    return {"lossless": True} if lossless else {"quality": 60.0 if quality is None else float(quality), "model": model}


def check(shape: tuple[int, ...], dtype: Any) -> None:
    """UsageError unless chunks of this shape and type are pictures."""
    if np.dtype(dtype).name not in DTYPES:
        raise UsageError("data type", value=np.dtype(dtype), allowed=" or ".join(DTYPES))
    if len(shape) < 2 or 0 in shape:
        raise UsageError("shape of a chunk", value=shape, allowed="[h, w], [h, w, planes] or a stack of these")


def encode(array: np.ndarray, **how: Any) -> bytes:
    """A chunk as bytes. `how` goes to calotype.encode."""
    check(array.shape, array.dtype)
    axes = 3 if array.shape[-1] <= _MOST_PLANES and array.ndim > 2 else 2
    if array.ndim == axes:
        return calotype.encode(array, **how)
    pictures = array.reshape(-1, *array.shape[-axes:])
    files = [calotype.encode(picture, **how) for picture in pictures]
    lengths = np.array([len(file) for file in files], "<u8").tobytes()
    return b"".join((_STACK, _COUNT.pack(len(files)), lengths, *files))


def decode(data: bytes, *, threads: int | None = None) -> np.ndarray:
    """The pictures of a chunk: [h, w] or [h, w, planes], or [n, ...] of them.

    errors   those of calotype.decode; TruncatedError, CorruptError for a stack that is not whole
    """
    if not data.startswith(_STACK):
        return calotype.decode(data, threads=threads)
    pictures: np.ndarray | None = None
    files = _files(data)
    for place, file in enumerate(files):
        picture = calotype.decode(file, threads=threads)
        if pictures is None:
            pictures = np.empty((len(files), *picture.shape), picture.dtype)
        if (picture.shape, picture.dtype) != (pictures.shape[1:], pictures.dtype):
            raise CorruptError("stack", found=f"{picture.dtype} {picture.shape}", expected=pictures.shape[1:])
        pictures[place] = picture
    assert pictures is not None  # _files returns one at least
    return pictures


def _files(data: bytes) -> list[bytes]:
    """The .calo files of a stack, cut where it says."""
    at = len(_STACK) + _COUNT.size
    if len(data) < at:
        raise TruncatedError("stack", offset=len(data), expected=f"{at} bytes")
    (count,) = _COUNT.unpack_from(data, len(_STACK))
    start = at + 8 * count
    if not count or start > len(data):
        raise CorruptError("stack", found=f"{count} pictures", expected=f"1 or more in {len(data)} bytes")
    ends = start + np.cumsum(np.frombuffer(data, "<u8", count, at).astype(object))
    if ends[-1] != len(data):
        raise TruncatedError("stack", found=f"{len(data)} bytes", expected=f"{ends[-1]} bytes")
    starts = [start, *ends[:-1]]
    return [data[first:last] for first, last in zip(starts, ends, strict=True)]

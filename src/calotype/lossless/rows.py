"""The coding ROWS: filtered rows of bytes through zlib, best for graphics and text; and for whatever is all alike."""

from __future__ import annotations

import zlib

import numpy as np

from calotype.errors import CorruptError, TruncatedError
from calotype.lossless.layout import Filter

__all__ = ["decode", "encode"]


def encode(samples: np.ndarray, depth: int) -> bytes:
    """The stream of int32 samples [c, h, w]."""
    rows = _bytes_of(samples, depth)
    above = np.zeros_like(rows)
    above[:, 1:] = rows[:, :-1]
    left = np.zeros_like(rows)
    step = _step(depth)
    left[:, :, step:] = rows[:, :, :-step]
    filtered = np.stack([rows, rows - left, rows - above])
    # As PNG's writers do: the filter with the smallest sum of magnitudes, taken as signed bytes.
    cost = np.abs(filtered.view(np.int8).astype(np.int32)).sum(-1)
    chosen = cost.argmin(0)
    streams = []
    for picked in (chosen, np.zeros_like(chosen)):
        body = np.take_along_axis(filtered, picked[None, :, :, None], 0)[0]
        whole = np.concatenate([picked[:, :, None].astype(np.uint8), body], axis=2)
        streams.append(zlib.compress(whole.tobytes(), 9))
    return min(streams, key=len)


def decode(data: bytes, shape: tuple[int, int, int], depth: int) -> np.ndarray:
    """int32 [c, h, w]; TruncatedError or CorruptError for anything that is no such stream."""
    c, h, w = shape
    step = _step(depth)
    wanted = c * h * (1 + w * step)
    inflate = zlib.decompressobj()
    try:
        whole = inflate.decompress(data, wanted + 1)
    except zlib.error as error:
        raise CorruptError("rows of a lossless tile", found=str(error), expected="a zlib stream") from error
    if len(whole) < wanted:
        raise TruncatedError("rows of a lossless tile", found=len(whole), expected=f"{wanted} bytes")
    if len(whole) > wanted or not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
        raise CorruptError("rows of a lossless tile", found="more bytes", expected=f"{wanted}")
    lines = np.frombuffer(whole, np.uint8).reshape(c, h, 1 + w * step)
    filters, body = lines[:, :, 0], lines[:, :, 1:].copy()
    if filters.max() > max(Filter):
        raise CorruptError("filter of a row", found=int(filters.max()), expected=f"0..{max(Filter)}")
    side = body.reshape(c, h, w, step)
    side[...] = np.where((filters == Filter.SUB)[:, :, None, None], np.cumsum(side, axis=2, dtype=np.uint8), side)
    for plane, named in zip(body, filters, strict=True):
        for row in np.flatnonzero(named == Filter.UP):
            if row:
                plane[row] += plane[row - 1]
    samples = side.astype(np.int32)
    found = samples[..., 0] | samples[..., 1] << 8 if step == 2 else samples[..., 0]
    if found.max() >> depth:
        raise CorruptError("sample of a lossless tile", found=int(found.max()), expected=f"below {1 << depth}")
    return found


def _step(depth: int) -> int:
    """Bytes of a sample."""
    return 1 if depth <= 8 else 2


def _bytes_of(samples: np.ndarray, depth: int) -> np.ndarray:
    """uint8 [c, h, bytes of a row]."""
    return (
        np.ascontiguousarray(samples.astype("<u1" if depth <= 8 else "<u2"))
        .view(np.uint8)
        .reshape(*samples.shape[:2], -1)
    )

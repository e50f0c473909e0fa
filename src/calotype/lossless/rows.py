"""The coding ROWS: filtered rows of bytes through zlib, as PNG has them; for graphics, text, and what is all alike."""

from __future__ import annotations

import zlib

import numpy as np

from calotype.errors import CorruptError, TruncatedError
from calotype.lossless.layout import Filter

__all__ = ["decode", "encode"]


def encode(samples: np.ndarray, depth: int) -> bytes:
    """The stream of int32 samples [c, h, w]."""
    rows = _bytes_of(samples, depth)
    left, above, corner = _neighbours(rows)
    filtered = np.stack([
        rows,
        rows - left,
        rows - above,
        rows - ((left.astype(np.int16) + above) >> 1).astype(np.uint8),
        rows - _paeth(left, above, corner),
    ]).reshape(len(Filter), len(rows), -1)  # fmt: skip
    # As PNG's writers do: the filter with the smallest sum of magnitudes, taken as signed bytes.
    best = np.abs(filtered.view(np.int8).astype(np.int32)).sum(-1).argmin(0)
    every = np.arange(len(rows))
    streams = []
    for chosen in (best, np.full_like(best, Filter.NONE), np.full_like(best, Filter.UP)):
        whole = np.concatenate([chosen[:, None].astype(np.uint8), filtered[chosen, every]], axis=1)
        streams.append(zlib.compress(whole.tobytes(), 9))
    return min(streams, key=len)


def decode(data: bytes, shape: tuple[int, int, int], depth: int) -> np.ndarray:
    """int32 [c, h, w]; TruncatedError or CorruptError for anything that is no such stream."""
    c, h, w = shape
    step = _step(depth)
    wanted = h * (1 + w * c * step)
    inflate = zlib.decompressobj()
    try:
        whole = inflate.decompress(data, wanted + 1)
    except zlib.error as error:
        raise CorruptError("rows of a lossless tile", found=str(error), expected="a zlib stream") from error
    if len(whole) < wanted:
        raise TruncatedError("rows of a lossless tile", found=len(whole), expected=f"{wanted} bytes")
    if len(whole) > wanted or not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
        raise CorruptError("rows of a lossless tile", found="more bytes", expected=f"{wanted}")
    lines = np.frombuffer(whole, np.uint8).reshape(h, -1)
    filters, rows = lines[:, 0], lines[:, 1:].reshape(h, w, c * step).copy()
    if filters.max() > max(Filter):
        raise CorruptError("filter of a row", found=int(filters.max()), expected=f"0..{max(Filter)}")
    if filters.max() <= Filter.UP:
        _plain(rows, filters)
    else:
        rows = _wavefront(rows, filters)
    whole = rows.reshape(h, w, c, step).transpose(2, 0, 1, 3).astype(np.int32)
    found = whole[..., 0] | whole[..., 1] << 8 if step == 2 else whole[..., 0]
    if found.max() >> depth:
        raise CorruptError("sample of a lossless tile", found=int(found.max()), expected=f"below {1 << depth}")
    return np.ascontiguousarray(found)


def _plain(rows: np.ndarray, filters: np.ndarray) -> None:
    """Undo the filters NONE, SUB and UP, in place."""
    (sub,) = (filters == Filter.SUB).nonzero()
    rows[sub] = np.cumsum(rows[sub], axis=1, dtype=np.uint8)
    for row in (filters == Filter.UP).nonzero()[0]:
        if row:
            rows[row] += rows[row - 1]


def _wavefront(rows: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """Undo any filters: diagonal after diagonal, since a byte needs only those to the left and above."""
    h, w, _ = rows.shape
    every = np.arange(h)
    # Row y is moved right by y: a diagonal becomes a column, and stands beside those it needs.
    column = every[:, None] + np.arange(w)
    skewed = np.zeros((w + h + 1, h + 1, rows.shape[2]), np.uint8)
    skewed[column + 2, every[:, None] + 1] = rows
    inside = np.zeros((w + h + 1, h), bool)
    inside[column + 2, every[:, None]] = True
    kinds = [(filters == kind)[:, None] for kind in Filter]
    for at in range(2, w + h + 1):
        left, above, corner = skewed[at - 1, 1:], skewed[at - 1, :-1], skewed[at - 2, :-1]
        guess = np.where(kinds[Filter.SUB], left, 0)
        guess = np.where(kinds[Filter.UP], above, guess)
        guess = np.where(kinds[Filter.AVERAGE], (left.astype(np.int16) + above) >> 1, guess)
        guess = np.where(kinds[Filter.PAETH], _paeth(left, above, corner), guess)
        skewed[at, 1:] += np.where(inside[at][:, None], guess, 0).astype(np.uint8)
    return skewed[column + 2, every[:, None] + 1]


def _paeth(left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """The neighbour nearest to left + above - corner; left before above before corner."""
    a, b, c = (x.astype(np.int16) for x in (left, above, corner))
    from_left, from_above, from_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    other = np.where(from_above <= from_corner, above, corner)
    return np.where((from_left <= from_above) & (from_left <= from_corner), left, other)


def _neighbours(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Left, above and above left, zeros outside."""
    wide = np.pad(rows, ((1, 0), (1, 0), (0, 0)))
    return wide[1:, :-1], wide[:-1, 1:], wide[:-1, :-1]


def _step(depth: int) -> int:
    """Bytes of a sample."""
    return 1 if depth <= 8 else 2


def _bytes_of(samples: np.ndarray, depth: int) -> np.ndarray:
    """uint8 [h, w, bytes of a pixel]: planes side by side, low bytes first."""
    pixels = np.ascontiguousarray(samples.transpose(1, 2, 0).astype("<u1" if depth <= 8 else "<u2"))
    return pixels.view(np.uint8).reshape(*pixels.shape[:2], -1)

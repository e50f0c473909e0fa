"""Samples to rotated colour planes and back, region by region; edges are replicated. Never the whole picture as float.

planes[j] = sum over k of (samples[k] - centre) / unit * rotation[k, j]; with orthonormal columns the transposed
rotation leads back. Written as separate multiplications and additions, not as a matrix product: BLAS picks another
kernel for another width, and a window would no longer agree with the whole to the last bit.
"""

from __future__ import annotations

import numpy as np

from calotype.errors import UsageError
from calotype.pyramid import LoadPixels
from calotype.scratch import scratch
from calotype.tiles import Region

__all__ = ["planes_of", "samples_of"]

_BLOCK = 16_384  # pixels converted at once, so that three planes stay in the cache of a core


def planes_of(picture: np.ndarray, rotation: np.ndarray, *, centre: float = 128, unit: float = 64) -> LoadPixels:
    """What analysis loads its planes with, for a picture of any size; beyond its edges they are replicated.

    picture    unsigned integers [H, W, k]; kept, not copied
    rotation   float [k, planes], columns are the axes of the planes (TRAINING 5: `CK`)
    """
    if picture.ndim != 3 or picture.shape[2] != rotation.shape[0]:
        raise UsageError("picture", value=picture.shape, allowed=f"[height, width, {rotation.shape[0]}]")
    factors = (rotation / unit).astype(np.float32)
    shifts = (-centre * factors.astype(np.float64).sum(0)).astype(np.float32)
    height, width, colours = picture.shape

    def load(region: Region, out: np.ndarray) -> None:
        top, left = min(region.top, height - 1), min(region.left, width - 1)
        rows, columns = max(1, min(region.bottom, height) - top), max(1, min(region.right, width) - left)
        step = max(1, _BLOCK // columns)
        for row in range(0, rows, step):
            count = min(step, rows - row)
            samples = scratch("samples", (colours + 1, count, columns))
            product = samples[colours]
            for k in range(colours):
                np.copyto(samples[k], picture[top + row : top + row + count, left : left + columns, k])
            for j, plane in enumerate(out[:, row : row + count, :columns]):
                np.multiply(samples[0], factors[0, j], out=plane)
                for k in range(1, colours):
                    np.multiply(samples[k], factors[k, j], out=product)
                    np.add(plane, product, out=plane)
                np.add(plane, shifts[j], out=plane)
        out[:, :rows, columns:] = out[:, :rows, columns - 1 : columns]
        out[:, rows:] = out[:, rows - 1 : rows]

    return load


def samples_of(
    planes: np.ndarray, rotation: np.ndarray, out: np.ndarray, *, centre: float = 128, unit: float = 64, top: int = 255
) -> np.ndarray:
    """Rotate planes back, round half up and clip to 0..`top`, into `out`, unsigned integers [h, w, k]; returns `out`.

    planes     float32 [planes, H, W] with H >= h and W >= w: what was padded is cropped
    rotation   as in `planes_of`
    """
    height, width, colours = out.shape
    factors = (rotation * unit).astype(np.float32)
    step = max(1, _BLOCK // width)
    for row in range(0, height, step):
        count = min(step, height - row)
        part = planes[:, row : row + count, :width]
        total, product = scratch("samples", (2, count, width))
        for k in range(colours):
            np.multiply(part[0], factors[k, 0], out=total)
            for j in range(1, len(part)):
                np.multiply(part[j], factors[k, j], out=product)
                np.add(total, product, out=total)
            np.add(total, np.float32(centre + 0.5), out=total)
            np.maximum(total, np.float32(0), out=total)
            np.minimum(total, np.float32(top + 0.5), out=total)
            np.copyto(out[row : row + count, :, k], total, casting="unsafe")  # the cast cuts: with + 0.5, half up
    return out

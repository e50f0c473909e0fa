"""Sample-wise distortion of 8-bit pictures, in integers and so equal on every machine; structure is in structure.py."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from calotype.errors import UsageError

__all__ = ["LUMA_THOUSANDTHS", "check_pair", "in_db", "max_error", "mse", "psnr", "psnr_y"]

# Luma of BT.601 as JPEG (JFIF) uses it: full range, Y = 0.299 R + 0.587 G + 0.114 B; here in thousandths of a level.
LUMA_THOUSANDTHS = (299, 587, 114)

_ROWS = 256  # how many rows are widened to integers at once: memory stays small for large pictures


def mse(a: np.ndarray, b: np.ndarray) -> float:
    """Mean squared error of two pictures of equal shape, uint8 [h, w, 3], in squared levels."""
    check_pair(a, b)
    return sum(int(np.sum(np.square(difference), dtype=np.int64)) for difference in _differences(a, b)) / a.size


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two pictures, uint8 [h, w, 3], in decibels; infinite if they are equal.

    The mean squared error is taken over all samples of R, G and B, the peak is 255.
    """
    return in_db(mse(a, b))


def psnr_y(a: np.ndarray, b: np.ndarray) -> float:
    """PSNR of the luma of two pictures, uint8 [h, w, 3], in decibels; infinite if the luma is equal.

    Luma is that of BT.601 in full range, as in JPEG files, and is not rounded: both pictures are converted from RGB
    in thousandths of a level. Encoders that print a luma PSNR take it in their own (often limited-range) YCbCr
    before the conversion to RGB, which differs by some hundredths of a decibel at usual rates and more near lossless.
    """
    check_pair(a, b)
    total = 0
    for difference in _differences(a, b):
        luma = difference.astype(np.int64) @ np.array(LUMA_THOUSANDTHS)
        total += int(np.sum(np.square(luma)))
    return in_db(total / 1e6 / (a.shape[0] * a.shape[1]))


def max_error(a: np.ndarray, b: np.ndarray) -> int:
    """The largest difference of any sample of two pictures, uint8 [h, w, 3], in levels: 0 means lossless."""
    check_pair(a, b)
    return max(int(np.abs(difference).max()) for difference in _differences(a, b))


def check_pair(a: np.ndarray, b: np.ndarray) -> None:
    """Raise UsageError unless both are uint8 [h, w, 3] of one shape."""
    for array in (a, b):
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
            raise UsageError("picture", value=f"{array.dtype} {array.shape}", allowed="uint8 [h, w, 3]")
    if a.shape != b.shape:
        raise UsageError("pictures", value=f"shapes {a.shape} and {b.shape}", allowed="two of one shape")


def _differences(a: np.ndarray, b: np.ndarray) -> Iterator[np.ndarray]:
    """`a - b` as int32, in bands of rows."""
    for top in range(0, a.shape[0], _ROWS):
        yield a[top : top + _ROWS].astype(np.int32) - b[top : top + _ROWS]


def in_db(error: float) -> float:
    """A mean squared error of 8-bit samples as PSNR."""
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)

"""Sample-wise distortion of 8-bit pictures: mean squared error and PSNR over R, G and B together."""

from __future__ import annotations

import math

import numpy as np

from calotype.errors import UsageError

__all__ = ["check_pair", "mse", "psnr"]

_ROWS = 256  # how many rows are widened to integers at once: memory stays small for large pictures


def mse(a: np.ndarray, b: np.ndarray) -> float:
    """Mean squared error of two pictures of equal shape, uint8 [h, w, 3], in squared levels.

    Computed in integers, so it is the same on every machine.
    """
    check_pair(a, b)
    total = 0
    for top in range(0, a.shape[0], _ROWS):
        difference = a[top : top + _ROWS].astype(np.int32) - b[top : top + _ROWS]
        total += int(np.sum(np.square(difference), dtype=np.int64))
    return total / a.size


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two pictures, uint8 [h, w, 3], in decibels; infinite if they are equal.

    The mean squared error is taken over all samples of R, G and B, the peak is 255.
    """
    error = mse(a, b)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def check_pair(a: np.ndarray, b: np.ndarray) -> None:
    """Raise UsageError unless both are uint8 [h, w, 3] of one shape."""
    for array in (a, b):
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
            raise UsageError("picture", value=f"{array.dtype} {array.shape}", allowed="uint8 [h, w, 3]")
    if a.shape != b.shape:
        raise UsageError("pictures", value=f"shapes {a.shape} and {b.shape}", allowed="two of one shape")

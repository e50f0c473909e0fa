"""Coefficients of a block as sums of Gaussian kernels: the sums, and the support vectors that regression finds for them.

Separate multiplications and additions in place of matrix products, so that a window agrees with the whole to the last bit.
Which bands are treated so, is wavelets.py's business.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["SIDE", "kernel", "norm", "regressed", "summed"]

SIDE = 8  # of a block of coefficients


@lru_cache(maxsize=16)
def kernel(width: float) -> np.ndarray:
    """float32 [SIDE, SIDE]: exp(-(x - y)^2 / (2 width^2)); the identity for width 0."""
    distance = np.arange(SIDE)[:, None] - np.arange(SIDE)
    if width <= 0:
        return np.eye(SIDE, dtype=np.float32)
    return np.exp(-np.square(distance) / (2 * width * width)).astype(np.float32)


def norm(widths: tuple[float, float]) -> float:
    """What an error of one weight makes in the coefficients: the root of its sum of squares, a mean over the block.

    widths   of the kernel down a column and along a row
    """
    sizes = [np.square(kernel(width).astype(np.float64)).sum() / SIDE for width in widths]
    return float(np.sqrt(sizes[0] * sizes[1]))


def summed(weights: np.ndarray, widths: tuple[float, float]) -> np.ndarray:
    """Coefficients float32 [c, h, w] of weights of the kernels that stand at their places; sides multiples of SIDE."""
    channels, height, width = weights.shape
    found = weights.reshape(channels, height // SIDE, SIDE, width // SIDE, SIDE).astype(np.float32)
    for axis, of in ((2, widths[0]), (4, widths[1])):
        if of <= 0:
            continue
        matrix, total = kernel(of), np.zeros_like(found)
        shape = [1, 1, 1, 1, 1]
        shape[axis] = SIDE
        for place in range(SIDE):
            source = found[:, :, place : place + 1] if axis == 2 else found[..., place : place + 1]
            total += matrix[:, place].reshape(shape) * source
        found = total
    return found.reshape(channels, height, width)


def regressed(
    values: np.ndarray, widths: tuple[float, float], *, tube: float, most: float = 32_767.0, rounds: int = 6
) -> np.ndarray:
    """Weights float32 [c, h, w], most of them zero, whose sums of kernels lie within `tube` of values nearly everywhere.

    Support vector regression of each block by itself, without offset: the minimum of a' K a / 2 - y' a + tube |a|, with
    |a| <= most, by coordinates in turn, of all blocks at once.

    source   Drucker, Burges, Kaufman, Smola, Vapnik 1996, "Support vector regression machines"
    """
    channels, height, width = values.shape
    both = np.einsum("ab,cd->acbd", kernel(widths[0]), kernel(widths[1])).reshape(SIDE**2, SIDE**2)
    cut = values.reshape(channels, height // SIDE, SIDE, width // SIDE, SIDE).transpose(2, 4, 0, 1, 3)
    left = np.array(cut.reshape(SIDE**2, -1), np.float32)  # values - K a
    weights = np.zeros_like(left)
    for _ in range(rounds):
        for place, row in enumerate(both):
            wanted = weights[place] + left[place]
            found = np.clip(np.sign(wanted) * np.maximum(np.abs(wanted) - tube, 0), -most, most).astype(np.float32)
            change = found - weights[place]
            weights[place] = found
            near = np.flatnonzero(row > 1e-4)
            left[near] -= row[near, None] * change
    back = weights.reshape(SIDE, SIDE, channels, height // SIDE, width // SIDE).transpose(2, 3, 0, 4, 1)
    return np.ascontiguousarray(back).reshape(channels, height, width)

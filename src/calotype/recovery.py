"""Planes from fewer measurements than pixels: projected Landweber steps with thresholds, matching pursuit, linear. NumPy.

Where measurements come from is sensing.py's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from calotype.blocks import cosines

__all__ = ["METHODS", "recovered"]

METHODS = ("spl", "wiener", "l1", "omp", "linear")
_FIRST, _LAST = 80.0, 4.0  # thresholds of coefficients, falling over the iterations
_SIDES = (8, 16)  # of the blocks whose coefficients are thresholded, in turn
_CORRELATION = 0.95  # of neighbouring pixels, for the linear estimate that iteration starts from


def recovered(
    measurements: np.ndarray, rows: np.ndarray, method: str, iterations: int, step: float = 0.0
) -> np.ndarray:
    """A plane, float32 [h * side, w * side].

    measurements   [count, h, w] of blocks         rows   orthonormal, [count, side * side]
    step           of the quantizer: thresholds do not fall below what its noise is

    "spl"      smoothed projected Landweber (Mun, Fowler 2009, doi:10.1109/ICIP.2009.5414429): in turn, small
               coefficients of cosine blocks at shifted places are set to zero, and blocks are brought back to what was
               measured. Shifts smooth here
    "wiener"   the same with the Wiener filter of 3x3 that the paper smooths with, before each threshold
    "l1"       small coefficients are drawn to zero (soft thresholds): iterations for least absolute sums
    "omp"      orthogonal matching pursuit, block by block in cosines (Tropp, Gilbert 2007, doi:10.1109/TIT.2007.909108)
    "linear"   the estimate of least squares for neighbours with a correlation of 0.95, no iteration
    """
    side = round(rows.shape[1] ** 0.5)
    wanted = np.ascontiguousarray(measurements.reshape(len(rows), -1).T)
    height, width = (cells * side for cells in measurements.shape[1:])
    if method == "omp":
        return _placed(_pursued(wanted, rows, side), height, width)
    plane = _placed(_estimated(wanted, rows, side), height, width)
    if method == "linear":
        return plane
    least = max(_LAST, 0.6 * step)
    for k in range(iterations):
        threshold = _FIRST * (least / _FIRST) ** (k / max(1, iterations - 1)) * (0.4 if method == "l1" else 1)
        smooth = _filtered(plane) if method == "wiener" else plane
        smooth = _projected(smooth, wanted, rows, side)
        plane = _projected(_thresholded(smooth, threshold, k, method == "l1"), wanted, rows, side)
    return plane


def _cut(plane: np.ndarray, side: int) -> np.ndarray:
    height, width = plane.shape
    return plane.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side * side)


def _placed(blocks: np.ndarray, height: int, width: int) -> np.ndarray:
    side = round(blocks.shape[1] ** 0.5)
    return blocks.reshape(height // side, width // side, side, side).swapaxes(1, 2).reshape(height, width)


def _projected(plane: np.ndarray, wanted: np.ndarray, rows: np.ndarray, side: int) -> np.ndarray:
    """The nearest plane that has the measurements: x + rows^T (wanted - rows x)."""
    blocks = _cut(plane, side)
    return _placed(blocks + (wanted - blocks @ rows.T) @ rows, *plane.shape)


@lru_cache(maxsize=8)
def _shared(side: int) -> np.ndarray:
    """Covariances of the pixels of a block, [n, n], from their distances; of variance 1."""
    at = np.arange(side)
    square = np.square(at[:, None] - at)
    return _CORRELATION ** np.sqrt(square[:, None, :, None] + square[None, :, None, :]).reshape(side**2, side**2)


def _estimated(wanted: np.ndarray, rows: np.ndarray, side: int) -> np.ndarray:
    """Blocks [n, side * side] of least expected error, given their measurements and that neighbours resemble each other."""
    exact = rows.astype(np.float64)
    mean = wanted[:, :1] * rows[0, 0]  # the first row is constant
    joint = _shared(side) @ exact.T
    estimate = np.linalg.solve(exact @ joint + 1e-6 * np.eye(len(rows)), joint.T).astype(np.float32)
    return (wanted - mean * rows.sum(1)) @ estimate + mean


def _filtered(plane: np.ndarray) -> np.ndarray:
    """The Wiener filter of 3x3 whose noise is the mean of the local variances."""
    mean, square = _box(plane), _box(np.square(plane))
    variance = np.maximum(square - np.square(mean), 0)
    noise = variance.mean()
    return mean + np.maximum(variance - noise, 0) / np.maximum(np.maximum(variance, noise), 1e-6) * (plane - mean)


def _box(plane: np.ndarray) -> np.ndarray:
    wide = np.pad(plane, 1, mode="edge")
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    return (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9


def _thresholded(plane: np.ndarray, threshold: float, turn: int, soft: bool) -> np.ndarray:
    """The mean of thresholded cosine blocks of both sides, each moved by another shift in every turn."""
    total = np.zeros_like(plane)
    for side in _SIDES:
        # Odd steps modulo a power of two visit every shift.
        down, right = (5 * turn + 3) % side, (3 * turn + turn // side) % side
        wide = np.pad(
            plane, ((down, -(plane.shape[0] + down) % side), (right, -(plane.shape[1] + right) % side)), "edge"
        )
        one = _cosines_1d(side)
        cells = wide.reshape(wide.shape[0] // side, side, -1, side).swapaxes(1, 2)
        found = one @ cells @ one.T
        means = found[..., 0, 0].copy()
        if soft:
            found -= np.clip(found, -threshold, threshold)
        else:
            found *= np.abs(found) > threshold
        found[..., 0, 0] = means
        back = (one.T @ found @ one).swapaxes(1, 2).reshape(wide.shape)
        total += back[down : down + plane.shape[0], right : right + plane.shape[1]]
    return total / len(_SIDES)


@lru_cache(maxsize=4)
def _cosines_1d(side: int) -> np.ndarray:
    u, x = np.mgrid[0:side, 0:side]
    return (np.sqrt(np.where(u == 0, 1, 2) / side) * np.cos((2 * x + 1) * u * np.pi / (2 * side))).astype(np.float32)


def _pursued(wanted: np.ndarray, rows: np.ndarray, side: int) -> np.ndarray:
    """Blocks as few cosines: the one most like what is left, all coefficients anew, and so on; n / 4 of them."""
    atoms = (rows @ cosines(side).T).astype(np.float32)  # [count, n]
    size = np.sqrt(np.square(atoms).sum(0)) + np.float32(1e-6)
    unit = atoms / size
    number, most = len(wanted), max(1, len(rows) // 4)
    left, every = wanted.copy(), np.arange(len(wanted))
    directions = np.zeros((number, most, len(rows)), np.float32)
    triangle = np.zeros((number, most, most), np.float32)
    chosen, along = np.zeros((number, most), np.int64), np.zeros((number, most), np.float32)
    for k in range(most):
        likeness = np.abs(left @ unit)
        if k:
            np.put_along_axis(likeness, chosen[:, :k], -1, 1)
        chosen[:, k] = likeness.argmax(1)
        atom = unit[:, chosen[:, k]].T
        shares = np.einsum("nkc,nc->nk", directions[:, :k], atom)
        rest = atom - np.einsum("nk,nkc->nc", shares, directions[:, :k])
        length = np.sqrt(np.square(rest).sum(1)) + np.float32(1e-6)
        directions[:, k] = rest / length[:, None]
        triangle[:, :k, k], triangle[:, k, k] = shares, length
        along[:, k] = np.einsum("nc,nc->n", left, directions[:, k])
        left = left - along[:, k, None] * directions[:, k]
    weights = np.linalg.solve(triangle, along[:, :, None])[:, :, 0] / size[chosen]
    found = np.zeros((number, side * side), np.float32)
    found[every[:, None], chosen] = weights
    return found @ cosines(side)

"""The lifting steps of the CDF 9/7 wavelet on one block of samples, in place. Which blocks, is pyramid.py's business.

Arguments everywhere: even, odd and spare, float32 [2, rows, columns] with rows and columns contiguous. `odd` holds the
odd phase divided by A, and nothing is multiplied by K: whoever loads and stores the samples does both.
"""

from __future__ import annotations

import numpy as np

__all__ = ["MARGIN", "A", "K", "lift_columns", "lift_rows", "unlift_columns", "unlift_rows"]

# Daubechies and Sweldens 1998, "Factoring wavelet transforms into lifting steps", section 7.7.
# Low-pass x K, high-pass / K for each axis.
A, B, C, D, K = -1.586134342, -0.05298011854, 0.8829110762, 0.4435068522, 1.149604398
# With the odd phase divided by A the lifting step with A needs no multiplication.
_A, _B, _C, _D = np.float32(1), np.float32(B * A), np.float32(C / A), np.float32(D * A)
MARGIN = 2  # phases on each side that one level of lifting looks at, in both directions


def lift_rows(even: np.ndarray, odd: np.ndarray, spare: np.ndarray) -> None:
    """Analysis across rows (vertically)."""
    for target, source, factor, after in (
        (odd, even, _A, 1),
        (even, odd, _B, 0),
        (odd, even, _C, 1),
        (even, odd, _D, 0),
    ):
        np.add(target, _row_sums(source, spare, factor, after), out=target)


def unlift_rows(even: np.ndarray, odd: np.ndarray, spare: np.ndarray) -> None:
    """Synthesis across rows (vertically)."""
    for target, source, factor, after in (
        (even, odd, _D, 0),
        (odd, even, _C, 1),
        (even, odd, _B, 0),
        (odd, even, _A, 1),
    ):
        np.subtract(target, _row_sums(source, spare, factor, after), out=target)


def lift_columns(even: np.ndarray, odd: np.ndarray, spare: np.ndarray) -> None:
    """Analysis along rows (horizontally)."""
    for target, source, factor, after in (
        (odd, even, _A, 1),
        (even, odd, _B, 0),
        (odd, even, _C, 1),
        (even, odd, _D, 0),
    ):
        np.add(target, _column_sums(source, spare, factor, after), out=target)


def unlift_columns(even: np.ndarray, odd: np.ndarray, spare: np.ndarray) -> None:
    """Synthesis along rows (horizontally)."""
    for target, source, factor, after in (
        (even, odd, _D, 0),
        (odd, even, _C, 1),
        (even, odd, _B, 0),
        (odd, even, _A, 1),
    ):
        np.subtract(target, _column_sums(source, spare, factor, after), out=target)


def _row_sums(source: np.ndarray, spare: np.ndarray, factor: np.float32, after: int) -> np.ndarray:
    """factor * (each row + the next one if `after`, else the one before), the outermost row replicated."""
    rows = source.shape[1]
    np.add(source[:, 1:], source[:, :-1], out=spare[:, : rows - 1] if after else spare[:, 1:])
    edge = rows - 1 if after else 0
    np.add(source[:, edge], source[:, edge], out=spare[:, edge])
    return spare if factor == 1 else np.multiply(spare, factor, out=spare)


def _column_sums(source: np.ndarray, spare: np.ndarray, factor: np.float32, after: int) -> np.ndarray:
    """The same along rows, the outermost column replicated.

    One long pass, much faster than a pass for each row, also adds across the ends of rows; the outermost column is
    then put right.
    """
    flat, sums = source.reshape(2, -1), spare.reshape(2, -1)
    np.add(flat[:, 1:], flat[:, :-1], out=sums[:, :-1] if after else sums[:, 1:])
    edge = source.shape[2] - 1 if after else 0
    np.add(source[:, :, edge], source[:, :, edge], out=spare[:, :, edge])
    return spare if factor == 1 else np.multiply(spare, factor, out=spare)

"""Products of matrices in pieces so small that no BLAS starts threads for them: tiles are what runs side by side.

OpenBLAS would wake its threads for each of hundreds of small products; on a busy machine they wait for each other 50
times longer than they work.
"""

from __future__ import annotations

import numpy as np

__all__ = ["gram", "multiply"]

MOST = 200_000  # multiplications of a product of matrices; OpenBLAS starts threads above 2**18
MOST_OF_VECTOR = 8_000  # of a vector and a matrix; above 9216


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, [m, k] or [k] times [k, n]."""
    k, n = b.shape
    rows = a.reshape(-1, k)
    size = max(1, MOST // rows.size if len(rows) > 1 else MOST_OF_VECTOR // k)
    out = np.empty((len(rows), n), np.result_type(a, b))
    whole = n - n % size
    if whole:
        pieces = b[:, :whole].reshape(k, -1, size).transpose(1, 0, 2)
        out[:, :whole].reshape(len(rows), -1, size)[...] = (rows @ pieces).transpose(1, 0, 2)
    if whole < n:
        out[:, whole:] = rows @ b[:, whole:]
    return out.reshape(*a.shape[:-1], n)


def gram(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b.T, [m, n] times [k, n] transposed; a and b are different arrays."""
    n = a.shape[1]
    size = max(1, MOST // (len(a) * len(b)))
    whole = n - n % size
    out = a[:, whole:] @ b[:, whole:].T
    if whole:
        left = a[:, :whole].reshape(len(a), -1, size).transpose(1, 0, 2)
        right = b[:, :whole].reshape(len(b), -1, size).transpose(1, 2, 0)
        out += (left @ right).sum(0)
    return out

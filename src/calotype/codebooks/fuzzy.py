"""Codebooks by fuzzy c-means: every vector belongs to every entry, the more the nearer it is. NumPy only."""

from __future__ import annotations

import numpy as np

from calotype.codebooks import design as split
from calotype.codebooks import drawn

__all__ = ["design", "memberships"]

_SAMPLE = 12  # vectors for each entry that a round looks at
_FUZZY, _CRISP = 1.6, 1.1  # the exponent m, in the first and the last round; as m nears 1 this is LBG
_SCORES = 2**21  # memberships computed at once


def memberships(vectors: np.ndarray, book: np.ndarray, exponent: float) -> np.ndarray:
    """u_ij of vector i [n] and entry j [k]: float32 [n, k], rows sum to 1.

    source   Bezdek 1981: u_ij = 1 / sum over l of (|x_i - c_j| / |x_i - c_l|)^(2 / (m - 1))
    """
    away = np.square(vectors).sum(1)[:, None] - 2 * vectors @ book.T + np.square(book).sum(1)
    # Relative to the nearest entry: no power leaves the range of a float.
    nearer = (np.maximum(away.min(1, keepdims=True), 0) + 0.25) / (np.maximum(away, 0) + 0.25)
    found = nearer ** np.float32(1 / (exponent - 1))
    return found / found.sum(1, keepdims=True)


def design(vectors: np.ndarray, count: int, *, seed: int = 0, rounds: int = 6) -> np.ndarray:
    """A codebook float32 [count, d] for vectors float32 [n, d], sorted by the mean of its entries.

    Starts from a hasty LBG codebook; the exponent falls from round to round, as a fixed m of 2 draws a thousand entries
    together in the middle of all vectors.
    source   Bezdek 1981; Karayiannis, Pai 1995, "Fuzzy vector quantization algorithms"
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    random = np.random.default_rng(seed)
    book = split(vectors, count, seed=seed, rounds=1, last=1)
    step = max(1, _SCORES // count)
    for exponent in np.geomspace(_FUZZY - 1, _CRISP - 1, rounds) + 1:
        sample = drawn(vectors, _SAMPLE * max(count, 64), random)
        total, sums = np.zeros(count, np.float32), np.zeros_like(book)
        for first in range(0, len(sample), step):
            part = sample[first : first + step]
            weights = memberships(part, book, float(exponent)) ** np.float32(exponent)
            total += weights.sum(0)
            sums += weights.T @ part
        book = np.where(total[:, None] > 1e-3, sums / np.maximum(total, 1e-3)[:, None], book)
    return book[np.argsort(book.mean(1), kind="stable")]

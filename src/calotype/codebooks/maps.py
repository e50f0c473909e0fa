"""Codebooks by a self-organising map: entries lie on a chain, and neighbours on the chain are moved together.

Splitting (LBG) and the search for the nearest entry are the package's own.
"""

from __future__ import annotations

import numpy as np

from calotype.codebooks import drawn, nearest

__all__ = ["design"]

_SAMPLE = 24  # vectors for each entry that a round looks at
_FIRST, _LAST = 0.1, 0.3  # width of the neighbourhood: share of the chain at the start, entries at the end


def design(vectors: np.ndarray, count: int, *, seed: int = 0, rounds: int = 24) -> np.ndarray:
    """A codebook float32 [count, d] for vectors float32 [n, d], in the order of the chain, darker end first.

    Batch form: in each round every entry becomes the mean of the vectors of the entries around it, with Gaussian weights
    that narrow from a tenth of the chain to nearly the entry alone.
    source   Kohonen 1990, "The self-organizing map", doi:10.1109/5.58325; Nasrabadi, Feng 1988 for pictures
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    random = np.random.default_rng(seed)
    start = drawn(vectors, count, random) if len(vectors) > count else np.resize(vectors, (count, vectors.shape[1]))
    book = np.ascontiguousarray(start[np.argsort(start.mean(1), kind="stable")])
    place = np.arange(count, dtype=np.float32)
    for width in np.geomspace(max(_FIRST * count, _LAST), _LAST, rounds):
        sample = drawn(vectors, _SAMPLE * max(count, 64), random)
        index = nearest(sample, book)
        number = np.bincount(index, minlength=count).astype(np.float32)
        sums = np.stack([np.bincount(index, column, count) for column in sample.T], 1).astype(np.float32)
        weights = np.exp(-0.5 * np.square((place[:, None] - place) / np.float32(width)))
        total = weights @ number
        book = np.where(total[:, None] > 1e-3, (weights @ sums) / np.maximum(total, 1e-3)[:, None], book)
    return book if book[0].mean() <= book[-1].mean() else np.ascontiguousarray(book[::-1])

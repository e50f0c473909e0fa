"""Codebooks by the bat algorithm: a flock of codebooks flies towards the best one, each step mended by centroids.

A metaheuristic, here as the papers use it: to refine an LBG codebook. NumPy only.
"""

from __future__ import annotations

import numpy as np

from calotype.codebooks import centred, drawn, nearest
from calotype.codebooks import design as split

__all__ = ["design"]

_SAMPLE = 24  # vectors for each entry that a round looks at
_FREQUENCIES = (0.0, 0.8)  # how strongly a bat is drawn to the best
_COOLING, _WAKING = 0.9, 0.9  # of loudness and pulse rate


def design(vectors: np.ndarray, count: int, *, seed: int = 0, bats: int = 4, rounds: int = 8) -> np.ndarray:
    """A codebook float32 [count, d] for vectors float32 [n, d], sorted by the mean of its entries.

    Each bat is a codebook: velocity += (best - position) * frequency; a quiet bat walks about the best one instead. Then
    one round of centroids, and the step is kept if the error fell, or, as often as the bat is loud, anyway.
    source   Yang 2010, arXiv:1004.4170; for codebooks Karri, Jena 2016, Fred et al. 2019
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    random = np.random.default_rng(seed)
    sample = drawn(vectors, _SAMPLE * max(count, 64), random)
    start = split(vectors, count, seed=seed)
    size = np.sqrt(np.square(sample - start[nearest(sample, start)]).mean())
    positions = [start, *(_walk(start, size, random) for _ in range(bats - 1))]
    errors = [_error(sample, book) for book in positions]
    velocities = [np.zeros_like(start) for _ in range(bats)]
    best, least = start, errors[0]
    loudness, pulse = 1.0, 0.0
    for turn in range(rounds):
        for bat in range(bats):
            velocities[bat] = 0.5 * velocities[bat] + (best - positions[bat]) * random.uniform(*_FREQUENCIES)
            found = _walk(best, 0.3 * loudness * size, random) if random.random() > pulse else (
                positions[bat] + velocities[bat].astype(np.float32))  # fmt: skip
            found, _ = centred(sample, found)
            error = _error(sample, found)
            if error < errors[bat] or random.random() < 0.1 * loudness:
                positions[bat], errors[bat] = found, error
            if error < least:
                best, least = found, error
        loudness, pulse = loudness * _COOLING, 1 - _WAKING ** (turn + 1)
    return best[np.argsort(best.mean(1), kind="stable")]


def _walk(book: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray:
    return book + random.normal(0, size, book.shape).astype(np.float32)


def _error(vectors: np.ndarray, book: np.ndarray) -> float:
    return float(np.square(vectors - book[nearest(vectors, book)]).mean())

"""Codebooks of vectors: their design by splitting and centroids (LBG), and the search for the nearest entry. NumPy only.

Other designs are files beside this one, found by `designer`. How indices are coded and what the vectors mean lives in
walks/vectors.py.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np

from calotype.errors import UsageError

__all__ = ["centred", "design", "designer", "drawn", "nearest"]

_SCORES = 2**21  # computed at once: what fits beside its vectors into a cache
_SAMPLE = 48  # vectors for each entry that the rounds before the last look at
_DESIGNS = {"lbg": "calotype.codebooks", "som": "calotype.codebooks.maps", "fcm": "calotype.codebooks.fuzzy",
            "bat": "calotype.codebooks.bats"}  # fmt: skip


def designer(method: str) -> Callable[[np.ndarray, int], np.ndarray]:
    """The function (vectors float32 [n, d], count) -> codebook float32 [count, d] of a method; raises UsageError.

    lbg   splitting and centroids      som   self-organising map      fcm   fuzzy c-means      bat   bat algorithm
    """
    if method not in _DESIGNS:
        raise UsageError("design of codebooks", value=method, allowed=", ".join(_DESIGNS))
    return import_module(_DESIGNS[method]).design


def nearest(vectors: np.ndarray, book: np.ndarray, cost: np.ndarray | None = None) -> np.ndarray:
    """The entry nearest to each vector in squared distance, the first of equals: int32 [n].

    vectors   float32 [n, d]      book   float32 [k, d]
    cost      float32 [k], added to the squared distances: what an entry's bits are worth (Chou, Lookabaugh, Gray 1989)
    """
    vectors, book = np.ascontiguousarray(vectors, np.float32), np.ascontiguousarray(book, np.float32)
    # |v - b|^2 = |v|^2 - 2 (v . b - |b|^2 / 2): the largest bracket is nearest.
    transposed, half = np.ascontiguousarray(book.T), 0.5 * np.square(book).sum(1)
    if cost is not None:
        half += 0.5 * np.asarray(cost, np.float32)
    found = np.empty(len(vectors), np.int32)
    step = max(1, _SCORES // len(book))
    scores = np.empty((min(step, len(vectors)), len(book)), np.float32)
    for first in range(0, len(vectors), step):
        part = vectors[first : first + step]
        room = scores[: len(part)]
        np.matmul(part, transposed, out=room)
        room -= half
        found[first : first + len(part)] = room.argmax(1)
    return found


def design(vectors: np.ndarray, count: int, *, seed: int = 0, rounds: int = 3, last: int = 4) -> np.ndarray:
    """A codebook float32 [count, d] for vectors float32 [n, d], sorted by the mean of its entries.

    rounds   of nearest entries and centroids after each splitting, on a sample that grows with the codebook
    last     rounds at the full size, on up to four times as many vectors
    source   Linde, Buzo, Gray 1980, doi:10.1109/TCOM.1980.1094577; splitting on samples: mini-batches of Sculley 2010
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    if vectors.ndim != 2 or not len(vectors) or count < 1:
        raise UsageError("vectors, count", value=(vectors.shape, count), allowed="[n, d] with n >= 1, count >= 1")
    random = np.random.default_rng(seed)
    book = vectors.mean(0, keepdims=True)
    while True:
        full = len(book) == count
        sample = drawn(vectors, _SAMPLE * max(len(book), 64) * (4 if full else 1), random)
        for _ in range(last if full else rounds):
            book, errors = centred(sample, book)
        if full:
            return book[np.argsort(book.mean(1), kind="stable")]
        book = _split(book, errors, min(2 * len(book), count), random)


def drawn(vectors: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    """All vectors, or `most` of them by chance where there are more."""
    return vectors if len(vectors) <= most else vectors[random.integers(0, len(vectors), most)]


def centred(vectors: np.ndarray, book: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The centroids of the cells, and the squared error of each cell; empty cells move beside the worst ones."""
    index, count = nearest(vectors, book), len(book)
    number = np.bincount(index, minlength=count)
    sums = np.stack([np.bincount(index, column, count) for column in vectors.T], 1)
    found = (sums / np.maximum(number, 1)[:, None]).astype(np.float32)
    away = np.square(vectors - book[index]).sum(1)
    errors = np.bincount(index, away, count)
    (empty,) = np.nonzero(number == 0)
    if empty.size:
        # A vector that is badly served becomes an entry of its own.
        worst = np.argsort(-away, kind="stable")[: empty.size]
        found[empty[: worst.size]] = vectors[worst]
    return found, errors


def _split(book: np.ndarray, errors: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """More entries: the cells with most error are split in two, a little apart."""
    chosen = np.argsort(-errors, kind="stable")[: count - len(book)]
    apart = random.normal(0, 1, (len(chosen), book.shape[1])).astype(np.float32)
    apart *= 0.5 * np.sqrt(np.maximum(errors[chosen], 1e-6) / max(float(errors.sum()), 1e-6) + 1e-3)[:, None]
    return np.concatenate([book, book[chosen] + apart])

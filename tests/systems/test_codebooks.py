"""Codebooks: the nearest entry is the nearest, more entries are better, and a design can be repeated."""

from __future__ import annotations

import numpy as np
import pytest
from tests import tiny

from calotype import codebooks
from calotype.errors import UsageError
from calotype.walks.vectors import blocks_of


def vectors(side: int = 2, px: int = 256) -> np.ndarray:
    return blocks_of(tiny.picture(px, px)[None, :, :, 0].astype(np.float32), side)


def error(found: np.ndarray, book: np.ndarray) -> float:
    return float(np.square(found - book[codebooks.nearest(found, book)]).mean())


def test_the_nearest_entry_is_the_nearest():
    random = np.random.default_rng(0)
    book, some = random.normal(0, 9, (37, 5)), random.normal(0, 9, (500, 5))
    distances = np.square(some[:, None] - book).sum(2)
    found = codebooks.nearest(some, book)
    assert found.dtype == np.int32 and np.array_equal(found, distances.argmin(1))
    assert np.array_equal(codebooks.nearest(book, book), np.arange(37))


def test_many_vectors_are_searched_in_parts(monkeypatch):
    some, book = vectors(), vectors()[::97][:50]
    whole = codebooks.nearest(some, book)
    monkeypatch.setattr(codebooks, "_SCORES", 1000)
    assert np.array_equal(codebooks.nearest(some, book), whole)


@pytest.mark.parametrize("side", [2, 4])
def test_more_entries_err_less_and_centroids_beat_drawn_vectors(side):
    some = vectors(side)
    errors = [error(some, codebooks.design(some, count)) for count in (1, 4, 16, 64, 100)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.5 * errors[0]
    drawn = some[np.random.default_rng(1).integers(0, len(some), 64)]
    assert errors[3] < 0.95 * error(some, drawn)


def test_entries_are_sorted_and_a_design_can_be_repeated():
    some = vectors()
    book = codebooks.design(some, 32)
    assert book.shape == (32, 4) and np.all(np.diff(book.mean(1)) >= 0)
    assert np.array_equal(book, codebooks.design(some, 32))
    assert not np.array_equal(book, codebooks.design(some[::2], 32))


def test_fewer_vectors_than_entries_are_no_problem():
    """A flat picture has one vector; a codebook of 16 still serves it without error."""
    flat = np.full((50, 4), 7.0, np.float32)
    assert error(flat, codebooks.design(flat, 16)) < 1e-6
    with pytest.raises(UsageError):
        codebooks.design(np.zeros((0, 4)), 4)

"""Codebooks: the nearest entry is the nearest, more entries are better, and a design can be repeated."""

from __future__ import annotations

import numpy as np
import pytest
from tests import tiny

from calotype import codebooks
from calotype.codebooks import fuzzy
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


@pytest.mark.parametrize("method", ["lbg", "som", "fcm", "bat"])
def test_every_design_beats_drawn_vectors_and_can_be_repeated(method):
    some = vectors()
    book = codebooks.designer(method)(some, 64)
    assert book.shape == (64, 4) and np.isfinite(book).all()
    assert np.array_equal(book, codebooks.designer(method)(some, 64))
    drawn = some[np.random.default_rng(1).integers(0, len(some), 64)]
    assert error(some, book) < 0.98 * error(some, drawn)
    flat = np.full((50, 4), 7.0, np.float32)
    assert error(flat, codebooks.designer(method)(flat, 16)) < 1e-6


def test_an_unknown_design_is_refused():
    with pytest.raises(UsageError, match="tarot"):
        codebooks.designer("tarot")


def test_a_map_is_a_chain():
    """What a self-organising map has and its twin, a codebook in random order, has not: the next entry is a near one."""
    some = vectors()
    book = codebooks.designer("som")(some, 64)
    step = np.square(np.diff(book, axis=0)).sum(1).mean()
    shuffled = book[np.random.default_rng(0).permutation(64)]
    assert step < 0.3 * np.square(np.diff(shuffled, axis=0)).sum(1).mean()


def test_memberships_sum_to_one_and_follow_the_formula():
    """u_ij = 1 / sum over l of (|x - c_j| / |x - c_l|)^(2 / (m - 1)), where no distance is near zero."""
    random = np.random.default_rng(0)
    some, book = random.normal(0, 50, (20, 3)).astype(np.float32), random.normal(0, 50, (5, 3)).astype(np.float32)
    found = fuzzy.memberships(some, book, 2.0)
    away = np.square(some[:, None] - book).sum(2)
    assert np.allclose(found.sum(1), 1, atol=1e-5)
    assert np.allclose(found, 1 / (away[:, :, None] / away[:, None]).sum(2), atol=0.02)

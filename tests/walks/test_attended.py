"""Attention in integers: patches and whole arrays agree to the bit, later tokens do not enter, all is an integer."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from calotype.walks.attended import TOP, attention
from calotype.walks.fronts import REACH, Front, Order

ORDER, WIDTH, HEIGHT, COLUMNS = Order(1, 1, 2), 4, 5, 6
PLACES = list(itertools.product(range(HEIGHT), range(COLUMNS)))


def drawn(seed=0):
    """Queries and tokens, integers of the whole range."""
    random = np.random.default_rng(seed)
    shapes = (2, ORDER.groups * WIDTH, HEIGHT, COLUMNS), (2, 2 * ORDER.groups * WIDTH, HEIGHT, COLUMNS)
    return [random.integers(-TOP, TOP + 1, shape).astype(np.float32) for shape in shapes]


def by_patches(query, tokens):
    """As a decoder has it: 5x5 around each position, side by side."""
    padded = np.pad(tokens, ((0, 0), (0, 0), (REACH, REACH), (REACH, REACH)))
    patches = np.concatenate([padded[:, :, r : r + 5, c : c + 5] for r, c in PLACES], 3)
    flat = np.stack([query[:, :, r, c] for r, c in PLACES], 2)[:, :, None]
    return attention(flat, patches, ORDER, WIDTH).reshape(query.shape)


def test_training_attends_to_what_decoders_attend_to():
    torch = pytest.importorskip("torch")
    query, tokens = drawn()
    whole = attention(torch.from_numpy(query), torch.from_numpy(tokens), ORDER, WIDTH).numpy()
    found = by_patches(query, tokens)
    assert np.array_equal(found, whole) and np.array_equal(found, np.round(found))
    assert np.abs(found).max() <= TOP and len(np.unique(found)) > 50


@pytest.mark.parametrize("group", range(ORDER.groups))
def test_later_tokens_do_not_enter(group):
    """Changing all tokens of a front and later ones changes nothing for positions of that front, but something later."""
    query, tokens = drawn()
    before = by_patches(query, tokens)
    step = HEIGHT // 2 + COLUMNS // 2 + group
    late = np.zeros((2, *tokens.shape[1:]), bool)
    owner = np.zeros((ORDER.groups, HEIGHT, COLUMNS), bool)
    for later in range(step, ORDER.count(HEIGHT, COLUMNS)):
        owner |= Front(ORDER, later).mask(ORDER.groups, HEIGHT, COLUMNS)
    late[:] = owner.repeat(2 * WIDTH, 0)
    after = by_patches(query, np.where(late, drawn(1)[1], tokens))
    same = np.zeros_like(owner)
    for done in range(step + 1):
        same |= Front(ORDER, done).mask(ORDER.groups, HEIGHT, COLUMNS)
    kept = np.broadcast_to(same.repeat(WIDTH, 0), query.shape)
    assert np.array_equal(before[kept], after[kept])
    assert not np.array_equal(before, after)  # the twin: those after it do see the change

"""Fitted Laplacians: the table of least bits, found from three sums; the same with torch; sent once for a block."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.coding.densities import LAPLACE_STEPS, Laplace
from calotype.walks.laplacians import Laplacians, fitted


def latents(seed: int = 0) -> np.ndarray:
    """float32 [2, 6, 8, 12]: channels from nearly always zero to hundreds, one of them far from zero, one all zero."""
    random = np.random.default_rng(seed)
    scale = np.array([0.1, 0.5, 2, 20, 200, 0])[:, None, None]
    middle = np.array([0, 0, 0, -300, 7, 0])[:, None, None]
    return (random.laplace(0, 1, (2, 6, 8, 12)) * scale + middle).astype(np.float32)


def cost(y: np.ndarray, mean: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Bits of every channel, [b, c], with one mean and one table each."""
    made = Laplace(16 * mean[..., None, None], index[..., None, None].astype(np.float32))
    return made.bits(made.hard(y)[0]).sum((2, 3))


def test_the_table_is_the_one_of_least_bits():
    """Against all 63 tables of symbols that are coded; a channel without any symbol takes the table that codes none.

    Values so far out that they would escape are charged as if the table went on, hence the half per cent.
    """
    y = latents()
    mean, index = fitted(y)
    assert np.array_equal(mean, np.round(mean)) and np.abs(mean[:, 3] + 300).max() < 10
    assert (index[:, 5] == 0).all() and (index[:, 1:5] > 0).all()
    every = np.stack([cost(y, mean, np.full(mean.shape, k)) for k in range(1, LAPLACE_STEPS)])
    found = np.take_along_axis(every, np.maximum(index.astype(int) - 1, 0)[None], 0)[0]
    assert np.allclose(found[:, :5], every.min(0)[:, :5], rtol=0.005)
    assert (every.max(0) > 1.2 * found + 1)[:, :5].all()  # the twin: tables matter


def test_torch_finds_the_same():
    torch = pytest.importorskip("torch")
    y = latents(1)
    for one, other in zip(fitted(y), fitted(torch.from_numpy(y)), strict=True):
        assert np.array_equal(one, other.numpy())


def test_blocks_have_laplacians_of_their_own():
    """Two blocks side by side, the second ten times as wide, a third below cut short: every position gets its block's."""
    walk = Laplacians(block=2, cells=4)
    y = latents(2)[:, :, :, :8].repeat(2, 3)[:, :, :, :12].repeat(2, 2)[:, :, :12]
    y[..., 8:] *= 10
    means, indices = walk._fitted(y)
    assert len(means) == 2 and len(means[0]) == 2 and (indices[0][1][:, 2:5] > indices[0][0][:, 2:5]).all()
    sent = np.zeros((1, 1, 3, 3), np.float32)
    sent[:, :, ::2, ::2] = 1
    placed = walk._placed(indices, sent)
    assert placed.shape == (2, 6, 3, 3) and not placed[:, :, 1].any() and not placed[:, :, :, 1].any()
    spread = walk._spread(placed, 12, 12)
    assert (spread[..., :8, :8] == indices[0][0][..., None, None]).all()
    assert (spread[..., :8, 8:] == indices[0][1][..., None, None]).all()
    assert (spread[..., 8:, 8:] == indices[1][1][..., None, None]).all()

"""The walk that allots bits: each level where it is the cheapest, nothing where nothing is worth it."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.walks.allocated import Allocated


@pytest.fixture
def walk():
    return Allocated(groups=[2, 3], cells=4, levels=4, apart=7, worth=8.7)


def test_content_decides(walk):
    """Two scales in four cells: silence, whispers, what the table expects, and far more of it."""
    random = np.random.default_rng(0)
    index = np.full((1, 5, 1, 1), 20)  # table 20: scale of about one step
    y = np.zeros((1, 5, 8, 8), np.float32)
    for k, size in enumerate((0.02, 0.3, 1.0, 8.0)):
        top, left = 4 * (k // 2), 4 * (k % 2)
        y[:, :2, top : top + 4, left : left + 4] = random.laplace(0, size, (1, 2, 4, 4))
    share = walk._least(y, index)
    assert share.shape == (1, 2, 2, 2)
    assert share[0, 0].ravel().tolist() == sorted(share[0, 0].ravel().tolist())  # more content, more bits
    assert share[0, 0, 0, 0] == 0 and share[0, 0, 1, 1] == 3
    assert not share[0, 1].any()  # the other scale is empty
    # The twin: what was not counted decides nothing.
    y[:, 2:] = 8 * random.laplace(0, 1, (1, 3, 8, 8))
    assert (walk._least(y, index)[0, 0] == share[0, 0]).all() and (walk._least(y, index)[0, 1] == 3).all()


def test_levels_move_the_table(walk):
    index = np.array([20, 62]).reshape(1, 2, 1, 1)
    found = [walk._table(index, np.full((1, 1, 1, 1), level)).ravel().tolist() for level in (1, 2, 3)]
    assert found == [[13, 55], [20, 62], [27, 63]]

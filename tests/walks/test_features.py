"""Features brought up to date step by step are those computed at once."""

from __future__ import annotations

import numpy as np

from calotype.walks.features import PARITY, parity_planes, with_symbols
from calotype.walks.orders import FULL, Lattice
from calotype.walks.pyramid import step_pattern


def test_steps_end_where_one_look_up_ends():
    rng = np.random.default_rng(0)
    values = np.clip(np.round(rng.laplace(0, 40, (2, 9, 6, 10)) * 16), -3e4, 3e4).astype(np.float32) / 16
    parity = parity_planes(values, 6, 10)
    known, seen = np.zeros_like(values), None
    for step in range(4):
        lattice = Lattice.from_steps(step_pattern(9, 4), step)
        lattice.put(lattice.take(values), known)
        seen = with_symbols(known, parity, seen, lattice)
        assert np.array_equal(seen, with_symbols(known, parity, None, FULL))
    assert seen.shape == (2, 18 + PARITY, 6, 10) and seen.dtype == np.int8

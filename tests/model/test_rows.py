"""Rows behave like the array that they stand for."""

from __future__ import annotations

import numpy as np

from calotype.model.runtime import Rows


def test_rows_are_the_joined_array():
    parts = [np.arange(k, k + n * 6, dtype=np.float32).reshape(n, 2, 3) for k, n in ((0, 2), (50, 1), (90, 3))]
    rows, whole = Rows(parts), np.concatenate(parts)
    assert len(rows) == 6 and rows.shape == whole.shape and rows.dtype == whole.dtype and rows.ndim == 3
    for key in (0, 1, 2, 5, -1, slice(2, 3), slice(0, 4), (slice(None), 1), np.int64(4)):
        assert np.array_equal(rows[key], whole[key])
    assert rows[2:3] is parts[1]
    assert np.array_equal(np.asarray(rows), whole) and np.array_equal(rows * 2 + rows, whole * 3)
    assert np.array_equal(np.asarray(rows, np.int32), whole.astype(np.int32))

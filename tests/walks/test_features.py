"""The look-up tables of symbol features are the same integers on every machine."""

from __future__ import annotations

import hashlib

import numpy as np

from calotype.walks.features import FEATURE, _tables, with_symbols


def test_no_entry_lies_near_a_rounding_tie():
    """Tables are made from float64 functions; a last bit more or less, as other libraries have it, changes no entry."""
    value = np.arange(-(2**15), 2**15) / 16
    for exact in (FEATURE * np.log1p(np.abs(value)), FEATURE * value / (1 + np.abs(value) / 4)):
        fraction = (exact + 0.5) % 1
        away = np.minimum(fraction, 1 - fraction)
        inside = (np.abs(exact) > 0) & (np.abs(exact) < 126.4)
        # Exact halves of the rational function are computed exactly everywhere; logarithms have none.
        away = away[inside & (away > 0)]
        assert away.min() > 1e-9


def test_the_tables_are_those_that_models_were_trained_with():
    digest = hashlib.sha256(b"".join(table.astype("<i2").tobytes() for table in _tables())).hexdigest()
    assert digest == DIGEST


def test_unknown_positions_have_no_features():
    parity = np.zeros((1, 3, 2, 2), np.float32)
    assert not with_symbols(np.zeros((1, 4, 2, 2), np.float32), parity).any()


DIGEST = "73abcd313b60570c0ee447046de98b7f01da7bde97f3aca8f82c1ac0b7e09f4c"

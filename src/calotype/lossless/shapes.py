"""The tables of residuals: Laplace and logistic distributions as integers, made by integer arithmetic alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from calotype.coding.layout import PRECISION_BITS
from calotype.coding.tables import TableBank
from calotype.lossless.layout import EXPONENTIALS, FINE_SCALES, SCALES, SHAPES, TABLE_SCALES

__all__ = ["bank", "low_bits", "table_of"]

UNIT = 1 << 32  # probability one
HALVES, QUARTERS = (0, 4), (0, 2, 4)


def _means(scale: int) -> tuple[int, ...]:
    """The means of the tables of a scale, in eighths."""
    return (0, 1, 2, 3, 4) if scale < FINE_SCALES[0] else QUARTERS if scale < FINE_SCALES[1] else HALVES


@lru_cache(maxsize=1)
def bank() -> TableBank:
    """All tables: shape by shape, scale by scale, mean by mean."""
    rows = [_table(shape, scale, mean)
            for shape in range(SHAPES) for scale in range(TABLE_SCALES) for mean in _means(scale)]  # fmt: skip
    frequencies = np.zeros((len(rows), max(len(row) for _, row in rows)), np.int32)
    for k, (_, row) in enumerate(rows):
        frequencies[k, : len(row)] = row
    return TableBank(
        frequencies,
        np.array([len(row) - 1 for _, row in rows], np.int32),
        np.array([lowest for lowest, _ in rows], np.int32),
    )


@lru_cache(maxsize=1)
def table_of() -> np.ndarray:
    """int16 [SHAPES, SCALES, 5]: row of the bank for a shape, a scale and a mean of 0..4 eighths."""
    found, row = np.empty((SHAPES, SCALES, 5), np.int16), 0
    for shape in range(SHAPES):
        for scale in range(TABLE_SCALES):
            means = _means(scale)
            for mean in range(5):
                found[shape, scale, mean] = row + ((mean * (len(means) - 1) + 2) // 4)
            row += len(means)
        for scale in range(TABLE_SCALES, SCALES):
            # A residual without its low bits is symmetric about a half, whatever its mean.
            found[shape, scale] = found[shape, TABLE_SCALES - 3 + (scale - TABLE_SCALES) % 3, 4]
    return found


@lru_cache(maxsize=1)
def low_bits() -> np.ndarray:
    """int64 [SCALES]: bits of a residual that are coded as they are."""
    scale = np.arange(SCALES)
    return np.where(scale < TABLE_SCALES, 0, 1 + (scale - TABLE_SCALES) // 3)


def _table(shape: int, scale: int, mean: int) -> tuple[int, list[int]]:
    """(smallest symbol, frequencies with the escape's last)."""
    power, tails = UNIT // 2, []
    while power:  # in eighths: the probability to be farther from the mean
        tails.append(power if shape == 0 else (power << 32) // (UNIT // 2 + power))
        power = power * EXPONENTIALS[scale] >> 31

    def beyond(eighths: int) -> int:
        n = abs(eighths)
        tail = tails[n] if n < len(tails) else 0
        return tail if eighths >= 0 else UNIT - tail

    def mass(symbol: int) -> int:
        return beyond(8 * symbol - 4 - mean) - beyond(8 * symbol + 4 - mean)

    least = UNIT >> (PRECISION_BITS + 1)
    low = high = 0
    while mass(low - 1) >= least:
        low -= 1
    while mass(high + 1) >= least:
        high += 1
    row = [max(1, (mass(symbol) + least) >> (32 - PRECISION_BITS)) for symbol in range(low, high + 1)]
    outside = UNIT - beyond(8 * low - 4 - mean) + beyond(8 * high + 4 - mean)
    row.append(max(1, (outside + least) >> (32 - PRECISION_BITS)))
    row[row.index(max(row))] += (1 << PRECISION_BITS) - sum(row)
    return low, row

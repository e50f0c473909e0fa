"""Symbols outside their table: how far outside, as uniform symbols on the same lanes; no second stream of bits."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from calotype.coding.layout import CHUNK_BITS, CLASS_BITS, PRECISION_BITS
from calotype.coding.rans import Decoder, Encoder
from calotype.coding.tables import TableBank, lookup_entries

__all__ = ["excess_bits", "push", "read", "rows_sum"]


@lru_cache(maxsize=1)
def _uniform_encoder() -> tuple[np.ndarray, np.ndarray]:
    """(frequency, cumulative) of uniform tables of 0..8 bits: value v of k bits is entry 2**k - 1 + v; last: no change."""
    frequencies = [np.full(1 << k, 1 << (PRECISION_BITS - k)) for k in range(CHUNK_BITS + 1)]
    cumulative = [np.arange(1 << k) << (PRECISION_BITS - k) for k in range(CHUNK_BITS + 1)]
    return (np.append(np.concatenate(frequencies), 1 << PRECISION_BITS).astype(np.float64),
            np.append(np.concatenate(cumulative), 0).astype(np.float64))  # fmt: skip


@lru_cache(maxsize=1)
def _uniform_lookup() -> np.ndarray:
    """The decoder's lookup for them: table k has k bits; an extra last table changes no state."""
    slots = np.arange(1 << PRECISION_BITS, dtype=np.int64)
    rows = []
    for k in [*range(CHUNK_BITS + 1), 0]:
        width = PRECISION_BITS - k
        rows.append(lookup_entries(1 << width, slots & ((1 << width) - 1), slots >> width))
    return np.concatenate(rows)


def _excess(bank: TableBank, tables: np.ndarray, symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(excess, below): how far outside its table each symbol is, from 1 (int64), and whether below or above."""
    low = bank.offsets.take(tables).astype(np.int64)
    beyond = symbols - (low + bank.sizes.take(tables) - 1)
    below = symbols < low
    return np.where(below, low - symbols, beyond), below


def _class(excess: np.ndarray) -> np.ndarray:
    """Bits below the leading one: floor(log2(excess)), exact below 2**53."""
    return np.frexp(excess.astype(np.float64))[1].astype(np.int64) - 1


def rows_sum(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """float64 [b] sums of values[ends[r]:ends[r + 1]]."""
    return np.array([values[a:b].sum(dtype=np.float64) for a, b in pairwise(ends.tolist())])


def excess_bits(bank: TableBank, tables: np.ndarray, symbols: np.ndarray) -> np.ndarray:
    """Bits that each escaped symbol costs beside the escape itself: class, low bits, sign."""
    return CLASS_BITS + _class(_excess(bank, tables, symbols)[0]) + 1


def push(encoder: Encoder, bank: TableBank, tables: np.ndarray, symbols: np.ndarray, ends: np.ndarray) -> None:
    """Queue the escaped symbols of a call, row after row, behind it: classes, chunks from the lowest on, signs."""
    excess, below = _excess(bank, tables, symbols)
    classes = _class(excess)
    arrays = _uniform_encoder()
    encoder.push(arrays, (1 << CLASS_BITS) - 1 + classes, ends, CLASS_BITS * np.diff(ends))
    for done in range(0, 1 << CLASS_BITS, CHUNK_BITS):
        (some,) = np.nonzero(classes > done)
        bits = np.minimum(classes[some] - done, CHUNK_BITS)
        chunk = (excess[some] >> done) & ((1 << bits) - 1)
        chunk_ends = np.searchsorted(some, ends)
        encoder.push(arrays, (1 << bits) - 1 + chunk, chunk_ends, rows_sum(bits, chunk_ends))
    encoder.push(arrays, 1 + below, ends, np.diff(ends))


def read(decoder: Decoder, bank: TableBank, tables: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The escaped symbols of a call, int64: on damaged rows anything below 2**33 in magnitude."""
    lookup = _uniform_lookup()
    classes = decoder.decode(lookup, np.full(len(tables), CLASS_BITS), ends).astype(np.int64)
    excess = np.left_shift(1, classes)
    for done in range(0, 1 << CLASS_BITS, CHUNK_BITS):
        (some,) = np.nonzero(classes > done)
        bits = np.minimum(classes[some] - done, CHUNK_BITS)
        excess[some] += decoder.decode(lookup, bits, np.searchsorted(some, ends)).astype(np.int64) << done
    below = decoder.decode(lookup, np.full(len(tables), 1), ends)
    low = bank.offsets.take(tables).astype(np.int64)
    return np.where(below != 0, low - excess, low + bank.sizes.take(tables) - 1 + excess)

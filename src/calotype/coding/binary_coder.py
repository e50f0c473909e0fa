"""Adaptive binary arithmetic coding of planes of small integers: every number is decisions, every decision learns by itself.

One of the coders of residual_coders.py, which registers it; the coder of many symbols is there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from calotype.coding import stream
from calotype.coding.layout import PRECISION_BITS
from calotype.coding.rans import Decoder, Encoder
from calotype.coding.residual_coders import magnitudes_above
from calotype.coding.tables import lookup_entries
from calotype.errors import FormatError

__all__ = ["Binary"]

_STATES = 32  # chances on each side of a half, as CABAC has 64 in all
_LENGTHS = 17  # bits of a number, 0 to 16
_AROUND = 8  # contexts by the numbers above
_NODES = _AROUND * _LENGTHS + 4 * _LENGTHS  # how long; the first bit behind the leading one; the second; all others
_MOST = 1 << 10  # decisions after which counts are halved
_LIMITS = [3, 8, 16, 32, 64, 128, 256]

Ask = Callable[[np.ndarray, "np.ndarray | None"], np.ndarray]


class Binary:
    """How many bits a number has, in unary, then its bits: binary decisions, each with a chance that follows its counts.

    Counts grow after each row, so that a row's like decisions are coded at once; a chance is one of 64, so no table is
    made while coding. After Marpe, Schwarz and Wiegand 2003, "Context-based adaptive binary arithmetic coding".
    """

    def encode(self, numbers: np.ndarray) -> bytes:
        coder, flat, cost = Encoder(1), *_tables()
        counts = np.ones((_NODES, 2), np.int64)

        def ask(nodes: np.ndarray, bits: np.ndarray | None) -> np.ndarray:
            assert bits is not None
            entries = (2 * _states(counts[nodes]) + bits).astype(np.int32)
            coder.push(flat, entries, np.array([0, entries.size]), np.array([cost[entries].sum()]))
            return bits

        held = np.minimum(numbers, 65535)
        for row in range(numbers.shape[1]):
            _row(ask, _around(held, row), counts, held[:, row].ravel())
        ((taper, coded),) = coder.finish()
        return stream.join(taper, coded, [])

    def decode(self, data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
        found, counts = np.zeros(shape, np.int32), np.ones((_NODES, 2), np.int64)
        try:
            taper, coded, _ = stream.split(data)
        except FormatError:
            return found
        coder, lookup = Decoder([(taper, coded)]), _lookup()

        def ask(nodes: np.ndarray, bits: np.ndarray | None) -> np.ndarray:
            return coder.decode(lookup, _states(counts[nodes]), np.array([0, nodes.size]))

        for row in range(shape[1]):
            found[:, row] = _row(ask, _around(found, row), counts, None).reshape(shape[0], shape[2])
        return found


def _row(ask: Ask, around: np.ndarray, counts: np.ndarray, given: np.ndarray | None) -> np.ndarray:
    """The numbers of a row, asked bit by bit; then `counts` know them. The same lines for both directions."""
    said: list[np.ndarray] = []

    def asked(nodes: np.ndarray, bits: np.ndarray | None) -> np.ndarray:
        found = ask(nodes, bits)
        said.append(2 * nodes + found)
        return found

    length, alive = np.zeros(around.size, np.int64), np.arange(around.size)
    of = None if given is None else np.frexp(given.astype(np.float64))[1]
    for bit in range(_LENGTHS - 1):
        if not alive.size:
            break
        more = asked(around[alive] * _LENGTHS + bit, None if of is None else (of[alive] > bit).astype(np.int64))
        alive = alive[more > 0]
        length[alive] += 1
    found = (length > 0).astype(np.int64)
    for place in range(1, int(length.max(initial=0))):
        some = np.flatnonzero(length > place)
        nodes = _AROUND * _LENGTHS + length[some] + _LENGTHS * np.minimum(place - 1, 2)
        if place == 2:  # knows the bit before
            nodes = nodes + 2 * _LENGTHS * (found[some] & 1)
        bits = asked(nodes, None if given is None else given[some].astype(np.int64) >> (length[some] - 1 - place) & 1)
        found[some] = 2 * found[some] + bits
    counts += np.bincount(np.concatenate(said), minlength=counts.size).reshape(counts.shape)
    while (many := counts.sum(1) > _MOST).any():
        counts[many] = (counts[many] + 1) >> 1
    return found


def _around(numbers: np.ndarray, row: int) -> np.ndarray:
    """The context of each number of a row, int64 [planes * width]."""
    if row == 0:
        return np.full(numbers.shape[0] * numbers.shape[2], 3)
    return np.searchsorted(_LIMITS, magnitudes_above(numbers, row), side="right").ravel()


@lru_cache(maxsize=1)
def _ones() -> np.ndarray:
    """Frequencies of a one in each state, int64 [2 * _STATES], rising; integers from integers."""
    falling = [1 << (PRECISION_BITS - 1)]
    for _ in range(_STATES - 1):
        falling.append(max(1, falling[-1] * 27 // 32))
    low = np.array(falling[:0:-1])
    return np.concatenate([low, falling[:1], (1 << PRECISION_BITS) - low[::-1], [(1 << PRECISION_BITS) - 8]])


def _states(counts: np.ndarray) -> np.ndarray:
    """The state whose chance is nearest to what was counted, int64 [n]."""
    ones = _ones()
    return np.searchsorted((ones[1:] + ones[:-1]) >> 1, (counts[:, 1] << PRECISION_BITS) // counts.sum(1))


@lru_cache(maxsize=1)
def _tables() -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """What `Encoder.push` wants, and the bits of every entry."""
    ones = _ones()
    frequencies = np.stack([(1 << PRECISION_BITS) - ones, ones], 1)
    cumulative = np.cumsum(frequencies, 1) - frequencies
    flat = np.append(frequencies, 1 << PRECISION_BITS).astype(np.float64), np.append(cumulative, 0).astype(np.float64)
    return flat, (PRECISION_BITS - np.log2(frequencies)).ravel()


@lru_cache(maxsize=1)
def _lookup() -> np.ndarray:
    slots = np.arange(1 << PRECISION_BITS, dtype=np.int64)
    found = np.empty((2 * _STATES + 1, slots.size), np.int64)
    found[-1] = lookup_entries(1 << PRECISION_BITS, slots, 0)
    for row, ones in zip(found, _ones().tolist(), strict=False):
        zeros = (1 << PRECISION_BITS) - ones
        is_one = slots >= zeros
        row[:] = lookup_entries(np.where(is_one, ones, zeros), slots - zeros * is_one, is_one.astype(np.int64))
    return found.ravel()

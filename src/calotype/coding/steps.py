"""The inner loops of rANS: one step of all lanes at a time, a fixed number of NumPy calls each; nothing else.

Why it looks as it does: the time is that of the calls, not of the lanes, so there are no temporaries, no scalars to
convert, no attribute look-ups, and each call does as much as it can.
"""

from __future__ import annotations

import numpy as np

from calotype.coding.layout import PRECISION_BITS, STATE_LOW, WORD_BITS

__all__ = ["decode_steps", "encode_steps"]

TOTAL = 1 << PRECISION_BITS


def encode_steps(
    x: np.ndarray, f: np.ndarray, c: np.ndarray, owner: np.ndarray, words: np.ndarray, owners: np.ndarray, left: int
) -> int:
    """Encode the steps of a block, last first, in float64: all values stay below 2**53, and division is fast there."""
    limits, rests = f * float(1 << (32 - PRECISION_BITS)), TOTAL - f
    q, full = np.empty(len(x)), np.empty(len(x), bool)
    compare, divide, floor, multiply, add = np.greater_equal, np.divide, np.floor, np.multiply, np.add
    for fs, cs, limit, rest in zip(f[::-1], c[::-1], limits[::-1], rests[::-1], strict=True):
        compare(x, limit, full)
        (j,) = full.nonzero()
        if n := len(j):
            v = x.take(j)
            high = floor(v * (1 / 65536))
            right, left = left, left - n
            words[left:right] = v - high * 65536.0
            owners[left:right] = owner.take(j)
            x[j] = high
        divide(x, fs, q)
        floor(q, q)
        multiply(q, rest, q)
        add(x, q, x)
        add(x, cs, x)
    return left


def decode_steps(
    x: np.ndarray, base: np.ndarray, lookup: np.ndarray, words: np.ndarray, pointers: np.ndarray, bounds: np.ndarray
) -> None:
    """Decode the steps of a block in place: `base` (table << 14) becomes the entries of the lookup."""
    s, low = np.empty(len(x), np.int64), np.empty(len(x), bool)
    mask, precision, half, top, word, state_low = (
        np.array(v) for v in (TOTAL - 1, PRECISION_BITS, 0xFFFF, 48, WORD_BITS, STATE_LOW)
    )
    count, single = np.arange(len(x)), len(pointers) == 1
    at = int(pointers[0])
    take, fetch = lookup.take, words.take
    bit_and, add, multiply, right, left, less = (
        np.bitwise_and, np.add, np.multiply, np.right_shift, np.left_shift, np.less)  # fmt: skip
    for e in base:
        bit_and(x, mask, s)
        add(s, e, s)
        take(s, None, e, "clip")  # in range always: slot < 2**14, and tables were checked
        right(x, precision, x)
        bit_and(e, half, s)
        multiply(x, s, x)
        right(e, top, s)
        add(x, s, x)
        less(x, state_low, low)
        (j,) = low.nonzero()
        if n := len(j):
            v = x.take(j)
            left(v, word, v)
            if single:
                v += fetch(count[:n] + at, None, None, "clip")
                at += n
            else:  # a word's place is its rank among the words of its row in this step
                edges = j.searchsorted(bounds)
                counts = edges[1:] - edges[:-1]
                place = (pointers - edges[:-1]).repeat(counts)
                place += count[:n]
                pointers += counts
                v += fetch(place, None, None, "clip")
            x[j] = v
    if single:
        pointers[0] = at

"""Channels that flip bits, and codes against them: Hamming(7,4) and repeat-accumulate. NumPy only.

For experiments with fixed-length codes (docs/systems/channel-errors.md). A .calo file has none of it: it detects.
"""

from __future__ import annotations

import numpy as np

__all__ = ["accumulated", "accumulated_back", "flipped", "hamming", "hamming_back"]

REPEATS = 3  # of each bit of a repeat-accumulate code: its rate is a third
BLOCK = 1024  # bits that are permuted together
_ROUNDS = 40  # of messages along the graph, at most
_STILL = 3  # rounds without any change that are enough

# Rows: the four data bits of a word in its positions 3, 5, 6, 7, whose numbers are the parities they take part in.
_DATA = np.array([3, 5, 6, 7])


def flipped(data: bytes, rate: float, random: np.random.Generator) -> bytes:
    """Bytes whose bits are wrong, each with probability `rate`: the binary symmetric channel."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    return np.packbits(bits ^ (random.random(bits.size) < rate)).tobytes()


def hamming(bits: np.ndarray) -> np.ndarray:
    """Words of seven bits for each four, uint8 [7 m]: bits are padded with zeros to whole words.

    source   Hamming 1950, doi:10.1002/j.1538-7305.1950.tb00463.x
    """
    words = np.zeros((-(-bits.size // 4), 8), np.uint8)
    words[:, _DATA] = np.pad(bits, (0, -bits.size % 4)).reshape(-1, 4)
    for parity in (1, 2, 4):
        words[:, parity] = words[:, [place for place in _DATA if place & parity]].sum(1) & 1
    return words[:, 1:].ravel()


def hamming_back(bits: np.ndarray, count: int) -> np.ndarray:
    """The first `count` data bits, each word with at most one wrong bit put right: the syndrome is its position."""
    words = np.concatenate([np.zeros((bits.size // 7, 1), np.uint8), bits.reshape(-1, 7)], 1)
    syndrome = np.zeros(len(words), np.int64)
    for place in range(1, 8):
        syndrome ^= place * words[:, place].astype(np.int64)
    words[np.arange(len(words)), syndrome] ^= 1
    return words[:, _DATA].ravel()[:count]


def _permutation(size: int) -> np.ndarray:
    return np.random.default_rng(1998).permutation(size)


def accumulated(bits: np.ndarray) -> np.ndarray:
    """Repeat-accumulate code, uint8: each block's bits three times, permuted, and their running sum modulo 2.

    source   Divsalar, Jin, McEliece 1998, "Coding theorems for turbo-like codes"
    """
    blocks = np.pad(bits, (0, -bits.size % BLOCK)).reshape(-1, BLOCK)
    repeated = blocks.repeat(REPEATS, 1)[:, _permutation(REPEATS * BLOCK)]
    return (np.cumsum(repeated, 1) & 1).astype(np.uint8).ravel()


def accumulated_back(bits: np.ndarray, count: int, rate: float) -> np.ndarray:
    """The first `count` data bits, by sum-product messages along the code's graph.

    rate   of wrong bits that the decoder expects
    """
    rate = min(max(rate, 1e-6), 0.49)
    size = REPEATS * BLOCK
    channel = ((1.0 - 2.0 * bits.reshape(-1, size)) * np.log((1 - rate) / rate)).astype(np.float32)
    permuted = _permutation(size)
    order = np.argsort(permuted)
    to_check = np.zeros_like(channel)  # from data bits, in the order of checks
    left = np.zeros_like(channel)  # to sum i, from the check that it ends
    right = np.zeros_like(channel)  # to sum i, from the check that it begins
    votes = np.zeros((len(channel), BLOCK, REPEATS), np.float32)
    found, still = np.zeros((len(channel), BLOCK), bool), 0
    for _ in range(_ROUNDS):
        # Check i says: sum i - 1, data bit i and sum i are even; the sum before the first is 0.
        before = np.concatenate([np.full((len(channel), 1), 40, np.float32), (channel + left)[:, :-1]], 1)
        after = channel + right
        t_before, t_after, t_data = (np.tanh(np.clip(part, -16, 16) / 2) for part in (before, after, to_check))
        left = _logit(t_before * t_data)
        right = np.concatenate([_logit(t_after * t_data)[:, 1:], np.zeros((len(channel), 1), np.float32)], 1)
        votes = _logit(t_before * t_after)[:, order].reshape(-1, BLOCK, REPEATS)
        others = votes.sum(2, keepdims=True) - votes
        to_check = others.reshape(len(channel), size)[:, permuted]
        before_this, found = found, votes.sum(2) < 0
        still = still + 1 if np.array_equal(found, before_this) else 0
        if still == _STILL:
            break
    return found.astype(np.uint8).ravel()[:count]


def _logit(product: np.ndarray) -> np.ndarray:
    return 2 * np.arctanh(np.clip(product, -1 + 1e-6, 1 - 1e-6))

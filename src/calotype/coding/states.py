"""The compact flush: final rANS states of a stream to bytes and back."""

from __future__ import annotations

import numpy as np

from calotype.coding.layout import LENGTH_BITS
from calotype.errors import CorruptError, TruncatedError

__all__ = ["pack_states", "unpack_states"]

PLACES = np.arange(14, -1, -1)  # bits below the leading one of a 16-bit number, highest first


def pack_states(states: np.ndarray) -> bytes:
    """Bytes of int64 states in [2**16, 2**32): 19.5 bits a lane above their information, not 24.

    Low halves first (16-bit little-endian), then one string of bits, highest first: for every lane the number of bits
    under the leading one of its upper half (4 bits), then for every lane these bits; zeros fill the last byte.
    """
    high = states >> 16
    lengths = np.floor(np.log2(high)).astype(np.int64)  # exact for 16-bit numbers
    counts = (lengths[:, None] >> np.arange(LENGTH_BITS - 1, -1, -1)) & 1
    below = ((high[:, None] >> PLACES) & 1)[lengths[:, None] > PLACES]
    bits = np.concatenate([counts.ravel(), below]).astype(np.uint8)
    return (states & 0xFFFF).astype("<u2").tobytes() + np.packbits(bits).tobytes()


def unpack_states(data: bytes, lanes: int) -> tuple[np.ndarray, bytes]:
    """(int64 states, the words behind them); TruncatedError or CorruptError where `data` cannot be a stream."""
    head = 2 * lanes + (LENGTH_BITS * lanes + 7) // 8
    if len(data) < head:
        raise TruncatedError("states", found=len(data), expected=f"at least {head} bytes")
    low = np.frombuffer(data, "<u2", lanes).astype(np.int64)
    bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=2 * lanes)[: (19 * lanes + 7) // 8])
    counts = bits[: LENGTH_BITS * lanes].reshape(lanes, LENGTH_BITS).astype(np.int64)
    lengths = counts @ (1 << np.arange(LENGTH_BITS - 1, -1, -1))
    used = LENGTH_BITS * lanes + int(lengths.sum())
    end = 2 * lanes + (used + 7) // 8
    if len(data) < end:
        raise TruncatedError("states", found=len(data), expected=f"at least {end} bytes")
    if bits[used : 8 * (end - 2 * lanes)].any():
        raise CorruptError("states", found="bits after the last state", expected="zeros")
    if (len(data) - end) % 2:
        raise CorruptError("words", found=f"{len(data) - end} bytes", expected="an even number")
    below = np.zeros((lanes, len(PLACES)), np.int64)
    below[lengths[:, None] > PLACES] = bits[LENGTH_BITS * lanes : used]
    high = (1 << lengths) + below @ (1 << PLACES)
    return high << 16 | low, data[end:]

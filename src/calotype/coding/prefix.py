"""Prefix codes: Huffman lengths, canonical codes, and strings of them that many lanes read in lock-step. NumPy only.

For methods that are coded with Huffman tables; Calotype's own streams are rANS (rans.py).
"""

from __future__ import annotations

import heapq
from functools import cached_property

import numpy as np

from calotype.errors import UsageError

__all__ = ["LANE", "LONGEST", "Codes", "lengths_of"]

LONGEST = 14  # bits of a code
LANE = 512  # symbols that one lane reads; its length in bits, two bytes, stands before all codes


def lengths_of(counts: np.ndarray, most: int = LONGEST) -> np.ndarray:
    """Lengths of a Huffman code, uint8 [n], at most `most`: counts are flattened until it fits. Every symbol has a code.

    source   Huffman 1952, doi:10.1109/JRPROC.1952.273898
    """
    counts = np.maximum(np.asarray(counts, np.int64), 1)
    if counts.size > 1 << most:
        raise UsageError("symbols of a prefix code", value=counts.size, allowed=f"at most {1 << most}")
    if counts.size == 1:
        return np.ones(1, np.uint8)
    while True:
        heap: list[tuple[int, int, tuple[int, ...]]] = [
            (int(count), place, (place,)) for place, count in enumerate(counts)
        ]
        heapq.heapify(heap)
        depth, number = np.zeros(counts.size, np.int64), counts.size
        while len(heap) > 1:
            one, other = heapq.heappop(heap), heapq.heappop(heap)
            depth[list(one[2] + other[2])] += 1
            heapq.heappush(heap, (one[0] + other[0], number, one[2] + other[2]))
            number += 1
        if depth.max() <= most:
            return depth.astype(np.uint8)
        counts = (counts + 1) // 2


class Codes:
    """Canonical codes of several tables.

    lengths   integers [tables, n]: bits of each symbol's code, 1 to LONGEST, 0 where a table has no such symbol
    """

    def __init__(self, lengths: np.ndarray) -> None:
        self.lengths = np.asarray(lengths, np.int64)
        kraft = np.where(self.lengths > 0, 2.0**-self.lengths, 0).sum(1)
        if self.lengths.max(initial=0) > LONGEST or kraft.max(initial=0) > 1:
            raise UsageError("lengths of a prefix code", value=self.lengths.max(), allowed=f"a code of {LONGEST} bits")

    @cached_property
    def codes(self) -> np.ndarray:
        """The codes as numbers, int64 [tables, n]: by length, then by symbol."""
        found = np.zeros_like(self.lengths)
        for row, lengths in zip(found, self.lengths, strict=True):
            order = np.lexsort((np.arange(lengths.size), lengths))
            order = order[lengths[order] > 0]
            steps = np.int64(1) << (LONGEST - lengths[order])
            row[order] = (np.cumsum(steps) - steps) >> (LONGEST - lengths[order])
        return found

    @cached_property
    def lookup(self) -> np.ndarray:
        """symbol << 4 | length of every LONGEST bits, int32 [tables << LONGEST]; what is no code reads as one bit of 0."""
        found = np.ones((len(self.lengths), 1 << LONGEST), np.int32)
        for row, lengths in zip(found, self.lengths, strict=True):
            order = np.lexsort((np.arange(lengths.size), lengths))
            order = order[lengths[order] > 0]
            filled = np.repeat(order << 4 | lengths[order], np.int64(1) << (LONGEST - lengths[order]))
            row[: filled.size] = filled
        return found.ravel()

    def pack(self, symbols: np.ndarray, tables: np.ndarray | int = 0) -> bytes:
        """The string of symbols [m], each with its table [m]: lengths of the lanes, then all codes one after the other."""
        tables = np.broadcast_to(tables, symbols.shape)
        lengths, codes = self.lengths[tables, symbols], self.codes[tables, symbols]
        ends = np.cumsum(lengths)
        bits = np.zeros(int(ends[-1]) if ends.size else 0, np.uint8)
        starts = ends - lengths
        for place in range(int(lengths.max(initial=0))):
            (some,) = np.nonzero(lengths > place)
            bits[starts[some] + place] = (codes[some] >> (lengths[some] - 1 - place)) & 1
        lanes = np.add.reduceat(lengths, np.arange(0, symbols.size, LANE)) if symbols.size else np.empty(0)
        return lanes.astype("<u2").tobytes() + np.packbits(bits).tobytes()

    def unpack(self, data: bytes, tables: np.ndarray) -> np.ndarray:
        """The symbols int32 [m] of a string; tables [m] as they were. Of damaged strings anything, but never an error."""
        count = len(tables)
        lanes = -(-count // LANE)
        head = np.frombuffer(data[: 2 * lanes].ljust(2 * lanes, b"\0"), "<u2").astype(np.int64)
        body = np.frombuffer(data[2 * lanes :] + bytes(4), np.uint8).astype(np.int64)
        last = 8 * (len(body) - 4)
        at = np.minimum(np.cumsum(head) - head, last)
        padded = np.zeros(LANE * lanes, np.int64)
        padded[:count] = np.asarray(tables, np.int64) << LONGEST
        base = np.ascontiguousarray(padded.reshape(lanes, LANE).T)  # of step and lane
        found = np.zeros((LANE, lanes), np.int32)
        lookup, top = self.lookup, (1 << LONGEST) - 1
        for step in range(LANE if count > LANE else count):
            byte = at >> 3
            window = body[byte] << 16 | body[byte + 1] << 8 | body[byte + 2]
            entry = lookup[base[step] + ((window >> (24 - LONGEST - (at & 7))) & top)]
            found[step] = entry >> 4
            at = np.minimum(at + (entry & 15), last)
        return found.T.reshape(-1)[:count]

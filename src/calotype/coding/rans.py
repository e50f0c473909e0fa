"""Interleaved rANS in NumPy: symbols of many streams to bytes and back, in lock-step; knows no values and no models.

A stream has L lanes, each with a state in [2**16, 2**32); symbol i of a call goes to lane i mod L, step i div L. States
live on over all calls. Streams advance together as one array of lanes: a step costs a fixed number of NumPy calls, so
the more lanes it serves the better. Byte layout: docs/format-entropy.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from calotype.coding import layout
from calotype.coding.states import pack_states, unpack_states
from calotype.errors import CorruptError

__all__ = ["Decoder", "Encoder", "lanes_for"]

PRECISION, MASK, TOTAL = layout.PRECISION_BITS, (1 << layout.PRECISION_BITS) - 1, 1 << layout.PRECISION_BITS
LOW, WORD = layout.STATE_LOW, layout.WORD_BITS
BLOCK = 1 << 16  # symbols arranged at once: two int64 or four float64 arrays of this stay in the second-level cache


def lanes_for(payload_bits: float, symbols: int) -> int:
    """Lanes that keep a stream within 16 bytes + 1 % of its code length. The writer's choice: readers accept others."""
    if symbols < 64:
        return 1
    room = max(layout.LANES_LEAST, int(layout.LANES_FREE + payload_bits / 8 / layout.LANES_BYTES_PER_LANE))
    return 1 << min(layout.MAX_LANES_LOG2, room.bit_length() - 1)


@dataclass(frozen=True, slots=True)
class _Block:
    """Steps first..last of a call during which the same rows are active."""

    first: int
    last: int
    rows: int  # the first so many of the plan's rows
    lanes: int  # of them together


class _Plan:
    """How a call's symbols lie in lock-step: rows with the most steps first, so that those still active are a prefix.

    A row's last step may be partial; its free lanes hold the symbol that changes no state.
    """

    def __init__(self, counts: np.ndarray, lanes: np.ndarray) -> None:
        steps = -(-counts // lanes)
        order = np.argsort(-steps, kind="stable")
        order = order[: np.count_nonzero(steps)]
        self.rows = order.tolist()
        self.counts, self.lanes, self.steps = (a[order].tolist() for a in (counts, lanes, steps))
        self.starts = [0, *np.cumsum(self.lanes).tolist()]  # of each row's lanes

    def blocks(self) -> Iterator[_Block]:
        first = 0
        for active in range(len(self.rows), 0, -1):
            lanes, end = self.starts[active], self.steps[active - 1]
            at_once = max(1, BLOCK // lanes)
            for at in range(first, end, at_once):
                yield _Block(at, min(at + at_once, end), active, lanes)
            first = end

    def arrange(self, block: _Block, flat: np.ndarray, ends: np.ndarray, out: np.ndarray, filler: int) -> None:
        """Rows of the flat array of all rows -> [steps, lanes]."""
        for i in range(block.rows):
            lanes, at, begin = self.lanes[i], self.starts[i], ends[self.rows[i]]
            full = min(block.last, self.counts[i] // lanes)
            n = full - block.first
            out[:n, at : at + lanes] = flat[begin + block.first * lanes : begin + full * lanes].reshape(n, lanes)
            if full < block.last:
                rest = self.counts[i] - full * lanes
                out[n, at : at + rest] = flat[begin + full * lanes : begin + self.counts[i]]
                out[n, at + rest : at + lanes] = filler

    def collect(self, block: _Block, steps: np.ndarray, ends: np.ndarray, flat: np.ndarray) -> None:
        """The inverse of `arrange`."""
        for i in range(block.rows):
            lanes, at, begin = self.lanes[i], self.starts[i], ends[self.rows[i]]
            full = min(block.last, self.counts[i] // lanes)
            n = full - block.first
            flat[begin + block.first * lanes : begin + full * lanes].reshape(n, lanes)[...] = steps[:n, at : at + lanes]
            if full < block.last:
                rest = self.counts[i] - full * lanes
                flat[begin + full * lanes : begin + self.counts[i]] = steps[n, at : at + rest]


class Encoder:
    """Queues the calls of b rows; rANS is last-in first-out, so the work is done in `finish`."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.symbols = np.zeros(rows, np.int64)
        self._calls: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def push(self, tables: tuple[np.ndarray, np.ndarray], entries: np.ndarray, ends: np.ndarray) -> None:
        """Queue one call.

        tables    (frequencies, cumulative), float64, flat; the last entry is the symbol that changes no state
        entries   int32 [n] into them, row after row
        ends      int64 [b + 1]: row r has entries[ends[r]:ends[r + 1]]
        """
        if len(entries):
            self.symbols += np.diff(ends)
            self._calls.append((*tables, entries, ends))

    def finish(self, lanes: Sequence[int]) -> list[bytes]:
        """One stream a row: states, then words; rows without symbols give b""."""
        lanes_of = np.asarray(lanes, np.int64)
        starts = np.append(0, np.cumsum(lanes_of))
        states = np.full(starts[-1], float(LOW))
        room = int(self.symbols.sum())
        words, owners, left = np.empty(room, np.uint16), np.empty(room, np.uint16), room
        for frequencies, cumulative, entries, ends in reversed(self._calls):
            plan = _Plan(np.diff(ends), lanes_of)
            where = [slice(starts[r], starts[r + 1]) for r in plan.rows]
            x = np.concatenate([states[rows] for rows in where])
            owner = np.repeat(np.array(plan.rows, np.uint16), plan.lanes)
            for block in reversed(list(plan.blocks())):
                index = np.empty((block.last - block.first, block.lanes), np.intp)
                plan.arrange(block, entries, ends, index, len(frequencies) - 1)
                left = _encode(x[: block.lanes], frequencies.take(index), cumulative.take(index), owner, words, owners, left)
            for i, rows in enumerate(where):
                states[rows] = x[plan.starts[i] : plan.starts[i + 1]]
        words, owners = words[left:].astype("<u2", copy=False), owners[left:]
        return [pack_states(states[starts[r] : starts[r + 1]].astype(np.int64)) + words[owners == r].tobytes()
                if self.symbols[r] else b"" for r in range(self.rows)]  # fmt: skip


def _encode(
    x: np.ndarray, f: np.ndarray, c: np.ndarray, owner: np.ndarray, words: np.ndarray, owners: np.ndarray, left: int
) -> int:
    """Encode the steps of a block, last first, in float64: all values stay below 2**53, and division is fast there."""
    limits, rests = f * float(1 << (32 - PRECISION)), TOTAL - f
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


class Decoder:
    """Reads b streams in lock-step. Damage never raises here: a damaged row is flagged and gives zeros from then on.

    streams   one a row, b"" for rows without symbols
    lanes     of each row, 1 for rows without symbols
    """

    def __init__(self, streams: Sequence[bytes], lanes: Sequence[int]) -> None:
        self.flagged = np.zeros(len(streams), bool)
        self._lanes = np.asarray(lanes, np.int64)
        self._starts = np.append(0, np.cumsum(self._lanes))
        self._states = np.full(self._starts[-1], LOW, np.int64)
        words = []
        for r, (stream, count) in enumerate(zip(streams, lanes, strict=True)):
            words.append(np.empty(0, "<u2"))
            if not stream:
                continue
            try:
                states, rest = unpack_states(stream, count)
            except CorruptError:
                self.flagged[r] = True
                continue
            self._states[self._starts[r] : self._starts[r + 1]] = states
            words[r] = np.frombuffer(rest, "<u2")
        self._ends = np.cumsum([len(w) for w in words])
        self._next = self._ends - [len(w) for w in words]
        self._words = np.concatenate([*words, np.zeros(int(self._lanes.max(initial=1)), "<u2")]).astype(np.int64)

    def decode(self, lookup: np.ndarray, tables: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """The symbols of one call: int32 [n], row after row.

        lookup   int64, table << 14 | slot -> frequency | (slot - cumulative) << 16 | symbol << 32; its last table
                 must change no state
        tables   [n] unsigned integers below len(lookup) >> 14 (the caller's duty), row after row
        ends     int64 [b + 1]
        """
        symbols = np.zeros(len(tables), np.int32)
        plan = _Plan(np.where(self.flagged, 0, np.diff(ends)), self._lanes)
        if not plan.rows:
            return symbols
        where = [slice(self._starts[r], self._starts[r + 1]) for r in plan.rows]
        x = np.concatenate([self._states[rows] for rows in where])
        pointers = self._next[plan.rows]
        bounds = np.array(plan.starts)
        filler = (len(lookup) >> PRECISION) - 1
        for block in plan.blocks():
            base = np.empty((block.last - block.first, block.lanes), np.int64)
            plan.arrange(block, tables, ends, base, filler)
            base <<= PRECISION
            _decode(x[: block.lanes], base, lookup, self._words, pointers[: block.rows], bounds[: block.rows + 1])
            base >>= 32
            plan.collect(block, base, ends, symbols)
        for i, rows in enumerate(where):
            self._states[rows] = x[plan.starts[i] : plan.starts[i + 1]]
        self._next[plan.rows] = pointers
        self.flagged |= self._next > self._ends
        return symbols

    def finish(self) -> np.ndarray:
        """bool [b]: damaged rows, among them those with words left or a lane that does not end where it began."""
        ended = np.maximum.reduceat(self._states != LOW, self._starts[:-1]) if len(self.flagged) else self.flagged
        return self.flagged | ended | (self._next != self._ends)


def _decode(
    x: np.ndarray, base: np.ndarray, lookup: np.ndarray, words: np.ndarray, pointers: np.ndarray, bounds: np.ndarray
) -> None:
    """Decode the steps of a block in place: `base` (table << 14) becomes the entries of the lookup."""
    s, low = np.empty(len(x), np.int64), np.empty(len(x), bool)
    mask, precision, half, word, state_low = (np.array(v) for v in (MASK, PRECISION, 0xFFFF, WORD, LOW))
    count, single = np.arange(len(x)), len(pointers) == 1
    at = int(pointers[0])
    lower, upper = bounds[:-1], bounds[1:]
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
        right(e, word, s)
        bit_and(s, half, s)
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
                begin, end = j.searchsorted(lower), j.searchsorted(upper)
                place = (pointers - begin).repeat(end - begin)
                place += count[:n]
                pointers += end
                pointers -= begin
                v += fetch(place, None, None, "clip")
            x[j] = v
    if single:
        pointers[0] = at

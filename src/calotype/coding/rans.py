"""Interleaved rANS in NumPy: symbols of many streams to bytes and back, in lock-step; knows no values and no models.

A stream has lanes, each with a state in [2**16, 2**32); symbol i of a call goes to lane i mod L, step i div L. States
live on over all calls. Streams advance together as one array of lanes: a step costs a fixed number of NumPy calls, so
the more lanes it serves the better. Byte layout: docs/format-entropy.md; inner loops: steps.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calotype.coding import layout
from calotype.coding.lockstep import Block, Plan
from calotype.coding.states import pack_states, unpack_states
from calotype.coding.steps import decode_steps, encode_steps
from calotype.coding.taper import Taper, choose
from calotype.errors import FormatError

__all__ = ["Decoder", "Encoder"]

LOW, PRECISION = layout.STATE_LOW, layout.PRECISION_BITS
GONE = 0xFFFF  # owner of a word that went into a lane
NEVER = np.iinfo(np.int64).max


class _Lanes:
    """The lanes of all rows, row after row in one array of states; a row in its taper uses the first of its own."""

    def __init__(self, tapers: Sequence[Taper], now: Sequence[int], dtype: type) -> None:
        self.starts = np.append(0, np.cumsum([taper.lanes for taper in tapers]))
        self.now = np.array(now, np.int64)
        self.states = np.full(self.starts[-1], LOW, dtype)

    def of(self, row: int) -> slice:
        return slice(self.starts[row], self.starts[row] + self.now[row])

    def gather(self, plan: Plan) -> np.ndarray:
        return np.concatenate([self.states[self.of(row)] for row in plan.rows])

    def scatter(self, plan: Plan, x: np.ndarray) -> None:
        for i, row in enumerate(plan.rows):
            self.states[self.of(row)] = x[plan.starts[i] : plan.starts[i + 1]]


class Encoder:
    """Queues the calls of b rows; rANS is last-in first-out, so the work is done in `finish`."""

    def __init__(self, rows: int, most_lanes_log2: int = layout.MAX_LANES_LOG2) -> None:
        self.rows, self._most_log2 = rows, most_lanes_log2
        self.symbols = np.zeros(rows, np.int64)
        self._bits = np.zeros(rows)
        self._calls: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def push(
        self, tables: tuple[np.ndarray, np.ndarray], entries: np.ndarray, ends: np.ndarray, bits: np.ndarray
    ) -> None:
        """Queue one call.

        tables    (frequencies, cumulative), float64, flat; the last entry is the symbol that changes no state
        entries   [n] integers into them, row after row
        ends      int64 [b + 1]: row r has entries[ends[r]:ends[r + 1]]
        bits      [b], code length of each row's
        """
        if len(entries):
            self.symbols += np.diff(ends)
            self._bits += bits
            self._calls.append((*tables, entries, ends))

    def finish(self) -> list[tuple[Taper, bytes]]:
        """(lanes, states and words) of each row; b"" for rows without symbols."""
        tapers = [self._choose(row) for row in range(self.rows)]
        lanes = _Lanes(tapers, [taper.final for taper in tapers], np.float64)
        switches = [taper.switches() for taper in tapers]
        position = self.symbols.copy()
        out = _Words(int(self.symbols.sum()))
        for frequencies, cumulative, entries, ends in reversed(self._calls):
            left = np.diff(ends)
            while left.any():
                until = position - [row[-1] if row else 0 for row in switches]
                count = np.minimum(left, until)
                left -= count
                plan = Plan(ends[:-1] + left, count, lanes.now)
                x, owner = lanes.gather(plan), np.repeat(np.array(plan.rows, np.uint16), plan.lanes)
                for block in reversed(list(plan.blocks())):
                    index = np.empty((block.last - block.first, block.lanes), np.intp)
                    plan.arrange(block, entries, index, len(frequencies) - 1)
                    f, c = frequencies.take(index), cumulative.take(index)
                    out.left = encode_steps(x[: block.lanes], f, c, owner, out.words, out.owners, out.left)
                lanes.scatter(plan, x)
                position -= count
                for row in plan.rows:
                    while switches[row] and position[row] == switches[row][-1]:
                        switches[row].pop()
                        more = int(lanes.now[row])
                        lanes.now[row] = 2 * more
                        lanes.states[lanes.of(row)][more:] += out.pop(row, more)
        return [(taper, pack_states(lanes.states[lanes.of(row)].astype(np.int64)) + out.of(row))
                if self.symbols[row] else (Taper(), b"") for row, taper in enumerate(tapers)]  # fmt: skip

    def _choose(self, row: int) -> Taper:
        """The row's lanes, from the code lengths of its last symbols."""
        wanted = layout.TAPER_BITS * min(1 << layout.MAX_LANES_LOG2,
                                         16 + self._bits[row] / 8 * layout.ROOM_SHARE / layout.RETIRED_BYTES)  # fmt: skip
        tail, have = [np.empty(0)], 0.0
        for frequencies, _, entries, ends in reversed(self._calls):
            stop = ends[row + 1]
            while stop > ends[row] and have < wanted:
                start = max(ends[row], stop - 4096)
                tail.append(PRECISION - np.log2(frequencies.take(entries[start:stop][::-1])))
                have += float(tail[-1].sum())
                stop = start
        return choose(int(self.symbols[row]), float(self._bits[row]), np.concatenate(tail), self._most_log2)


class _Words:
    """Words of all rows as they are emitted: written from the end to the front, each with its row."""

    def __init__(self, room: int) -> None:
        self.words, self.owners, self.left = np.empty(room, np.uint16), np.empty(room, np.uint16), room

    def pop(self, row: int, count: int) -> np.ndarray:
        """The row's next `count` words in reading order, which leave the stream; the taper saw to it that they exist."""
        mine = self.left + np.flatnonzero(self.owners[self.left :] == row)[:count]
        assert len(mine) == count, "a taper without payload"
        self.owners[mine] = GONE
        return self.words[mine]

    def of(self, row: int) -> bytes:
        return self.words[self.left :][self.owners[self.left :] == row].astype("<u2", copy=False).tobytes()


class Decoder:
    """Reads b streams in lock-step. Damage never raises here: a damaged row is flagged and gives zeros from then on.

    streams    (lanes, states and words) of each row, b"" for rows without symbols
    embedded   a stream that ends early is no damage: what is known of the last call says `known`, int64 [b]
    """

    def __init__(self, streams: Sequence[tuple[Taper, bytes]], *, embedded: bool = False) -> None:
        self.flagged = np.zeros(len(streams), bool)
        self.known = np.zeros(len(streams), np.int64)
        self._embedded, self._dry = embedded, np.array([embedded and not stream for _, stream in streams], bool)
        self._lanes = _Lanes([taper for taper, _ in streams], [taper.lanes for taper, _ in streams], np.int64)
        self._position = np.zeros(len(streams), np.int64)
        self._switches = [taper.switches() for taper, _ in streams]
        self._symbols = np.array([taper.symbols for taper, _ in streams])
        words: list[np.ndarray] = []
        begins, ends, at = [], [], 0
        for row, (taper, stream) in enumerate(streams):
            mine = np.empty(0, "<u2")
            if stream:
                try:
                    self._lanes.states[self._lanes.of(row)], rest = unpack_states(stream, taper.lanes)
                    mine = np.frombuffer(rest, "<u2")
                except FormatError:
                    (self._dry if embedded else self.flagged)[row] = True
            # Retiring lanes put their words before those not yet read; there is room for all of them.
            words += [np.zeros(taper.lanes, "<u2"), mine]
            begins.append(at + taper.lanes)
            at += taper.lanes + len(mine)
            ends.append(at)
        self._next, self._ends = np.array(begins), np.array(ends)
        self._words = np.concatenate([*words, np.zeros(1, "<u2")]).astype(np.int64)

    def decode(self, lookup: np.ndarray, tables: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """The symbols of one call: int32 [n], row after row.

        lookup   int64, at table << 14 | slot what tables.lookup_entries says; its last table changes no state
        tables   [n] integers from 0, below len(lookup) >> 14 (the caller's duty), row after row
        ends     int64 [b + 1]
        """
        symbols = np.zeros(len(tables), np.int32)
        self.known = np.where(self._dry, 0, np.diff(ends))
        if not len(tables):
            return symbols
        left = np.where(self.flagged | self._dry, 0, np.diff(ends))
        filler = (len(lookup) >> PRECISION) - 1
        while left.any():
            for row in np.flatnonzero(left).tolist():
                while self._switches[row] and self._position[row] == self._switches[row][0]:
                    self._halve(row)
            left[self.flagged | self._dry] = 0
            until = [row[0] if row else NEVER for row in self._switches] - self._position
            count = np.minimum(left, until)
            plan = Plan(ends[1:] - left, count, self._lanes.now)
            if not plan.rows:
                break
            x, pointers, bounds = self._lanes.gather(plan), self._next[plan.rows], np.array(plan.starts)
            for block in plan.blocks():
                base = np.empty((block.last - block.first, block.lanes), np.int64)
                plan.arrange(block, tables, base, filler)
                base <<= PRECISION
                asked = x[: block.lanes], base, lookup, self._words, pointers[: block.rows], bounds[: block.rows + 1]
                if self._embedded:
                    self._until_dry(plan, block, asked, np.diff(ends) - left)
                else:
                    decode_steps(*asked)
                base <<= 16
                base >>= 32
                plan.collect(block, base, symbols)
            self._lanes.scatter(plan, x)
            self._next[plan.rows] = pointers
            if not self._embedded:
                self.flagged |= self._next > self._ends
            self._position += count
            left -= count
            left[self.flagged | self._dry] = 0
        return symbols

    def _until_dry(self, plan: Plan, block: Block, asked: tuple[np.ndarray, ...], before: np.ndarray) -> None:
        """Decode a block, and note the rows that run out of words in it: what is known ends with the step that lacks one.

        before   int64 [b], symbols of this call that each row had before the plan
        """
        x, base, lookup, words, pointers, bounds = asked
        kept = x.copy(), base.copy(), pointers.copy()
        decode_steps(*asked)
        rows = np.array(plan.rows[: block.rows])
        if not ((pointers > self._ends[rows]) & ~self._dry[rows]).any():
            return
        x[:], base[:], pointers[:] = kept
        for step in range(len(base)):  # once in the life of a stream
            decode_steps(x, base[step : step + 1], lookup, words, pointers, bounds)
            for i in np.flatnonzero((pointers > self._ends[rows]) & ~self._dry[rows]).tolist():
                reached = min((block.first + step + 1) * plan.lanes[i], plan.counts[i])
                self.known[rows[i]] = before[rows[i]] + reached
                self._dry[rows[i]] = True

    def finish(self) -> np.ndarray:
        """bool [b]: damaged rows, among them those with words left or a lane that does not end where it began."""
        wrong = self.flagged | (self._next != self._ends) | [bool(row) for row in self._switches]
        wrong |= (self._symbols > 0) & (self._symbols != self._position)
        wrong |= [bool((self._lanes.states[self._lanes.of(row)] != LOW).any()) for row in range(len(wrong))]
        return np.where(self._dry, self.flagged, wrong)

    def _halve(self, row: int) -> None:
        """Retire the upper half of a row's lanes: their states hold the words that come next."""
        self._switches[row].pop(0)
        kept = int(self._lanes.now[row]) // 2
        words = self._lanes.states[self._lanes.of(row)][kept:] - LOW
        self._lanes.now[row] = kept
        if words.min() < 0 or words.max() > 0xFFFF:
            self.flagged[row] = True
            return
        self._next[row] -= kept
        self._words[self._next[row] : self._next[row] + kept] = words

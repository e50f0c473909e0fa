"""A decoder written from docs/format-entropy.md alone: one symbol at a time, plain integers, no NumPy, nothing of ours.

It takes what the page takes as given, and raises ValueError where the page says "damaged". Slow on purpose.
"""

from __future__ import annotations

import math


class Table:
    """Frequencies of entries, last the escape; an empty list is the certain zero."""

    def __init__(self, offset, frequencies):
        self.low, self.size = offset, max(len(frequencies) - 1, 0)
        self.high = offset + self.size - 1
        self.frequencies = frequencies
        self.entry_of_slot = [j for j, f in enumerate(frequencies) for _ in range(f)]
        self.cumulative = [sum(frequencies[:j]) for j in range(len(frequencies))] if len(frequencies) < 600 else None
        if self.cumulative is None:
            self.cumulative, below = [], 0
            for f in frequencies:
                self.cumulative.append(below)
                below += f


UNIFORM = {k: Table(0, [2 ** (14 - k)] * 2**k) for k in range(1, 9)}


def positions(shape, steps=None, step=None):
    """(channel, row, column) in coding order; `steps` [c][2][2] for a lattice."""
    channels, height, width = shape
    if steps is None:
        return [(c, y, x) for c in range(channels) for y in range(height) for x in range(width)]
    return [(c, y, x) for dy in (0, 1) for dx in (0, 1) for c in range(channels) if steps[c][dy][dx] == step
            for y in range(dy, height, 2) for x in range(dx, width, 2)]  # fmt: skip


def number(data, at):
    """A number of seven bits a byte."""
    value = 0
    for i in range(5):
        byte = data[at + i]
        value += (byte % 128) * 128**i
        if byte < 128:
            if byte == 0 and i > 0:
                raise ValueError("not the shortest form")
            return value, at + i + 1
    raise ValueError("number too long")


class SecondDecoder:
    """One tile."""

    def __init__(self, stream, key=b""):
        self.hash = crc32(key, 0)
        self.strings, self.words, self.states = [], [], []
        self.lanes = self.final = 1
        self.symbols = self.halving = self.decoded = 0
        if not stream:
            self.states = [65536]
            return
        first, at = stream[0], 1
        if first >= 128:
            count = int.from_bytes(stream[at : at + 2], "little")
            at += 2
            if count == 0:
                raise ValueError("no byte strings")
            lengths = [int.from_bytes(stream[at + 4 * i : at + 4 * i + 4], "little") for i in range(count)]
            at += 4 * count
            for length in lengths:
                self.strings.append(stream[at : at + length])
                at += length
        if first % 128 == 127:
            if at != len(stream) or not self.strings:
                raise ValueError("something after nothing")
            self.states = [65536]
            return
        log2, final_log2 = first % 16, first % 128 // 16
        if log2 > 11 or final_log2 > min(log2, 7):
            raise ValueError("lanes")
        self.lanes, self.final = 2**log2, 2**final_log2
        if self.final < self.lanes:
            self.symbols, at = number(stream, at)
            self.halving, at = number(stream, at)
            if self.halving < 1 or self.halving * self.lanes > self.symbols:
                raise ValueError("taper")
        lower = [int.from_bytes(stream[at + 2 * i : at + 2 * i + 2], "little") for i in range(self.lanes)]
        at += 2 * self.lanes
        bits = "".join(f"{byte:08b}" for byte in stream[at:])
        lengths = [int(bits[4 * i : 4 * i + 4], 2) for i in range(self.lanes)]
        place = 4 * self.lanes
        for low, length in zip(lower, lengths, strict=True):
            self.states.append(int("1" + bits[place : place + length], 2) * 65536 + low)
            place += length
        used = math.ceil(place / 8)
        if "1" in bits[place : 8 * used] or len(bits) < place:
            raise ValueError("filling")
        at += used
        if (len(stream) - at) % 2:
            raise ValueError("half a word")
        self.words = [int.from_bytes(stream[i : i + 2], "little") for i in range(at, len(stream), 2)]
        self.words.reverse()  # the next one is the last

    def group(self, tables):
        """The entries of a group."""
        entries, lane = [], 0
        for table in tables:
            lane = 0 if self._halve() else lane
            entries.append(self._symbol(lane, table))
            lane = (lane + 1) % self.lanes
        self._halve()
        return entries

    def _halve(self):
        halved = False
        while self.final < self.lanes and self.decoded == self.symbols - self.halving * self.lanes:
            ended = [state - 65536 for state in self.states[self.lanes // 2 :]]
            if not all(0 <= word < 65536 for word in ended):
                raise ValueError("a lane ends wrongly")
            self.words += reversed(ended)
            self.lanes //= 2
            self.states = self.states[: self.lanes]
            halved = True
        return halved

    def _symbol(self, lane, table):
        x = self.states[lane]
        slot = x % 2**14
        j = table.entry_of_slot[slot]
        x = table.frequencies[j] * (x // 2**14) + slot - table.cumulative[j]
        if x < 2**16:
            if not self.words:
                raise ValueError("out of words")
            x = x * 2**16 + self.words.pop()
        self.states[lane] = x
        self.decoded += 1
        return j

    def call(self, tables, means, legal):
        """Values in sixteenths of all positions of a call, in order."""
        low16, high16 = 16 * legal[0], 16 * legal[1]
        coded = [table for table in tables if table.size]
        entries = self.group(coded)
        symbols = [table.low + j for table, j in zip(coded, entries, strict=True)]
        escaped = [i for i, (table, j) in enumerate(zip(coded, entries, strict=True)) if j == table.size]
        if escaped:
            classes = self.group([UNIFORM[5]] * len(escaped))
            excess = [2**q for q in classes]
            for i in range(4):
                some = [e for e, q in enumerate(classes) if q > 8 * i]
                chunks = self.group([UNIFORM[min(8, classes[e] - 8 * i)] for e in some])
                for e, chunk in zip(some, chunks, strict=True):
                    excess[e] += chunk * 2 ** (8 * i)
            for i, x, sign in zip(escaped, excess, self.group([UNIFORM[1]] * len(escaped)), strict=True):
                symbols[i] = coded[i].low - x if sign else coded[i].high + x
        values, following = [], iter(symbols)
        for table, mean in zip(tables, means, strict=True):
            if table.size:
                value = 16 * next(following) + mean
                if not low16 <= value <= high16:
                    raise ValueError("illegal value")
            else:
                value = min(max(mean, low16), high16)
            values.append(value)
        width = 2 if low16 >= -(2**15) and high16 < 2**15 else 4
        self.hash = crc32(b"".join(value.to_bytes(width, "little", signed=True) for value in values), self.hash)
        return values

    def opaque(self):
        string = self.strings.pop(0)
        self.hash = crc32(len(string).to_bytes(4, "little") + string, self.hash)
        return string

    def finish(self):
        """The hash; ValueError unless everything ended as it should."""
        if any(state != 65536 for state in self.states) or self.words or self.strings or self.lanes != self.final:
            raise ValueError("something is left")
        if self.symbols and self.symbols != self.decoded:
            raise ValueError("number of symbols")
        return self.hash.to_bytes(4, "little")


def crc32(data, before):
    """CRC-32 as in PNG, going on from the CRC-32 of what came before."""
    register = before ^ 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF

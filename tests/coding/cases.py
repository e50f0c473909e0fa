"""Whatever a walk may hand to a port, drawn from a seed: banks, shapes, lattices, means, values that escape."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from calotype.coding.counter import Counter
from calotype.coding.frequencies import bank_from_probabilities
from calotype.coding.lattice import FULL, Lattice
from calotype.coding.reader import Reader
from calotype.coding.writer import Writer


@dataclass(frozen=True, eq=False)
class Plain:
    """A distribution: round(value - mean) with a given table."""

    table: np.ndarray
    mean16: np.ndarray | None
    bank: str = "bank"

    def take(self, lattice):
        mean16 = None if self.mean16 is None else lattice.take(self.mean16)
        return replace(self, table=lattice.take(self.table), mean16=mean16)

    def quantize(self, values, tradeoff=None):
        mean = 0 if self.mean16 is None else self.mean16.astype(np.float32) / 16
        return np.floor(values - mean + 0.5)

    def restore(self, symbols):
        return symbols.astype(np.float32) + (0 if self.mean16 is None else self.mean16.astype(np.float32) / 16)


class Opaque16:
    """The same without `mean16`: ports must manage with `restore`."""

    def __init__(self, plain):
        self.plain, self.table, self.bank = plain, plain.table, plain.bank

    def take(self, lattice):
        return Opaque16(self.plain.take(lattice))

    def quantize(self, values, tradeoff=None):
        return self.plain.quantize(values, tradeoff)

    def restore(self, symbols):
        return self.plain.restore(symbols)


def random_bank(rng):
    """1 to 9 tables, some certain, some of one symbol, some off centre."""
    tables = []
    for _ in range(rng.integers(1, 10)):
        size = int(rng.choice([0, 1, 2, 5, 40]))
        p = rng.random(size) ** 8 + 1e-9
        tables.append((int(rng.integers(-3, 3)) - size // 2, p / p.sum() * rng.uniform(0.8, 1) if size else p))
    return bank_from_probabilities(tables)


@dataclass(frozen=True, eq=False)
class Case:
    """One batch of tiles and the walk over it."""

    shapes: dict
    banks: dict
    ranges: dict
    keys: list
    calls: list  # (name, distribution, lattice)
    values: dict
    strings: dict = field(default_factory=dict)  # call number -> byte strings

    def walk(self, port, reading):
        arrays, strings = {}, []
        for i, (name, distribution, lattice) in enumerate(self.calls):
            if i in self.strings:
                strings.append(port.opaque(f"opaque{i}", None if reading else self.strings[i]))
            values = None if reading else self.values[name]
            arrays[name] = port.code(name, values, distribution, lattice, arrays.get(name))
        return arrays, strings

    def write(self):
        writer = Writer(self.shapes, self.banks, self.ranges, keys=self.keys)
        walked = self.walk(writer, False)
        return walked, writer.finish(), writer.bits

    def count(self):
        counter = Counter(self.shapes, self.banks, self.ranges)
        return self.walk(counter, False), counter.bits

    def read(self, written, keys=None, strict=False, rows=None):
        streams, hashes = zip(*written, strict=True)
        reader = Reader(self.shapes, self.banks, self.ranges, streams, hashes, keys or self.keys, strict=strict)
        return self.walk(reader, True), reader.finish()


def random_case(seed, side=24, restoring=False):
    """A case from a seed; about one row in eight has nothing coded."""
    rng = np.random.default_rng(seed)
    bank = random_bank(rng)
    rows = int(rng.integers(1, 5))
    shapes, ranges, values, calls = {}, {}, {}, []
    for name in ("a", "b")[: rng.integers(1, 3)]:
        shape = (rows, int(rng.integers(1, 5)), int(rng.integers(1, side)), int(rng.integers(1, side)))
        low, high = [(-2048, 2047), (-30, 30), (-300_000, 300_000), (2, 9)][rng.integers(4)]
        table = rng.integers(0, len(bank), shape)
        table[rng.random(rows) < 0.12] = int(np.flatnonzero(bank.sizes == 0)[0]) if (bank.sizes == 0).any() else 0
        if rng.random() < 0.5:
            table[:, : shape[1] // 2] = rng.integers(0, len(bank))
        kinds = [None, np.int16, np.float32, np.int32]
        kind = kinds[rng.integers(4)]
        mean16 = None if kind is None else rng.integers(-200, 200, shape).astype(kind)
        plain = Plain(table.astype([np.uint8, np.float32, np.int64][rng.integers(3)]), mean16)
        wild = rng.random(shape) < 0.01
        shapes[name], ranges[name] = shape, (low, high)
        values[name] = (rng.laplace(0, 1.5, shape) * np.where(wild, 10.0 ** rng.integers(1, 6), 1)).astype(np.float32)
        steps = int(rng.integers(1, 4))
        pattern = rng.integers(0, steps, (shape[1], 2, 2))
        lattices = [Lattice.from_steps(pattern, step) for step in range(steps)] if steps > 1 else [FULL]
        calls += [(name, Opaque16(plain) if restoring else plain, lattice) for lattice in lattices]
    strings = {0: [rng.bytes(int(rng.integers(0, 20))) for _ in range(rows)]} if rng.random() < 0.3 else {}
    keys = [b"file" + bytes([row]) for row in range(rows)]
    return Case(shapes, {"bank": bank}, ranges, keys, calls, values, strings)

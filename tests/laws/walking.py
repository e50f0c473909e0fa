"""Running a model's walk against any port and any networks: what the laws have in common. No tests here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tests import tiny

from calotype import transforms, walks
from calotype.coding.counter import Counter
from calotype.coding.lattice import FULL
from calotype.coding.reader import Reader
from calotype.coding.writer import Writer
from calotype.model.bundle import Model
from calotype.tiles import Grid


def walk_of(model: Model) -> Any:
    return walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))


@dataclass
class Case:
    """Latents of equal tiles at given rates, and all that ports need to code them."""

    model: Model
    shapes: dict[str, tuple[int, int, int, int]]
    latents: Mapping[str, np.ndarray]
    rates: np.ndarray
    keys: list[bytes]
    walk: Any = None
    nets: Any = None
    tradeoffs: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.walk = self.walk or walk_of(self.model)
        self.nets = self.nets or self.model.nets(self.rates)
        self.banks = self.model.banks
        self.ranges = {
            name: (entry.low, entry.high) for name, entry in self.model.manifest.latents.items() if entry.coded
        }

    def write(self) -> tuple[dict[str, np.ndarray], list[bytes], list[bytes], np.ndarray]:
        """Values, streams, hashes, bits."""
        port = Writer(self.shapes, self.banks, self.ranges, self.tradeoffs, self.keys)
        values = self.walk(self.nets, port, self.latents)
        streams, hashes = zip(*port.finish(), strict=True)
        return values, list(streams), list(hashes), port.bits

    def count(self, counter: type = Counter) -> Any:
        port = counter(self.shapes, self.banks, self.ranges, self.tradeoffs)
        self.walk(self.nets, port, self.latents)
        return port

    def read(
        self, streams: list[bytes], hashes: list[bytes], walk: Any = None, nets: Any = None
    ) -> tuple[dict, np.ndarray]:
        """Values and flags."""
        port = Reader(self.shapes, self.banks, self.ranges, streams, hashes, self.keys, strict=False)
        values = (walk or self.walk)(nets or self.nets, port)
        return values, port.finish()


def shapes_of(model: Model, rows: int, height: int, width: int) -> dict[str, tuple[int, int, int, int]]:
    return {
        name: (rows, entry.channels, -(-height // entry.stride), -(-width // entry.stride))
        for name, entry in model.manifest.latents.items()
        if entry.coded
    }


def case_of(recipe: str, rates: tuple[int, ...] = (0, 511, 1023), cells: tuple[int, int] = (1, 2), wild: float = 0.0,
            seed: int = 0) -> Case:  # fmt: skip
    """Tiles of a tiny model, one per rate, `cells` aligned cells high and wide; `wild`: share of values far out."""
    model = tiny.model(recipe)
    align = max(model.manifest.align_px, 32)
    height, width = cells[0] * align, cells[1] * align
    pieces, transform = [], transforms.of(model)
    for row, rate in enumerate(rates):
        grid = Grid(height, width, side_px=align * max(cells), align_px=model.manifest.align_px)
        pixels = tiny.picture(height, width, seed=seed + row)
        pieces.append(transform.analysis(pixels, grid, rate, None).latents(grid[0]))
    latents = {name: np.array(array) for name, array in transforms.stacked(pieces).items()}
    random = np.random.default_rng(seed)
    for name, array in latents.items():
        entry = model.manifest.latents[name]
        out = random.random(array.shape) < wild
        array[out] = random.uniform(1.2 * entry.low, 1.2 * entry.high, np.count_nonzero(out))
    keys = [f"{recipe}/{row}".encode() for row in range(len(rates))]
    return Case(model, shapes_of(model, len(rates), height, width), latents, np.array(rates), keys)


def equal(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


class Dreaming:
    """A port that decodes nothing: values are drawn by `seeds[call]`, and every distribution is recorded.

    code    what a reader would return for some stream, whatever values it is given
    """

    def __init__(self, case: Case, seeds: list[int]) -> None:
        self.case, self.seeds, self.seen = case, seeds, []

    def shape(self, name: str) -> tuple[int, int, int, int]:
        return self.case.shapes[name]

    def code(self, name: str, values: Any, distribution: Any, lattice: Any = FULL, onto: Any = None) -> np.ndarray:
        shape, call = self.shape(name), len(self.seen)
        mean16 = 0 if distribution.mean16 is None else np.broadcast_to(distribution.mean16, shape)
        table = np.broadcast_to(distribution.table, shape)
        self.seen.append(
            (name, distribution.bank, np.array(lattice.take(table)), np.array(lattice.take(mean16 + 0 * table)))
        )
        random = np.random.default_rng(self.seeds[min(call, len(self.seeds) - 1)])
        coded = self.case.banks[distribution.bank].coded.take(table.astype(np.intp), mode="clip")
        symbols = np.round(random.laplace(0, 1.5, shape)).clip(-40, 40) * coded
        restored = (symbols + mean16 / 16).astype(np.float32)
        low, high = self.case.ranges[name]
        restored = np.clip(restored, low, high)
        return lattice.put(lattice.take(restored), np.zeros(shape, np.float32) if onto is None else np.array(onto))

    def run(self, name: str, symbols: Any, bank: str, tables: np.ndarray, ends: np.ndarray) -> Any:
        sizes, call = self.case.banks[bank].sizes, len(self.seen)
        self.seen.append((name, bank, np.array(tables), np.array(ends)))
        random = np.random.default_rng(self.seeds[min(call, len(self.seeds) - 1)])
        return random.integers(0, sizes[np.minimum(tables, len(sizes) - 1)].astype(np.int64)), np.diff(ends)

    def segment(self) -> None:
        pass

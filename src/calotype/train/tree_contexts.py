"""Tables of quad trees: what splits, means and leaves are on pictures, by class and expectation. NumPy only.

Designs what walks/quadtree.py and its leaves look up; nothing here runs when a picture is coded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calotype.coding.frequencies import bank_from_probabilities
from calotype.coding.lattice import FULL
from calotype.coding.positions import Bound
from calotype.coding.tables import TableBank
from calotype.model.manifest import Latent
from calotype.train.block_contexts import Counts, Probe, binned_tables, laplace, spread_tables
from calotype.train.design import Design
from calotype.walks import interlaced
from calotype.walks.blocks import BINS
from calotype.walks.fractal import PLACES
from calotype.walks.quadtree import FLAGS, KINDS, SPLIT_CLASSES, QuadTree, flags_of

__all__ = ["designed", "flags", "padded", "places", "tree_design"]

_BINNED = ("mean", "amplitude", "contrast")  # names whose tables are chosen by an expectation
CHROMA = 1.3  # steps of chroma, relative to those of luma
_TRUST = 8.0  # symbols that the chance of a whole class counts for, in each bin of it


def flags() -> TableBank:
    """The bank "flags": table i has a one with logit -6 + 12 (i - 1) / (FLAGS - 2); table 0 is the certain zero."""
    share = 1 / (1 + np.exp(6 - 12 * np.arange(FLAGS - 1) / (FLAGS - 2)))
    return bank_from_probabilities([(0, np.empty(0)), *((0, np.array([1 - p, p])) for p in share)])


def places() -> TableBank:
    """The bank "places": table n codes one of n, all equally likely; below two there is nothing to code."""
    uniform = [(0, np.full(n, 1 / n) if n > 1 else np.empty(0)) for n in range(PLACES + 1)]
    return bank_from_probabilities(uniform)


def padded(crops: Sequence[np.ndarray], align_px: int) -> list[np.ndarray]:
    """Samples float32 [1, 3, h, w] of pictures uint8 [h, w, 3], sides cut to multiples of `align_px` (or repeated)."""
    found = []
    for crop in crops:
        height, width = (max(align_px, side // align_px * align_px) for side in crop.shape[:2])
        part = crop[:height, :width]
        part = np.pad(part, ((0, height - part.shape[0]), (0, width - part.shape[1]), (0, 0)), mode="edge")
        found.append(part.transpose(2, 0, 1)[None].astype(np.float32))
    return found


class Tallies(Probe):
    """A port that counts |symbol| by class, and of other banks than "laplace" which symbols there are."""

    def __init__(self, shapes: Mapping[str, tuple[int, int, int, int]], seen: dict[str, Counts]) -> None:
        super().__init__(shapes, seen)
        self.symbols: dict[str, np.ndarray] = {}

    def code(self, name: str, values: Any, distribution: Any, lattice: Any = FULL, onto: Any = None) -> np.ndarray:
        if distribution.bank == "shapes":
            bound = Bound(lattice, self._shapes[name])
            coded = bound.take(distribution.index).reshape(-1) > 0
            symbols = bound.take(values).reshape(-1).astype(np.int64)[coded]
            self.symbols[name] = np.bincount(symbols, minlength=1)
        certain = np.broadcast_to(np.asarray(distribution.index) <= 0, self._shapes[name])
        if distribution.bank != "laplace" or getattr(distribution, "mean16", None) is None:
            values = np.where(certain, 0, values)
        found = super().code(name, values, distribution, lattice, onto)
        return found


def designed(
    walk: QuadTree,
    latents: Mapping[str, tuple[int, int, int, int]],
    sample: Sequence[np.ndarray],
    rates: Sequence[Mapping[str, np.ndarray]],
    rows: dict[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], dict[str, TableBank]]:
    """All rows and banks that the walk asks for.

    latents   {name: channels, stride, low, high}        sample   float32 [1, 3, h, w] of pictures
    rates     the rows "<kind>.step" at each of the rates to look at      rows   what the walk needs besides
    """
    probing = dict(rows)
    shaped: dict[str, int] = {}  # names that the bank "shapes" codes, and their values
    for name, (_, _, _, high) in latents.items():
        if name.endswith(".root"):
            planes = latents[name][0] // interlaced.CELL**2
            classes = planes * interlaced.PASSES * interlaced.CLASSES
            probing[f"{name}.scale"] = np.arange(classes).reshape(-1, interlaced.CLASSES) + 1
        elif ".split" in name:
            probing[f"{name}.bins"] = np.arange(SPLIT_CLASSES * BINS).reshape(-1, BINS) + 1
        elif name.partition(".")[2].startswith(_BINNED):
            probing[f"{name}.bins"] = np.arange(BINS)[None] + 1
        elif ".shape" in name:
            probing[f"{name}.table"] = np.ones((1, 1), np.int64)
            shaped[name] = high + 1
    seen: dict[str, Counts] = {}
    counts = {name: np.zeros(count) for name, count in shaped.items()}
    for row in rates:
        for samples in sample:
            height, width = samples.shape[2:]
            shapes = {name: (1, c, height // px, width // px) for name, (c, px, _, _) in latents.items()}
            port = Tallies(shapes, seen)
            walk(_Nets(probing, row), port, {"samples": samples})
            for name, found in port.symbols.items():
                counts[name][: len(found)] += found
    banks = {"laplace": laplace(), "flags": flags(), "places": places()}
    made = dict(rows)
    tables: list[tuple[int, np.ndarray]] = [(0, np.empty(0))]
    for name in latents:
        counted = {key - 1: value for key, value in seen.get(name, {}).items() if key > 0}
        if name.endswith(".root"):
            made[f"{name}.scale"] = spread_tables(counted, len(probing[f"{name}.scale"]))
        elif ".split" in name:
            made[f"{name}.bins"] = _chances(counted)
        elif name in shaped:
            share = counts[name] + 0.5
            made[f"{name}.table"] = np.full((1, 1), len(tables))
            tables.append((0, share / share.sum()))
        elif f"{name}.bins" in probing:
            made[f"{name}.bins"] = binned_tables(counted, 1)
    if shaped:
        banks["shapes"] = bank_from_probabilities(tables)
    return made, banks


def tree_design(
    name: str,
    parameters: Mapping[str, Any],
    walk: QuadTree,
    steps: np.ndarray,
    larger: float,
    crops: Sequence[np.ndarray],
    rows: dict[str, np.ndarray],
) -> Design:
    """The design of a recipe whose walk is a quad tree.

    name, parameters   of the walk       steps    of 4x4 pixels at each rate anchor, in samples
    larger             a step's factor for twice the side
    crops              uint8 [h, w, 3]   rows     what the walk needs besides
    """
    sides = {kind: np.array(walk.sides(kind)) * px for kind, (_, px) in KINDS.items()}
    finest = {"y": steps, "c": CHROMA * steps}
    of_rate = {
        f"{kind}.step": np.maximum(1, np.round(16 * finest[kind][:, None] * larger ** np.log2(pixels / 4))).astype(int)
        for kind, pixels in sides.items()
    }
    looked = [{key: row[k] for key, row in of_rate.items()} for k in range(1, len(steps), max(1, len(steps) // 4))]
    align, latents = interlaced.CELL * walk.largest, walk.latents()
    made, banks = designed(walk, latents, padded(crops, align), looked, rows)
    return Design(
        walk=name,
        walk_parameters=parameters,
        latents={"samples": Latent(3, 1, 0, 255, coded=False)} | {key: Latent(*e) for key, e in latents.items()},
        transform={"kind": "samples"},
        align_px=align,
        rate_anchors=len(steps),
        banks=banks,
        rows=made | of_rate,
    )


def _chances(counted: Counts) -> np.ndarray:
    """The tables of flags of each class and bin, drawn to the whole class where few were seen."""
    number, ones = np.zeros((SPLIT_CLASSES, BINS)), np.zeros((SPLIT_CLASSES, BINS))
    for key, (times, size) in counted.items():
        number.flat[key], ones.flat[key] = times, size
    whole = (ones.sum(1, keepdims=True) + 0.5) / (number.sum(1, keepdims=True) + 1)
    return flags_of((ones + _TRUST * whole) / (number + _TRUST))


class _Nets:
    """What the walk asks of `nets` while its classes are counted."""

    def __init__(self, rows: Mapping[str, np.ndarray], rate: Mapping[str, np.ndarray]) -> None:
        self._rows, self._rate = rows, rate

    def table(self, name: str) -> np.ndarray:
        return self._rows[name]

    def rows(self, name: str) -> np.ndarray:
        return np.asarray(self._rate[name], np.float32)[None, :, None, None]

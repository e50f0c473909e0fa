"""Designs what walks/staged.py looks up: codebooks of every stage, and the tables of stages and indices at each rate.

NumPy only; nothing here runs when a picture is coded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calotype import codebooks
from calotype.coding.frequencies import bank_from_probabilities
from calotype.coding.prefix import lengths_of
from calotype.coding.tables import TableBank
from calotype.train.block_contexts import Counts, Probe, spread_tables
from calotype.walks import interlaced
from calotype.walks.staged import CONTEXTS, UNIT, Staged
from calotype.walks.vectors import luma_chroma

__all__ = ["banks_and_rows"]

_MOST_VECTORS = 60_000  # that a codebook is designed from
_QUIET = 6.0  # mean square of a sample below which a vector is left out of the design: no stage will code it
_ROUNDS = 3  # of choices and the tables that follow from them
_TRUST = 0.5  # counts that every symbol has beforehand


def banks_and_rows(
    crops: Sequence[np.ndarray], walk: Staged, entries: int
) -> tuple[dict[str, TableBank], dict[str, np.ndarray]]:
    """The banks "class" and "entries" and all rows that the walk asks for.

    crops     uint8 [h, w, 3], sides of 32 pixels or more
    entries   of each codebook
    """
    cut = [crop[: crop.shape[0] // 32 * 32, : crop.shape[1] // 32 * 32] for crop in crops if min(crop.shape[:2]) >= 32]
    sample = [luma_chroma(crop.transpose(2, 0, 1).astype(np.int32)) for crop in cut]
    coarse = [walk.split.coarse(planes) for planes in sample]
    rows: dict[str, np.ndarray] = {}
    for group in walk.split.groups:
        vectors = [
            walk.split.vectors(planes, part, group).reshape(-1, group.length)
            for planes, part in zip(sample, coarse, strict=True)
        ]
        rows |= _books(np.concatenate(vectors).astype(np.float32), walk.stages, entries, group.name)
    for place, step in enumerate(walk.steps):
        rows |= _coarse_tables(coarse, step, place)
    return _tables(walk, sample, rows, entries)


def _books(vectors: np.ndarray, stages: int, entries: int, name: str) -> dict[str, np.ndarray]:
    """Codebooks of a group, each of what the ones before leave: integers [entries, length]."""
    random = np.random.default_rng(0)
    loud = vectors[np.square(vectors).mean(1) > _QUIET]
    left = codebooks.drawn(loud if len(loud) > 4 * entries else vectors, _MOST_VECTORS, random)
    rows = {}
    for stage in range(stages):
        book = np.rint(codebooks.design(left, entries, seed=stage)).astype(np.int64)
        rows[f"{name}.{stage}"] = book
        left = left - book[codebooks.nearest(left, book)]
    return rows


def _coarse_tables(coarse: Sequence[Mapping[str, np.ndarray]], step: int, place: int) -> dict[str, np.ndarray]:
    rows = {}
    for kind, planes in (("luma", 1), ("chroma", 2)):
        seen: dict[str, Counts] = {}
        passes = planes * interlaced.PASSES
        classes = np.arange(passes * interlaced.CLASSES).reshape(passes, -1)
        for part in coarse:
            values = np.rint(part[kind][None] / step).astype(np.int32)
            _, _, height, width = values.shape
            values = values[
                :, :, : height // interlaced.CELL * interlaced.CELL, : width // interlaced.CELL * interlaced.CELL
            ]
            shape = interlaced.packed(values).shape
            interlaced.code(
                Probe({kind: shape}, seen), kind, values, classes, first=(128 if kind == "luma" else 0) // step
            )
        rows[f"coarse.{kind}.{place}.scale"] = spread_tables(seen[kind], passes)
    return rows


class _Nets:
    """What the walk asks of `nets` while its choices are counted."""

    def __init__(self, rows: Mapping[str, np.ndarray], rate: int) -> None:
        self._rows, self.rates = rows, np.array([rate])

    def table(self, name: str) -> np.ndarray:
        return self._rows[name]


class _Counted(Probe):
    """A probe that counts symbols of tables, where the walk has distributions by table."""

    def __init__(self, shapes: Mapping[str, Any], counts: Mapping[str, np.ndarray]) -> None:
        super().__init__(shapes, {})
        self.counts = counts

    def code(self, name: str, values: Any, distribution: Any, lattice: Any = None, onto: Any = None) -> np.ndarray:
        if distribution.bank not in self.counts:
            return super().code(name, values, distribution, lattice, onto)
        index = np.broadcast_to(distribution.index, values.shape)
        np.add.at(self.counts[distribution.bank], (index.ravel(), values.ravel()), 1)
        return values * (index > 0)


def _tables(
    walk: Staged, sample: Sequence[np.ndarray], rows: dict[str, np.ndarray], entries: int
) -> tuple[dict[str, TableBank], dict[str, np.ndarray]]:
    """Costs and tables: choices with the costs of the round before, counted."""
    groups, places = walk.split.groups, len(walk.steps)
    shapes = {"class": (1 + places * len(groups) * CONTEXTS, walk.stages + 1),
              "entries": (1 + places * len(groups) * walk.stages, entries)}  # fmt: skip
    probabilities = {name: np.full(shape, 1 / shape[1]) for name, shape in shapes.items()}
    counting = Staged(_name(walk), walk.stages, walk.steps, walk.worth, "entropy")
    for turn in range(_ROUNDS):
        rows |= _costs(walk, probabilities, huffman=False)
        counts = {name: np.zeros(shape) for name, shape in shapes.items()}
        for place in range(places):
            rate = round(place * 1023 / max(1, places - 1))
            for planes in sample[turn::_ROUNDS] or sample:
                _, height, width = planes.shape
                port = _Counted(_shapes(walk, height, width), counts)
                given = {"samples": _samples(planes)[None]}
                counting(_Nets(rows, rate), port, given)
        # What neighbouring rates count helps where a rate sees little.
        for name, count in counts.items():
            shared = count.copy()
            body = shared[1:].reshape(places, -1, count.shape[1])
            body += 0.02 * count[1:].reshape(places, -1, count.shape[1]).sum(0)
            shared += _TRUST
            probabilities[name] = shared / shared.sum(1, keepdims=True)
    rows |= _costs(walk, probabilities, huffman=walk.huffman)
    banks = {
        name: bank_from_probabilities([(0, np.empty(0)), *((0, row * (1 - 2.0**-13)) for row in table[1:])])
        for name, table in probabilities.items()
    }
    return banks, rows


def _costs(walk: Staged, probabilities: Mapping[str, np.ndarray], huffman: bool) -> dict[str, np.ndarray]:
    """Bits of every symbol in units of 1 / UNIT: "class.cost" [tables, stages + 1], "<group>.cost" [places * stages, n]."""

    def cost(table: np.ndarray) -> np.ndarray:
        if huffman:
            return UNIT * np.stack([lengths_of(np.rint(row * 2**20)) for row in table]).astype(np.int64)
        return np.rint(-UNIT * np.log2(table)).astype(np.int64)

    groups, places = walk.split.groups, len(walk.steps)
    rows = {"class.cost": np.concatenate([np.zeros((1, walk.stages + 1), np.int64), cost(probabilities["class"][1:])])}
    found = cost(probabilities["entries"][1:]).reshape(places, len(groups), walk.stages, -1)
    for number, group in enumerate(groups):
        rows[f"{group.name}.cost"] = found[:, number].reshape(places * walk.stages, -1)
    return rows


def _shapes(walk: Staged, height: int, width: int) -> dict[str, tuple[int, int, int, int]]:
    shapes = {}
    for kind, planes in (("luma", 1), ("chroma", 2)):
        stride = interlaced.CELL * walk.split.strides[kind]
        shapes[f"coarse.{kind}"] = (1, planes * interlaced.CELL**2, height // stride, width // stride)
    for group in walk.split.groups:
        planes = 1 if group.kind == "luma" else 2
        for part in ("class", *range(walk.stages)):
            shapes[f"{group.name}.{part}"] = (1, planes, height // group.stride, width // group.stride)
    return shapes


def _samples(planes: np.ndarray) -> np.ndarray:
    from calotype.walks.vectors import samples_of

    return samples_of(planes)


def _name(walk: Staged) -> str:
    return type(walk.split).__name__.lower()

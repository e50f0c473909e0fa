"""The walk of vector quantization in stages: a coarse picture, then vectors of what it leaves, each by as many codebooks
as it is worth. The splits are walks/splits.py; how codebooks and tables are designed, train/staged_codebooks.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calotype import codebooks
from calotype.coding.densities import Factorized
from calotype.coding.prefix import Codes
from calotype.walks import interlaced, splits
from calotype.walks.vectors import luma_chroma, samples_of

__all__ = ["CONTEXTS", "UNIT", "Staged"]

CONTEXTS = 5  # of a vector's number of stages: what the picture around it is like
UNIT = 16  # costs are in sixteenths of a bit


class Staged:
    """Coarse samples, and for each vector a number of stages and one index a stage; entries add up.

        R G B -> Y Co Cg -> split -> coarse / step(rate) -- interlaced, predicted ----------> port
                                 \\-> vectors -> stages s by rate and distortion -- table(context) --> port
                                              -> index 1 .. s, each of what is left -- table(stage) -> port
        samples <- R G B <- joined <- sums of entries <- indices

    split      "means" or "wavelet"           stages   codebooks a vector may use
    steps      of the coarse samples, for each of the equally spaced rates
    worth      squared error that a bit is worth at these rates; encoders only
    indices    "entropy": tables and rANS; "huffman": strings of prefix codes with the same statistics
    source     multistage: Juang, Gray 1982, ICASSP; choice by cost: Chou, Lookabaugh, Gray 1989
    """

    domain = "pixels"

    def __init__(self, split: str, stages: int, steps: Sequence[int], worth: Sequence[float], indices: str) -> None:
        self.split, self.stages = splits.of(split), int(stages)
        self.steps, self.worth = tuple(int(step) for step in steps), tuple(float(value) for value in worth)
        if indices not in ("entropy", "huffman"):
            raise TypeError("indices is entropy or huffman")
        self.huffman = indices == "huffman"

    def place(self, rate: int) -> int:
        """Which set of tables a rate index means: the nearest."""
        return (int(rate) * (len(self.steps) - 1) + 511) // 1023

    def row(self, place: int, group: int) -> int:
        """Where the tables of a group of vectors begin, in units of contexts or stages."""
        return place * len(self.split.groups) + group

    def __call__(self, nets: Any, port: Any, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        places = [self.place(rate) for rate in nets.rates]
        rates = nets.rates
        planes = None
        if given is not None:
            samples = np.clip(np.rint(np.asarray(given["samples"])), 0, 255).astype(np.int32)
            planes = list(luma_chroma(samples))
        coarse = self._coarse(nets, port, places, planes)
        classes: dict[str, np.ndarray] = {}
        vectors: dict[str, np.ndarray] = {}
        for number, group in enumerate(self.split.groups):
            _, count, rows, columns = port.shape(f"{group.name}.class")
            context = self._context(group, coarse, classes, (count, rows, columns))
            books = [nets.table(f"{group.name}.{stage}") for stage in range(self.stages)]
            chosen = None
            if planes is not None:
                worth = np.exp(np.interp(rates, np.linspace(0, 1023, len(self.worth)), np.log(self.worth)))
                chosen = [
                    self._chosen(
                        nets, number, places[i], context[i], books,
                        self.split.vectors(planes[i], _of(coarse, i), group), float(worth[i]),
                    )
                    for i in range(len(places))
                ]  # fmt: skip
            code = self._strings if self.huffman else self._tables
            classes[group.name], found = code(nets, port, places, number, context, chosen)
            total = np.zeros((*classes[group.name].shape, group.length), np.int32)
            for stage, (book, index) in enumerate(zip(books, found, strict=True)):
                # What is no entry of a codebook comes from a damaged string; the hash will say so.
                part = book[np.clip(index, 0, len(book) - 1)].astype(np.int32)
                total += part * (classes[group.name] > stage)[..., None]
            vectors[group.name] = total
        pictures = [self.split.planes(_of(coarse, i), _of(vectors, i)) for i in range(len(places))]
        return {"samples": samples_of(np.stack(pictures))}

    def _coarse(self, nets: Any, port: Any, places: Sequence[int], planes: Any) -> dict[str, np.ndarray]:
        step = np.array([self.steps[place] for place in places], np.int32)[:, None, None, None]
        found = None if planes is None else [self.split.coarse(row) for row in planes]
        known = {}
        for kind in ("luma", "chroma"):
            values = None if found is None else np.rint(np.stack([row[kind] for row in found]) / step).astype(np.int32)
            scale = np.stack([nets.table(f"coarse.{kind}.{place}.scale") for place in places])
            first = (128 if kind == "luma" else 0) // step[:, 0, 0, 0]
            known[kind] = interlaced.code(port, f"coarse.{kind}", values, scale, first=first) * step
        return known

    def _context(
        self, group: splits.Group, coarse: Mapping[str, np.ndarray], classes: Mapping[str, np.ndarray], shape: Any
    ) -> np.ndarray:
        """0..CONTEXTS - 1 for each vector [b, p, rows, columns]: stages of the parent, or how rough the coarse part is."""
        if group.parent:
            parent = np.minimum(classes[group.parent], CONTEXTS - 1)
            return parent.repeat(2, 2).repeat(2, 3)
        rough = _roughness(coarse[group.kind])
        if rough.shape[2] != shape[1]:  # two coarse samples a vector on each axis
            rough = np.maximum.reduce([rough[:, :, y::2, x::2] for y in (0, 1) for x in (0, 1)])
        return np.searchsorted([4, 10, 24, 56], rough, side="right")

    def _chosen(
        self, nets: Any, number: int, place: int, context: np.ndarray, books: Sequence[np.ndarray],
        vectors: np.ndarray, worth: float,
    ) -> tuple[np.ndarray, list[np.ndarray]]:  # fmt: skip
        """Number of stages and index of each stage, [p, rows, columns], with the least error + worth * bits."""
        row = self.row(place, number)
        by_class = worth / UNIT * nets.table("class.cost")[1 + CONTEXTS * row :][:CONTEXTS]
        left = vectors.reshape(-1, vectors.shape[-1]).astype(np.float32)
        spent = np.zeros(len(left), np.float32)
        totals, found = [np.square(left).sum(1) + by_class[context.ravel(), 0]], []
        for stage, book in enumerate(books):
            cost = worth / UNIT * nets.table(f"{self.split.groups[number].name}.cost")[place * self.stages + stage]
            index = codebooks.nearest(left, book, cost[: len(book)])
            left = left - book[index]
            spent += cost[index]
            totals.append(np.square(left).sum(1) + spent + by_class[context.ravel(), stage + 1])
            found.append(index.reshape(context.shape))
        return np.argmin(totals, 0).reshape(context.shape), found

    def _tables(
        self, nets: Any, port: Any, places: Sequence[int], number: int, context: np.ndarray, chosen: Any
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        name = self.split.groups[number].name
        rows = np.array([self.row(place, number) for place in places])[:, None, None, None]
        values = None if chosen is None else np.stack([row[0] for row in chosen])
        index = 1 + CONTEXTS * rows + context
        classes = np.asarray(port.code(f"{name}.class", values, Factorized(index, "class"))).astype(np.int32)
        found = []
        for stage in range(self.stages):
            values = None if chosen is None else np.stack([row[1][stage] for row in chosen])
            index = np.where(classes > stage, 1 + self.stages * rows + stage, 0)
            found.append(
                np.asarray(port.code(f"{name}.{stage}", values, Factorized(index, "entries"))).astype(np.int32)
            )
        return classes, found

    def _strings(
        self, nets: Any, port: Any, places: Sequence[int], number: int, context: np.ndarray, chosen: Any
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """The same with prefix codes, whose lengths are the costs."""
        group = self.split.groups[number]
        rows = [CONTEXTS * self.row(place, number) + 1 for place in places]
        by_class = Codes(np.concatenate([nets.table("class.cost")[row : row + CONTEXTS] for row in rows]) // UNIT)
        by_stage = nets.table(f"{group.name}.cost") // UNIT
        tables = [CONTEXTS * i + part for i, part in enumerate(context)]
        data = None
        if chosen is not None:
            data = [by_class.pack(row[0].ravel(), part.ravel()) for row, part in zip(chosen, tables, strict=True)]
        read = port.opaque(f"{group.name}.class", data)
        classes = np.stack([by_class.unpack(string, part.ravel()).reshape(part.shape)
                            for string, part in zip(read, tables, strict=True)])  # fmt: skip
        found = []
        for stage in range(self.stages):
            codes = Codes(by_stage[[self.stages * place + stage for place in places]])
            data = None
            if chosen is not None:
                data = [codes.pack(row[1][stage][kept > stage], i)
                        for i, (row, kept) in enumerate(zip(chosen, classes, strict=True))]  # fmt: skip
            indices = np.zeros_like(classes)
            for i, string in enumerate(port.opaque(f"{group.name}.{stage}", data)):
                kept = classes[i] > stage
                indices[i][kept] = codes.unpack(string, np.full(np.count_nonzero(kept), i))
            found.append(indices)
        return classes, found


def _of(arrays: Mapping[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
    return {name: array[row] for name, array in arrays.items()}


def _roughness(coarse: np.ndarray) -> np.ndarray:
    """The largest step from each sample to its four neighbours, [b, p, h, w]."""
    found = np.zeros_like(coarse)
    for axis in (2, 3):
        step = np.abs(np.diff(coarse, axis=axis))
        for place in (slice(1, None), slice(None, -1)):
            index = [slice(None)] * 4
            index[axis] = place
            part = found[tuple(index)]
            np.maximum(part, step, out=part)
    return found

"""The walk of quad trees: which blocks are split, their means from coarse to fine, and what a leaf brings besides.

What leaves are made of lives in surfaces.py and fractal.py; how tables are designed, in train/tree_contexts.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Factorized, Laplace
from calotype.walks import interlaced
from calotype.walks.blocks import UNIT, around, bin_of
from calotype.walks.orders import Lattice
from calotype.walks.vectors import luma_chroma, samples_of

__all__ = [
    "FLAGS", "KINDS", "PX", "SPLIT_CLASSES", "QuadTree", "cells", "chosen_splits", "enlarged", "flags_of", "means_of",
    "placed", "sides_of",
]  # fmt: skip

KINDS = {"y": (1, 1), "c": (2, 2)}  # name: planes, pixels a sample: Y as it is, Co and Cg at half the sides
SPLIT_CLASSES = 8  # black squares: 0-1, 2-3, 4 neighbours of this size; white: 0..4 of them are split
FLAGS = 40  # tables of the bank "flags": 0 is the certain zero, then chances of a one in equal steps of logits
PX = 256  # units of a sample in which means and surfaces are computed
_FAR = 512 * PX  # means of damaged files stay within, so that no sum leaves 32 bits


def cells(planes: np.ndarray, side: int) -> np.ndarray:
    """Blocks of [..., h, w] in raster order: [..., h / side, w / side, side * side]."""
    *lead, height, width = planes.shape
    cut = planes.reshape(*lead, height // side, side, width // side, side)
    return cut.swapaxes(-3, -2).reshape(*lead, height // side, width // side, side * side)


def placed(blocks: np.ndarray, side: int) -> np.ndarray:
    """The inverse of `cells`."""
    *lead, rows, columns, _ = blocks.shape
    cut = blocks.reshape(*lead, rows, columns, side, side).swapaxes(-3, -2)
    return cut.reshape(*lead, rows * side, columns * side)


def enlarged(array: np.ndarray, factor: int = 2) -> np.ndarray:
    """Each value for `factor` rows and columns of [..., h, w]."""
    return array.repeat(factor, -2).repeat(factor, -1)


def means_of(planes: np.ndarray, side: int) -> np.ndarray:
    """Means of blocks, float64 [..., h / side, w / side]."""
    *lead, height, width = planes.shape
    return planes.reshape(*lead, height // side, side, width // side, side).mean((-3, -1), dtype=np.float64)


def chosen_splits(costs: Mapping[int, np.ndarray], flag: float) -> dict[int, np.ndarray]:
    """Which blocks to split for the least sum: {side: bool}, for all sides but the least.

    costs   of a leaf, {side: float [..., n, m]}      flag   the cost of saying whether a block is split
    """
    sides = sorted(costs)
    best, splits = costs[sides[0]], {}
    for side in sides[1:]:
        parts = best.reshape(*best.shape[:-2], best.shape[-2] // 2, 2, best.shape[-1] // 2, 2).sum((-3, -1))
        splits[side] = parts < costs[side]
        best = np.minimum(parts, costs[side]) + flag
    return splits


def _beside(known: np.ndarray) -> np.ndarray:
    """[..., 3, 3 neighbours stacked first]: the nine values around every position, edges repeated."""
    wide = np.pad(known, [(0, 0)] * (known.ndim - 2) + [(1, 1), (1, 1)], mode="edge")
    height, width = known.shape[-2:]
    return np.stack([wide[..., y : y + height, x : x + width] for y in range(3) for x in range(3)])


def _spread(known: np.ndarray) -> np.ndarray:
    nine = _beside(known)
    return nine.max(0) - nine.min(0)


def _finer(known: np.ndarray) -> np.ndarray:
    """Means of half the side, interpolated: nine, three, three and one sixteenth of the four nearest."""
    nine = _beside(known)
    found = np.empty((*known.shape[:-2], 2 * known.shape[-2], 2 * known.shape[-1]), np.int32)
    for y in (0, 1):
        for x in (0, 1):
            row, column = 3 * (2 * y), 2 * x
            total = 9 * nine[4] + 3 * nine[row + 1] + 3 * nine[3 + column] + nine[row + column]
            found[..., y::2, x::2] = (total + 8) >> 4
    return found


@lru_cache(maxsize=16)
def _board(channels: int, step: int) -> Lattice:
    return Lattice.from_steps(np.tile(np.array([[0, 1], [1, 0]]), (channels, 1, 1)), step)


def sides_of(kind: str, largest: int, smallest: int) -> tuple[int, ...]:
    """Sides of blocks in samples of a kind, largest first, from sides in pixels; no block has less than 2x2 samples."""
    first, last = (max(side // KINDS[kind][1], 2) for side in (largest, smallest))
    return tuple(first >> k for k in range((first // last).bit_length()))


class QuadTree:
    """Blocks of `largest` samples, split down to `smallest` where that is worth it; subclasses say what leaves are.

        R G B -> Y, Co, Cg (exact) -> means of largest blocks -- interlaced passes --> port
        for each side, largest first:
            means of blocks whose parents were split, from interpolated coarser ones --> port
            split or not, by how much means differ around -----------------------------> port
            what leaves of this side are made of --------------------------------------> port
        samples <- R G B <- Y, Co, Cg <- leaves, in integers of 1/256 of a sample

    Blocks of chroma have half the side in samples, so as many pixels. A step belongs to each side and rate.
    """

    domain = "pixels"
    largest: int
    smallest: int

    def sides(self, kind: str) -> tuple[int, ...]:
        """In samples of that kind, largest first."""
        return sides_of(kind, self.largest, self.smallest)

    # --- what subclasses say ------------------------------------------------------------------------------------

    def fit(self, kind: str, planes: np.ndarray, steps: Mapping[int, float], nets: Any) -> dict[str, np.ndarray]:
        """The encoder's choices for a tile: "split<side>" bool, "mean<side>" in samples, and of leaves whatever it is."""
        raise NotImplementedError

    def leaves(self, kind: str, side: int, port: Any, nets: Any, given: Any, here: np.ndarray, told: np.ndarray) -> Any:
        """Code what leaves of a side bring; `here` bool [b, p, n, m] where they are, `told` their expectation."""
        raise NotImplementedError

    def drawn(self, kind: str, nets: Any, tree: Mapping[int, Any], shape: tuple[int, ...]) -> np.ndarray:
        """Samples in 1/256, int32 [b, p, h, w], of means, places and what `leaves` returned of each side."""
        raise NotImplementedError

    # --- the walk -----------------------------------------------------------------------------------------------

    def __call__(self, nets: Any, port: Any, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        whole = None
        if given is not None:
            samples = np.clip(np.rint(np.asarray(given["samples"])), 0, 255).astype(np.int32)
            whole = luma_chroma(samples)
        planes = []
        for kind, (count, px) in KINDS.items():
            part = None
            if whole is not None:
                part = whole[:, :1] if kind == "y" else np.rint(means_of(whole[:, 1:], px))
            found = self._coded(kind, nets, port, part, count)
            planes.append(enlarged((found + PX // 2) // PX, px) if px > 1 else (found + PX // 2) // PX)
        return {"samples": samples_of(np.concatenate(planes, 1))}

    def _coded(self, kind: str, nets: Any, port: Any, planes: np.ndarray | None, count: int) -> np.ndarray:
        sides = self.sides(kind)
        step = nets.rows(f"{kind}.step").astype(np.int32)  # b sides 1 1, in sixteenths of a sample
        choices = None
        if planes is not None:
            fits = [
                self.fit(kind, row, {s: step[r, k, 0, 0] / 16 for k, s in enumerate(sides)}, nets)
                for r, row in enumerate(planes)
            ]
            choices = {name: np.stack([fit[name] for fit in fits]) for name in fits[0]}
        unit = step[:, :1]
        roots = None if choices is None else np.rint(choices[f"mean{sides[0]}"] * 16 / unit)
        first = np.full(len(unit), 128, np.int32) * 16 // unit[:, 0, 0, 0] if kind == "y" else 0
        known = interlaced.code(port, f"{kind}.root", roots, nets.table(f"{kind}.root.scale"), first=first)
        mean = np.clip(known * unit * 16, -_FAR, _FAR)  # 1/256 of a sample
        alive, tree = np.ones(mean.shape, bool), {}
        for k, side in enumerate(sides):
            unit = step[:, k : k + 1]
            if k:
                mean = self._means(kind, side, nets, port, choices, mean, alive, unit)
            told = np.minimum(_spread(mean) * (UNIT // 16) // (16 * unit), len(bin_of()) - 1)
            split = np.zeros_like(alive)
            if side != sides[-1]:
                split = self._split(kind, side, nets, port, choices, alive, told)
            here = alive & ~split
            tree[side] = (here, mean, self.leaves(kind, side, port, nets, choices, here, told))
            alive = enlarged(split)
        height, width = (n * sides[-1] for n in mean.shape[2:])
        return self.drawn(kind, nets, tree, (len(mean), count, height, width))

    def _means(
        self, kind: str, side: int, nets: Any, port: Any, choices: Any, mean: np.ndarray, alive: np.ndarray, unit: Any
    ) -> np.ndarray:
        """Means of this side in 1/256: coded where blocks are alive, elsewhere what the coarser ones make of them."""
        guess, spread = _finer(mean), enlarged(_spread(mean))
        told = np.minimum(spread * (UNIT // 16) // (16 * unit), len(bin_of()) - 1)
        table = nets.table(f"{kind}.mean{side}.bins")[0][bin_of()[told]]
        given = None if choices is None else (choices[f"mean{side}"] * 16 / unit).astype(np.float32)
        mean16 = np.where(alive, (guess + unit // 2) // unit, 0)  # sixteenths of a step
        found = port.code(f"{kind}.mean{side}", given, Laplace(mean16, np.where(alive, table, 0)))
        return np.where(alive, np.clip((np.asarray(found) * 16).astype(np.int32) * unit, -_FAR, _FAR), guess)

    def _split(
        self, kind: str, side: int, nets: Any, port: Any, choices: Any, alive: np.ndarray, told: np.ndarray
    ) -> np.ndarray:
        tables, bins = nets.table(f"{kind}.split{side}.bins"), bin_of()[told]
        given = None if choices is None else choices[f"split{side}"].astype(np.float32)
        near = around(alive.astype(np.int32))
        known = None
        for step in (0, 1):
            classes = near // 2 if known is None else 3 + around(known.astype(np.int32))
            index = np.where(alive, tables[classes, bins], 0)
            lattice = _board(alive.shape[1], step)
            known = port.code(f"{kind}.split{side}", given, Factorized(index, "flags"), lattice, onto=known)
        assert known is not None
        return known > 0

    def latents(self) -> dict[str, tuple[int, int, int, int]]:
        """{name: channels, stride, low, high} of what is coded; subclasses add what their leaves bring."""
        found: dict[str, tuple[int, int, int, int]] = {}
        for kind, (count, px) in KINDS.items():
            sides = self.sides(kind)
            found[f"{kind}.root"] = (count * interlaced.CELL**2, interlaced.CELL * sides[0] * px, -4095, 4095)
            for side in sides:
                if side != sides[0]:
                    found[f"{kind}.mean{side}"] = (count, side * px, -4095, 4095)
                if side != sides[-1]:
                    found[f"{kind}.split{side}"] = (count, side * px, 0, 1)
        return found


def flags_of(share: Sequence[float] | np.ndarray) -> np.ndarray:
    """The tables of the bank "flags" for chances of a one: 1..FLAGS - 1."""
    logits = np.log(np.clip(share, 1e-6, 1 - 1e-6) / (1 - np.clip(share, 1e-6, 1 - 1e-6)))
    return np.clip(np.round((logits + 6) / 12 * (FLAGS - 2)) + 1, 1, FLAGS - 1).astype(np.int64)

"""The walk of planes from coarse to fine: the first predicted from its neighbours, the others told by magnitudes around.

Not here: the transform (fuzzy.py), how tables are designed (train/grid_contexts.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks import interlaced
from calotype.walks.blocks import LARGEST, UNIT, around, bin_of
from calotype.walks.orders import Lattice

__all__ = ["FEATURES", "Grids", "class_of", "coarser", "features"]

FEATURES = 6


def class_of(level: int, plane: int, white: bool) -> int:
    """The class of positions: level 1, 2, ..., luma or chroma, colour on the board."""
    return ((level - 1) * 2 + min(plane, 1)) * 2 + int(white)


def coarser(known: np.ndarray, ratio: int, level: int) -> np.ndarray:
    """What the level before says at the places of this one: int32 [b, p, 2, h, w], magnitudes at and around.

    Of the first level it is not the values that tell, but how far they are from their neighbours' mean.
    """
    if level == 1:
        count = around(np.ones_like(known[:1, :1]))
        at = np.abs(known - around(known) // np.maximum(count, 1))
    else:
        at = np.abs(known)
    at = np.minimum(at, LARGEST)
    return np.stack([at, around(at)], 2).repeat(ratio, 3).repeat(ratio, 4)


def features(before: np.ndarray, done: np.ndarray, plane: int) -> list[np.ndarray]:
    """FEATURES magnitudes that tell one of a plane, int32 [b, h, w] each.

    before   `coarser`               done   magnitudes of this level so far [b, p, h, w], zero where not coded
    """
    first = before[:, :, 0].max(1) if plane else before[:, plane, 0]
    others = [done[:, 0], around(done[:, 0])] if plane else [np.zeros_like(first), np.zeros_like(first)]
    beside = done[:, 1] if plane == 2 else np.zeros_like(first)
    return [before[:, plane, 0], before[:, plane, 1], *others, beside, around(done[:, plane])]


@lru_cache(maxsize=64)
def _lattice(planes: int, step: int) -> Lattice:
    """Step 2 p: positions of plane p whose row + column is even; 2 p + 1: the others."""
    return Lattice.from_steps(2 * np.arange(planes)[:, None, None] + np.array([[0, 1], [1, 0]]), step)


class Grids:
    """Components of levels, coarse to fine: "f<d>" [b, p, H / d, W / d] for each distance d, largest first.

        first level -- interlaced passes, each predicted from its neighbours --> port
        others, luma, then chroma, each first like the black squares of a board, then like the white ones
            expectation = magnitudes of the level before, of other planes, of neighbours, each times a weight
            table = design(class, expectation) --> port

    distances   of the nodes of each level in pixels, largest first, each a multiple of the next
    planes      colour planes
    single      every level is coded like a first one; for pictures of which only one level is coded ("used")
    """

    domain = "latents"

    def __init__(self, distances: Sequence[int], planes: int = 3, single: bool = False) -> None:
        self.distances, self.planes, self.single = tuple(int(d) for d in distances), int(planes), bool(single)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = {} if latents is None else {name: np.asarray(array) for name, array in latents.items()}
        if self.single:
            return self._single(nets, port, given)
        far = self.distances[0]
        known = interlaced.code(port, f"c{far}", given.get(f"f{far}"), nets.table("first.scale"))
        found = {f"f{far}": known.astype(np.float32)}
        base = nets.rows("base").astype(np.int32)[:, :, 0, 0]  # b, planes of level 1, of level 2 ...
        for level, (before, distance) in enumerate(zip(self.distances, self.distances[1:], strict=False), 1):
            name = f"f{distance}"
            mean = base[:, self.planes * (level - 1) : self.planes * level]
            telling = coarser(known, before // distance, level)
            found[name] = self._level(nets, port, name, given.get(name), level, telling, mean)
            known = found[name].astype(np.int32)
        return found

    def _level(
        self, nets: Any, port: Any, name: str, values: Any, level: int, before: np.ndarray, mean: np.ndarray
    ) -> np.ndarray:
        weights, tables, bins = nets.table("weights").astype(np.int32), nets.table("bins"), bin_of()
        shape = port.shape(name)
        index, done = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        known = np.zeros(shape, np.float32)
        for step in range(2 * self.planes):
            plane, white = divmod(step, 2)
            kind = class_of(level, plane, bool(white))
            expected = (mean[:, plane] * weights[kind, FEATURES] // UNIT)[:, None, None]
            for feature, weight in zip(features(before, done, plane), weights[kind], strict=False):
                if weight:
                    expected = expected + feature * weight
            expected = np.broadcast_to(expected, index[:, plane].shape)
            index[:, plane] = tables[kind, bins[np.minimum(expected, len(bins) - 1)]]
            known = port.code(name, values, Laplace(None, index), _lattice(self.planes, step), onto=known)
            done[:, plane] = np.minimum(np.abs(known[:, plane]), LARGEST).astype(np.int32)
        return known

    def _single(self, nets: Any, port: Any, given: Mapping[str, np.ndarray]) -> dict[str, Any]:
        used = nets.rows("used")[:, :, 0, 0] > 0  # b, levels
        found = {}
        for level, distance in enumerate(self.distances):
            scale = nets.table(f"single.{distance}.scale")
            planes = given.get(f"f{distance}")
            known = interlaced.code(port, f"c{distance}", planes, scale, kept=used[:, level])
            found[f"f{distance}"] = known.astype(np.float32)
        return found

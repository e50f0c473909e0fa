"""The walk of zero-trees with learned contexts: weights of neighbours by orientation, and what other bands know, apart.

Not here: planes, passes and sets (trees.py), how weights and tables are designed (train/embedded_tables.py).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from calotype.walks.forest import Forest, Level
from calotype.walks.trees import LONE, PLANES, SIZES, Coding, Trees, pooled

__all__ = ["ACROSS", "OWN", "LearnedTrees", "features"]

OWN, ACROSS = 3, 4  # features of a place from its own band, and from others
_OWN_BINS, _ACROSS_BINS = 16, 8


def features(known: np.ndarray, parents: np.ndarray | None, colours: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Sums of magnitudes around every place, int32 [b, orientations, colours, h, w] each: OWN of its band, ACROSS of others.

    Own: left and right; above and below; four corners. Others: parent; the same place in the next orientation, and in
    the one after that; in the plane of colour before. What does not exist is zero.

    known     int32 [b, bands, h, w], bands = orientations * colours      parents   of half the size, or None
    """
    b, bands, height, width = known.shape
    shape = (b, bands // colours, colours, height, width)
    sides, ends, corners = np.zeros((3, *known.shape), known.dtype)
    sides[..., 1:] += known[..., :-1]
    sides[..., :-1] += known[..., 1:]
    for onto, what in ((ends, known), (corners, sides)):
        onto[..., 1:, :] += what[..., :-1, :]
        onto[..., :-1, :] += what[..., 1:, :]
    parent, before = np.zeros((2, *known.shape), known.dtype)
    if parents is not None:
        for row in range(2):
            for column in range(2):
                parent[..., row::2, column::2] = parents
    before.reshape(shape)[:, :, 1:] = known.reshape(shape)[:, :, :-1]
    turned = [np.zeros(shape, known.dtype)] * 2
    if shape[1] == 3:
        turned = [np.roll(known.reshape(shape), -by, 1) for by in (1, 2)]
    return [f.reshape(shape) for f in (sides, ends, corners)], [parent.reshape(shape), *turned, before.reshape(shape)]


class LearnedTrees(Trees):
    """As `trees`, with contexts of two numbers in place of one: magnitudes around in the band, and those in other bands.

    Integers of the model besides: table "weights" [colours * 3, OWN + ACROSS], sixteenths, a row for each plane of
    colour and orientation. Tables "trees" have LONE + 16 * 8 bins.
    """

    bins = LONE + _OWN_BINS * _ACROSS_BINS

    def __init__(self, levels: int, planes: int = PLANES) -> None:
        super().__init__(levels, planes)

    def run(self, nets: Any, port: Any, forest: Forest) -> Coding:
        return _Learned(self, nets, port, forest)


class _Learned(Coding):
    """One run: what is known around a place is a pair of sums."""

    def __init__(self, walk: LearnedTrees, nets: Any, port: Any, forest: Forest) -> None:
        super().__init__(walk, nets, port, forest)
        weights = nets.table("weights").astype(np.int32).reshape(forest.colours, 3, OWN + ACROSS)
        self.weights = np.ascontiguousarray(weights.transpose(2, 1, 0))[:, :, :, None, None]

    def around(self, level: Level) -> tuple[np.ndarray, np.ndarray]:
        own, across = features(level.known, self.forest.parents(level), self.forest.colours)
        weights = self.weights if level.number else self.weights[:, -1:]  # the low-pass has those of HH
        sums = [
            sum(feature * weight for feature, weight in zip(part, of, strict=True))
            for part, of in ((own, weights[:OWN]), (across, weights[OWN:]))
        ]
        return sums[0].reshape(level.known.shape), sums[1].reshape(level.known.shape)  # type: ignore[union-attr]

    def pooled_around(
        self, around: tuple[np.ndarray, np.ndarray], level: Level | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        own, across = around
        return pooled(own if level is None else own + 8 * level.known) // 4, pooled(across) // 4

    def in_bins(self, level: Level, around: tuple[np.ndarray, np.ndarray], plane: int) -> np.ndarray:
        own, across = (np.minimum(part >> plane, SIZES - 1) for part in around)
        first = _binned(_OWN_BINS, 2).take(own) * (around[0] > 0)
        second = _binned(_ACROSS_BINS, 1).take(across) * (around[1] > 0)
        lone = np.clip(plane + self.octave, 0, LONE - 1).astype(np.uint8)[:, None, None, None]
        known = LONE + _ACROSS_BINS * first + second
        return np.where(known > LONE, known, lone).astype(np.uint8)


@lru_cache(maxsize=2)
def _binned(count: int, an_octave: int) -> np.ndarray:
    """The bin, 1 to count - 1, of sixteenths of a threshold."""
    size = np.arange(1, SIZES + 1)
    octaves = np.floor(an_octave * np.log2(size) + 1e-9).astype(int)
    return (1 + np.clip(octaves - an_octave, 0, count - 2)).astype(np.uint8)

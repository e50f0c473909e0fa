"""The walk of block transforms: means of blocks from coarse to fine, then coefficients with contexts of integers.

Not here: the transform (blocks.py), how contexts are designed (train/block_contexts.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks import interlaced
from calotype.walks.orders import Lattice

__all__ = ["BINS", "LARGEST", "UNIT", "Blocks", "around", "bin_of", "turns"]

UNIT = 1024  # integers per unit of an expected magnitude, and per unit of a weight
LARGEST = 255  # magnitudes count as this at most where they are context
_TOP = 64 * UNIT  # expectations beyond it choose the same table
BINS = 53


def turns(planes: int, groups: Sequence[int]) -> np.ndarray:
    """In which turn each coefficient (plane after plane, without means) is coded: int [planes * sum(groups)].

    A plane is one group of coefficients behind the plane before it, so chroma sees what luma has at its place.
    """
    group = np.repeat(np.arange(len(groups)), groups)
    return np.concatenate([group + plane for plane in range(planes)])


def around(magnitudes: np.ndarray) -> np.ndarray:
    """The sum of the four neighbours of every position of [..., h, w]; zero lies beyond the edges."""
    sums = np.zeros_like(magnitudes)
    sums[..., 1:, :] += magnitudes[..., :-1, :]
    sums[..., :-1, :] += magnitudes[..., 1:, :]
    sums[..., 1:] += magnitudes[..., :-1]
    sums[..., :-1] += magnitudes[..., 1:]
    return sums


@lru_cache(maxsize=1)
def bin_of() -> np.ndarray:
    """The bin, below BINS, of every expectation 0.._TOP - 1: one below 8 / UNIT, then four for each doubling."""
    value = np.arange(_TOP)
    bits = np.searchsorted(1 << np.arange(17), value, side="right")
    quarter = (value >> np.maximum(bits - 3, 0)) & 3
    return np.where(value < 8, 0, 1 + 4 * (bits - 4) + quarter).astype(np.uint8)


@lru_cache(maxsize=256)
def _lattice(planes: int, groups: tuple[int, ...], step: int) -> Lattice:
    """Step 2 t: the coefficients of turn t in blocks whose row + column is even; 2 t + 1: in the others."""
    checkers = np.array([[0, 1], [1, 0]])
    return Lattice.from_steps(2 * turns(planes, groups)[:, None, None] + checkers, step)


class Blocks:
    """Coefficients of blocks: y [b, planes * n, h, w], channel = n plane + rank, rank 0 is the mean of the block.

        means -- interlaced passes, each predicted from its neighbours --> port
        others, a group of ranks after the other: blocks like the black squares of a board, then like the white ones
            expectation = sum over six magnitudes known already (same block, four blocks around) * weight + base(rate)
            table = design(expectation) --> port

    The magnitude context is that of embedded wavelet coders (Wu 1997, ECECOW), with weights fitted per coefficient.

    planes   colour planes          groups   how many coefficients are coded in each turn; their sum is n - 1
    zone     coefficients whose expectation at this rate is below zone / UNIT are not coded (zonal coding); 0: all are
    """

    domain = "latents"
    index_type = np.uint8  # of table indices

    def __init__(self, planes: int, groups: Sequence[int], zone: int = 0) -> None:
        self.planes, self.groups, self.zone = int(planes), tuple(int(size) for size in groups), int(zone)
        self.turn = turns(self.planes, self.groups)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        b, _, height, width = port.shape("ac")
        known = np.empty((b, self.planes, 1 + sum(self.groups), height, width), np.float32)
        means = coefficients = None
        if y is not None:
            split = np.asarray(y).reshape(known.shape)
            means = split[:, :, 0]
            coefficients = np.ascontiguousarray(split[:, :, 1:]).reshape(port.shape("ac"))
        known[:, :, 0] = interlaced.code(port, "dc", means, nets.table("dc.scale"))
        found = self._code(nets, port, coefficients)
        known[:, :, 1:] = found.reshape(b, self.planes, -1, height, width)
        return {"y": known.reshape(b, -1, height, width)}

    def _code(self, nets: Any, port: Any, values: np.ndarray | None) -> np.ndarray:
        """The coefficients beside the means, [b, planes * (n - 1), h, w]."""
        b, count, height, width = port.shape("ac")
        base = nets.rows("ac.base").astype(np.int32)  # b c 1 1
        source, weight = nets.table("ac.source"), nets.table("ac.weight").astype(np.int32)  # 2c 6
        own, classes = nets.table("ac.own").astype(np.int32)[0], nets.table("ac.class")[0]  # 2c
        tables, bins = nets.table("ac.bins").astype(self.index_type), bin_of()
        context = np.zeros((b, 2 * count, height, width), np.int32)  # magnitudes, and their sums over four neighbours
        shape = (b, count, height, width)
        index, known = np.zeros(shape, self.index_type), np.zeros(shape, np.float32)
        for step in range(2 * (int(self.turn.max()) + 1)):
            (which,) = np.nonzero(self.turn == step // 2)
            rows = which + count * (step % 2)
            expected = (base[:, which] * own[rows, None, None]) // UNIT + np.zeros((1, 1, height, width), np.int32)
            for k in range(source.shape[1]):
                if weight[rows, k].any():
                    expected += context[:, source[rows, k]] * weight[rows, k, None, None]
            index[:, which] = tables[classes[rows, None, None], bins[np.minimum(expected, _TOP - 1)]]
            if self.zone:
                index[:, which] *= base[:, which] >= self.zone
            lattice = _lattice(self.planes, self.groups, step)
            known = port.code("ac", values, Laplace(None, index), lattice, onto=known)
            context[:, which] = np.minimum(np.abs(known[:, which]), LARGEST).astype(np.int32)
            context[:, count + which] = around(context[:, which])
        return known

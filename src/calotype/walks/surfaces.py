"""Leaves of quad trees that are surfaces: a hyperbolic tangent of a ramp, a plane, or a quadratic; fit and drawing.

The tree itself is quadtree.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.coding.densities import Factorized, Laplace
from calotype.walks.blocks import bin_of
from calotype.walks.quadtree import KINDS, PX, QuadTree, cells, chosen_splits, means_of, placed

__all__ = ["SCALE", "TANH", "TANH_STEP", "Surfaces", "patterns"]

SCALE = 128  # of patterns: their root mean square
TANH_STEP = 1 / 64  # between entries of the table below
TANH = np.round(np.tanh(np.arange(256) * TANH_STEP) * 4096).astype(
    np.int64
)  # 0 to 3.98; all that a decoder knows of it
_DEAD = 0.35  # what amplitudes are rounded with: nearly as rate and distortion would
_PARTS = 2**22  # products of blocks and patterns held at once


def _tanh(value: np.ndarray) -> np.ndarray:
    """In 4096ths, by table look-up; beyond the table the last entry."""
    at = np.minimum(np.round(np.abs(value) / TANH_STEP), len(TANH) - 1).astype(np.int64)
    return np.sign(value) * TANH[at]


def patterns(surface: str, side: int) -> np.ndarray:
    """The surfaces of a block without their means, integers [shapes, terms, side * side] of root mean square SCALE.

    "tanh"        tanh(c x + (1/2 - c) y) from the corner of least brightness, c in eighths of 1/2, four places of the
                  corner (Khalaf, Zaghar, Hashim 2019, equation 3, for 4x4; others are it enlarged); and the same ramp
                  from -2 to 2 and -4 to 4 across the block, for edges in its midst. One term
    "plane"       one shape of two terms          "quadratic"   one of five, orthogonal
    """
    y, x = (np.indices((side, side)) + 0.5) / side  # 0..1
    if surface in ("plane", "quadratic"):
        terms = [x - 0.5, y - 0.5]
        if surface == "quadratic":
            terms += [(x - 0.5) * (y - 0.5), *(np.square(t) - np.square(t).mean() for t in (x - 0.5, y - 0.5))]
        found = np.stack([term.reshape(-1) for term in terms])[None]
        found = found[:, np.square(found[0]).sum(1) > 1e-9]  # a square of two samples is flat
    else:
        made = []
        for c in np.arange(9) / 8:
            for flip_y in (False, True):
                for flip_x in (False, True):
                    ramp = c * (1 - x if flip_x else x) + (1 - c) * (
                        1 - y if flip_y else y
                    )  # 0..1 from corner to corner
                    made.append(_tanh(1.5 * ramp))
                    if not flip_y:
                        made += [_tanh(2 * (2 * ramp - 1)), _tanh(4 * (2 * ramp - 1))]
        flat = np.stack([ramp.reshape(-1) for ramp in made]).astype(np.float64)
        flat -= flat.mean(1, keepdims=True)
        flat /= np.sqrt(np.square(flat).mean(1, keepdims=True))
        _, kept = np.unique(np.round(flat, 3), axis=0, return_index=True)
        kept = [k for n, k in enumerate(sorted(kept)) if not any(_same(flat[k], flat[j]) for j in sorted(kept)[:n])]
        found = flat[kept][:, None]
    found = found - found.mean(2, keepdims=True)
    return np.round(found / np.sqrt(np.square(found).mean(2, keepdims=True)) * SCALE).astype(np.int64)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether one pattern is the other one, or its negative."""
    return min(np.abs(one - other).max(), np.abs(one + other).max()) < 0.02


class Surfaces(QuadTree):
    """Curve fitting (Khalaf, Zaghar, Hashim 2019, doi:10.3390/sym11020291): level, amplitude, orientation and flips.

    A leaf is flat, or its mean and amplitudes times a pattern of the model's ("surface.<side>"), which says
    orientation and flips. Sides by rate and distortion.

    shapes, terms   how many patterns there are, and how many amplitudes each has, for each side in samples
    tradeoff        squared error in steps that a bit is worth
    """

    def __init__(
        self, largest: int, smallest: int, shapes: Mapping[str, int], terms: Mapping[str, int], tradeoff: float
    ) -> None:
        self.largest, self.smallest, self.tradeoff = int(largest), int(smallest), float(tradeoff)
        self.shapes = {int(side): int(count) for side, count in shapes.items()}
        self.terms = {int(side): int(count) for side, count in terms.items()}

    def _patterns(self, nets: Any, side: int) -> np.ndarray:
        return nets.table(f"surface.{side}").reshape(self.shapes[side], self.terms[side], side * side)

    def fit(self, kind: str, planes: np.ndarray, steps: Mapping[int, float], nets: Any) -> dict[str, np.ndarray]:
        found, costs = {}, {}
        worth = self.tradeoff * steps[min(steps)] ** 2
        for side, step in steps.items():
            blocks = cells(planes.astype(np.float32), side)
            mean = means_of(planes, side)
            left = blocks - mean[..., None].astype(np.float32)
            shape, amplitude, saved = _best(left, self._patterns(nets, side), step)
            bits = np.log2(self.shapes[side]) + (1 + 2 * np.log2(1 + np.abs(amplitude))).sum(-1)
            gain = saved - worth * bits
            amplitude *= (gain > 0)[..., None]
            coarse = mean if side == max(steps) else means_of(planes, 2 * side).repeat(2, 1).repeat(2, 2)
            of_mean = 1.5 + 1.5 * np.log2(1 + np.abs(mean - coarse) / step)
            costs[side] = np.square(left).sum(-1) - np.maximum(gain, 0) + worth * of_mean
            found |= {f"mean{side}": mean, f"amplitude{side}": amplitude, f"shape{side}": shape}
        for side, split in chosen_splits(costs, 0.7 * worth).items():
            found[f"split{side}"] = split
        return found

    def leaves(
        self, kind: str, side: int, port: Any, nets: Any, given: Any, here: np.ndarray, told: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Amplitudes int32 [b, p, terms, n, m], shapes int [b, p, n, m]."""
        b, planes, rows, columns = here.shape
        terms = self.terms[side]
        table = nets.table(f"{kind}.amplitude{side}.bins")[0][bin_of()[told]]
        index = np.where(here, table, 0).repeat(terms, 1)
        values = None
        if given is not None:
            values = given[f"amplitude{side}"].transpose(0, 1, 4, 2, 3).reshape(index.shape).astype(np.float32)
        found = port.code(f"{kind}.amplitude{side}", values, Laplace(None, index))
        amplitude = np.asarray(found).astype(np.int32).reshape(b, planes, terms, rows, columns)
        shape = np.zeros(here.shape, np.int64)
        if self.shapes[side] > 1:
            some = here & amplitude.any(2)
            values = None if given is None else given[f"shape{side}"].astype(np.float32)
            place = int(nets.table(f"{kind}.shape{side}.table")[0, 0])
            found = port.code(f"{kind}.shape{side}", values, Factorized(np.where(some, place, 0), "shapes"))
            shape = np.asarray(found).astype(np.int64)
        return amplitude, shape

    def drawn(self, kind: str, nets: Any, tree: Mapping[int, Any], shape: tuple[int, ...]) -> np.ndarray:
        step = nets.rows(f"{kind}.step").astype(np.int32)
        canvas = np.zeros(shape, np.int32)
        for k, side in enumerate(self.sides(kind)):
            here, mean, (amplitude, which) = tree[side]
            surfaces = self._patterns(nets, side).astype(np.int32)
            blocks = np.broadcast_to(mean[..., None], (*mean.shape, side * side)).astype(np.int32)
            some = here & amplitude.any(2)
            found = np.zeros((int(some.sum()), side * side), np.int32)
            for term in range(self.terms[side]):
                found += amplitude[:, :, term][some][:, None] * surfaces[which[some], term]
            unit = np.broadcast_to(step[:, k : k + 1], some.shape)[some][:, None]  # sixteenths of a sample
            blocks[some] += (found * unit * (PX // 16) + SCALE // 2) // SCALE
            canvas = np.where(
                placed(np.broadcast_to(here[..., None], blocks.shape), side), placed(blocks, side), canvas
            )
        return canvas

    def latents(self) -> dict[str, tuple[int, int, int, int]]:
        found = super().latents()
        for kind, (count, px) in KINDS.items():
            for side in self.sides(kind):
                found[f"{kind}.amplitude{side}"] = (count * self.terms[side], side * px, -1023, 1023)
                if self.shapes[side] > 1:
                    found[f"{kind}.shape{side}"] = (count, side * px, 0, self.shapes[side] - 1)
        return found


def _best(left: np.ndarray, surfaces: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best shape of each block [..., s * s] without mean, its quantized amplitudes [..., terms], squares saved."""
    shapes, terms, size = surfaces.shape
    unit = surfaces.astype(np.float32) / SCALE
    flat = np.ascontiguousarray(left.reshape(-1, size))
    which, found = np.zeros(len(flat), np.int64), np.empty((len(flat), terms), np.float32)
    chunk = max(1, _PARTS // (shapes * terms))
    for first in range(0, len(flat), chunk):
        fitted = (flat[first : first + chunk] @ unit.reshape(-1, size).T).reshape(-1, shapes, terms) / size
        best = np.square(fitted).sum(2).argmax(1)
        which[first : first + chunk] = best
        found[first : first + chunk] = np.take_along_axis(fitted, best[:, None, None], 1)[:, 0]
    level = np.copysign(np.floor(np.abs(found) / step + _DEAD), found)
    saved = size * (2 * found * level * step - np.square(level * step)).sum(1)
    return which.reshape(left.shape[:-1]), level.reshape(*left.shape[:-1], terms), saved.reshape(left.shape[:-1])

"""The fuzzy transform: planes <-> weighted means over a fuzzy partition, level by level on what is left; NumPy.

Float arithmetic; how components are coded lives in walks/grids.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import numpy as np

from calotype import colour
from calotype.errors import UsageError
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["PARTITIONS", "Fuzzy", "components", "inverse", "levels_of", "memberships"]

PARTITIONS = ("triangular", "cosine")


def memberships(distance: int, partition: str) -> np.ndarray:
    """What the nodes before, at and after a cell mean to each of its pixels: float32 [3, distance], columns sum to 1.

    Nodes lie in the middle of cells of `distance` pixels; a membership falls from 1 at its node to 0 at the next ones.
    """
    if partition not in PARTITIONS:
        raise UsageError("partition", value=partition, allowed=", ".join(PARTITIONS))
    away = (np.arange(distance) - (distance - 1) / 2) / distance
    far = np.abs(away) if partition == "triangular" else 0.5 - 0.5 * np.cos(np.pi * np.abs(away))
    return np.stack([far * (away < 0), 1 - far, far * (away > 0)]).astype(np.float32)


def inverse(nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """f(y, x) = sum of F_kl A_k(y) B_l(x): nodes float32 [p, m + 2, n + 2], one more on each side -> [p, m d, n d].

    By separate multiplications and additions: a part of a picture is that part of the whole to the last bit.
    source   Perfilieva 2006, doi:10.1016/j.fss.2005.11.012
    """
    return _spread(_spread(nodes.swapaxes(1, 2), weights).swapaxes(1, 2), weights)


def _spread(nodes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Along the last axis: [p, m, n + 2] -> [p, m, n * d]."""
    found = nodes[:, :, 1:-1, None] * weights[1]
    if weights.shape[1] > 1:
        found += nodes[:, :, :-2, None] * weights[0]
        found += nodes[:, :, 2:, None] * weights[2]
    return found.reshape(*found.shape[:2], -1)


def components(planes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F_kl = sum of f A_k B_l / sum of A_k B_l: planes float32 [p, h, w] -> [p, h / d, w / d]; edges are one-sided."""
    return _gathered(_gathered(planes, weights).swapaxes(1, 2), weights).swapaxes(1, 2)


def _gathered(planes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    cells = planes.reshape(*planes.shape[:2], -1, weights.shape[1])
    found = cells @ weights[1]
    total = np.full(found.shape[2], weights[1].sum())
    if weights.shape[1] > 1:
        found[:, :, :-1] += cells[:, :, 1:] @ weights[0]
        found[:, :, 1:] += cells[:, :, :-1] @ weights[2]
        total[:-1] += weights[0].sum()
        total[1:] += weights[2].sum()
    return found / total


def _bordered(nodes: np.ndarray) -> np.ndarray:
    return np.pad(nodes, ((0, 0), (1, 1), (1, 1)), mode="edge")


def levels_of(
    planes: np.ndarray, distances: Sequence[int], partition: str, steps: np.ndarray, dead: float, rounds: int = 0
) -> list[np.ndarray]:
    """Quantized components of every level, float32 [p, h / d, w / d]: each level codes what those before left over.

    planes   float32 [p, h, w]          steps   quantizer steps [levels, p]; infinite: the level is left out
    dead     what is added before magnitudes are cut to integers: 0.5 rounds, less leaves more zeros
    rounds   of correction that bring the weighted means nearer to least squares: 0 is the transform as published
    """
    left, found = planes, []
    for distance, step in zip(distances, np.asarray(steps, np.float32)[:, :, None, None], strict=True):
        weights = memberships(distance, partition)
        if not np.isfinite(step).all():
            found.append(np.zeros((len(planes), *(side // distance for side in planes.shape[1:])), np.float32))
            continue
        exact = components(left, weights)
        for _ in range(rounds if distance > 1 else 0):
            exact += components(left - inverse(_bordered(exact), weights), weights)
        offset = np.float32(dead if found and any(level.any() for level in found) else 0.5)
        level = np.copysign(np.floor(np.abs(exact) / step + offset), exact)
        found.append(level)
        left = left - inverse(_bordered(level * step), weights)
    return found


class Fuzzy:
    """Kind "fuzzy": colours -> planes -> components "f<distance>" / step(rate), level after level, and back.

    Of the manifest's entry: `distances` of nodes in pixels, largest first; `partition`; `dead` and `rounds` (encoder).
    Arrays: "planes" float [3, p] (encoder), "colours" [3, p], "anchors/inverse.f<d>" logarithms of steps [p];
    "anchors/used" (encoder) [levels], below one half where a level is left out at a rate.
    A window needs one node more on each side, so the halo is the largest distance.
    """

    def __init__(self, model: Model) -> None:
        entry = model.manifest.transform
        self.model = model
        self.distances = [int(distance) for distance in entry["distances"]]
        self.partition, self.dead, self.rounds = str(entry["partition"]), float(entry["dead"]), int(entry["rounds"])
        self.planes = model.manifest.latents[f"f{self.distances[0]}"].channels
        self.reach_px = int(model.manifest.halo)

    def stored(self) -> dict[str, Stored]:
        return {f"f{distance}": Stored(self.planes, distance) for distance in self.distances}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _FuzzyAnalysis:
        return _FuzzyAnalysis(self, pixels, grid, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        far = self.distances[0]
        cells = window.over(far)
        whole = Region(cells.top * far, cells.bottom * far, cells.left * far, cells.right * far)
        total = np.zeros((self.planes, whole.height, whole.width), np.float32)
        load = strips.loader({f"f{d}": np.exp(self.model.floats(f"inverse.f{d}", rates)) for d in self.distances})
        wide = whole.grown(self.reach_px, *strips.grid.shape)
        for distance in self.distances:
            held = self._nodes(load, distance, whole, wide)
            total += inverse(held, memberships(distance, self.partition))
        inner = window.within(whole)
        out = np.empty((window.height, window.width, 3), np.uint8)
        return colour.samples_of(total[:, inner.rows, inner.cols], self.model.floats("colours"), out, unit=1)

    def _nodes(self, load, distance: int, whole: Region, wide: Region) -> np.ndarray:
        """The nodes of a window and one more on each side; the edge's own again beyond the edges of the picture."""
        region, inner = wide.over(distance), whole.over(distance)
        held = np.empty((self.planes, region.height, region.width), np.float32)
        load(f"f{distance}", region, np.ones((self.planes, 1, 1), np.float32), held)
        rows = np.clip(np.arange(inner.top - 1, inner.bottom + 1), region.top, region.bottom - 1) - region.top
        columns = np.clip(np.arange(inner.left - 1, inner.right + 1), region.left, region.right - 1) - region.left
        return held[:, rows[:, None], columns]


class _FuzzyAnalysis:
    """Tiles are analysed with a border, so that what is left over is what the decoder's windows will lack."""

    def __init__(self, transform: Fuzzy, pixels: np.ndarray, grid: Grid, rate: int) -> None:
        model, self.transform, self.shape = transform.model, transform, grid.shape
        self.load = colour.planes_of(pixels, model.floats("planes"), unit=1)
        steps = [np.exp(model.floats(f"inverse.f{distance}", rate)) for distance in transform.distances]
        used = model.floats("used", rate) > 0.5
        self.steps = np.where(used[:, None], np.stack(steps), np.inf)

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        transform = self.transform
        wide = tile.grown(transform.model.manifest.align_px, *self.shape)
        planes = np.empty((transform.planes, wide.height, wide.width), np.float32)
        self.load(wide, planes)
        levels = levels_of(
            planes, transform.distances, transform.partition, self.steps, transform.dead, transform.rounds
        )
        found: Mapping[str, np.ndarray] = {
            f"f{d}": level[:, part.rows, part.cols]
            for d, level in zip(transform.distances, levels, strict=True)
            for part in (tile.within(wide).over(d),)
        }
        return dict(found)

"""Leaves of quad trees that are copies: a larger block of the same picture, shrunk, turned, scaled; found by iteration.

The tree itself is quadtree.py's. Everything a decoder does is integer, so every machine iterates to the same picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Factorized, Laplace
from calotype.walks.blocks import bin_of
from calotype.walks.quadtree import KINDS, PX, QuadTree, cells, chosen_splits, means_of, placed

__all__ = ["PLACES", "SCALES", "TURNS", "Fractal", "classed", "turned"]

PLACES = 64  # of domains along each side of a tile, at most: table n of the bank "places" codes one of n
SCALES = 8  # contrasts are multiples of 1 / SCALES, below 1 in magnitude: maps contract
TURNS = 8  # isometries of the square
_LIMIT = 512 * PX  # samples of iterations stay within; luma and chroma do, but for contrasts of several leaves
_SCORES = 2**22  # products of ranges and domains held at once
_ADDRESS = 3.0  # bits of a contrast, beside those of turn and place


@lru_cache(maxsize=16)
def turned(side: int) -> np.ndarray:
    """The isometries of a square as permutations of its samples, int [TURNS, side * side]."""
    square = np.arange(side * side).reshape(side, side)
    found = [np.rot90(part, turn) for part in (square, square.T) for turn in range(4)]
    return np.stack([part.reshape(-1) for part in found])


class Fractal(QuadTree):
    """A partitioned iterated function system (Jacquin 1992, doi:10.1109/83.128028; Fisher 1995).

    A leaf is flat, or mean + contrast * (turn(shrunk domain) - its mean): a domain has twice the side, and lies anywhere
    on a grid in the same tile. With the mean taken out, as here, offsets need no correction and iteration is quick
    (Oien, Lepsoy 1994). The encoder compares every range with every domain: the search that fractal coding is.

    grid         distance of domains in samples, for each side of ranges; sides without one have flat leaves only
    iterations   of the decoder
    tradeoff     squared error in steps that a bit is worth
    classes      the encoder compares ranges with domains of their own class only (`classed`)
    """

    def __init__(
        self,
        largest: int,
        smallest: int,
        grid: Mapping[str, int],
        iterations: int,
        tradeoff: float,
        classes: bool = False,
    ) -> None:
        self.largest, self.smallest, self.tradeoff = int(largest), int(smallest), float(tradeoff)
        self.grid = {int(side): int(distance) for side, distance in grid.items()}
        self.iterations, self.classes = int(iterations), bool(classes)

    def latents(self) -> dict[str, tuple[int, int, int, int]]:
        found = super().latents()
        for kind, (count, px) in KINDS.items():
            for side in self.sides(kind):
                if side in self.grid:
                    found[f"{kind}.contrast{side}"] = (count, side * px, 1 - SCALES, SCALES - 1)
                    found[f"{kind}.turn{side}"] = (count, side * px, 0, TURNS - 1)
                    found |= {f"{kind}.{axis}{side}": (count, side * px, 0, PLACES - 1) for axis in ("row", "column")}
        return found

    def places(self, side: int, height: int, width: int) -> tuple[int, int]:
        """How many domains there are along the sides of a tile [height, width], at least one where it is large enough."""
        return tuple(min(PLACES, max(0, (size - 2 * side) // self.grid[side] + 1)) for size in (height, width))  # type: ignore[return-value]

    def fit(self, kind: str, planes: np.ndarray, steps: Mapping[int, float], nets: Any) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        costs: dict[int, np.ndarray] = {}
        worth = self.tradeoff * steps[min(steps)] ** 2
        for side, step in steps.items():
            mean = means_of(planes, side)
            left = (cells(planes.astype(np.float32), side) - mean[..., None]).astype(np.float32)
            coarse = mean if side == max(steps) else means_of(planes, 2 * side).repeat(2, 1).repeat(2, 2)
            of_mean = 1.5 + 1.5 * np.log2(1 + np.abs(mean - coarse) / step)
            costs[side] = np.square(left).sum(-1) + worth * of_mean
            found[f"mean{side}"] = mean
            if side not in self.grid:
                continue
            contrast, turn, row, column = (np.zeros(mean.shape, np.int64) for _ in range(4))
            for plane in range(len(planes)):
                best = self._searched(planes[plane].astype(np.float32), left[plane], side, worth)
                saved, contrast[plane], turn[plane], row[plane], column[plane] = best
                costs[side][plane] -= saved
            found |= {f"contrast{side}": contrast, f"turn{side}": turn, f"row{side}": row, f"column{side}": column}
        for side, split in chosen_splits(costs, 0.7 * worth).items():
            found[f"split{side}"] = split
        return found

    def _searched(self, plane: np.ndarray, left: np.ndarray, side: int, worth: float) -> tuple[np.ndarray, ...]:
        """What the best domain of each range saves beyond its bits, its contrast in 1 / SCALES, turn, row, column.

        left   ranges without their means, [n, m, side * side]
        """
        shape = left.shape[:2]
        saved, contrast, which = np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        rows, columns = self.places(side, *plane.shape)
        if rows and columns:
            price = worth * (_ADDRESS + np.log2(TURNS * rows * columns))
            energy = np.square(left).sum(-1)
            some = energy > price  # of others, no domain is worth its address
            ranges = left[some]
            if len(ranges):
                domains = _windows(means_of(plane, 2).astype(np.float32), side, self.grid[side] // 2, rows, columns)
                domains = domains - domains.mean(1, keepdims=True)
                candidates = domains[:, turned(side)].reshape(-1, side * side)
                gain, scale, place = (_best_of_class if self.classes else _best)(ranges, candidates)
                worthy = gain > price
                saved[some] = np.where(worthy, gain - price, 0)
                contrast[some], which[some] = np.where(worthy, scale, 0), place
        domain, turn = np.divmod(which, TURNS)
        return saved, contrast, turn, *np.divmod(domain, max(columns, 1))

    def leaves(
        self, kind: str, side: int, port: Any, nets: Any, given: Any, here: np.ndarray, told: np.ndarray
    ) -> tuple[np.ndarray, ...] | None:
        """Contrasts, turns, rows and columns of domains, int64 [b, p, n, m] each."""
        if side not in self.grid:
            return None

        def code(name: str, distribution: Any) -> np.ndarray:
            values = None if given is None else given[f"{name}{side}"].astype(np.float32)
            return np.asarray(port.code(f"{kind}.{name}{side}", values, distribution)).astype(np.int64)

        rows, columns = self.places(side, here.shape[2] * side, here.shape[3] * side)
        some = here & (rows * columns > 0)
        table = nets.table(f"{kind}.contrast{side}.bins")[0][bin_of()[told]]
        contrast = code("contrast", Laplace(None, np.where(some, table, 0)))
        some = some & (contrast != 0)
        counts = (("turn", TURNS), ("row", rows), ("column", columns))
        return contrast, *(code(name, Factorized(np.where(some, count, 0), "places")) for name, count in counts)

    def drawn(self, kind: str, nets: Any, tree: Mapping[int, Any], shape: tuple[int, ...]) -> np.ndarray:
        flat = np.zeros(shape, np.int32)
        for side, (here, mean, _) in tree.items():
            blocks = np.broadcast_to(mean[..., None], (*mean.shape, side * side))
            flat = np.where(placed(np.broadcast_to(here[..., None], blocks.shape), side), placed(blocks, side), flat)
        maps = {
            side: self._maps(side, here, mean, found, shape)
            for side, (here, mean, found) in tree.items()
            if found is not None
        }
        canvas = flat
        for _ in range(self.iterations if any(len(part[0]) for part in maps.values()) else 0):
            canvas = self._iterated(canvas, maps)
        return canvas

    def _maps(self, side: int, here: np.ndarray, mean: np.ndarray, found: Any, shape: tuple[int, ...]) -> tuple:
        """Flat indices of the ranges' samples and of what they take from the shrunk picture, means and contrasts."""
        contrast, turn, row, column = found
        height, width = shape[2:]
        rows, columns = self.places(side, height, width)
        some = here & (contrast != 0)
        row, column = np.minimum(row[some], max(rows - 1, 0)), np.minimum(column[some], max(columns - 1, 0))
        b, plane, y, x = np.nonzero(some)
        inner = np.arange(side)
        base = (b * shape[1] + plane)[:, None, None]
        onto = (base * height + (y[:, None, None] * side + inner[:, None])) * width + (x[:, None, None] * side + inner)
        far = self.grid[side] // 2
        down, right = (row * far)[:, None, None] + inner[:, None], (column * far)[:, None, None] + inner
        source = (base * (height // 2) + down) * (width // 2) + right
        source = np.take_along_axis(source.reshape(len(b), side * side), turned(side)[turn[some]], 1)
        return onto.reshape(len(b), side * side), source, mean[some][:, None], contrast[some][:, None].astype(np.int32)

    @staticmethod
    def _iterated(canvas: np.ndarray, maps: Mapping[int, tuple]) -> np.ndarray:
        """Every map applied once to a picture, int32 [b, p, h, w]; flat leaves stay as they are."""
        shrunk = canvas[..., ::2, ::2] + canvas[..., 1::2, ::2] + canvas[..., ::2, 1::2] + canvas[..., 1::2, 1::2]
        shrunk = ((shrunk + 2) >> 2).reshape(-1)
        after = canvas.copy()
        flat = after.reshape(-1)
        for side, (onto, source, mean, contrast) in maps.items():
            taken = shrunk[source]
            taken = taken - (taken.sum(1, keepdims=True, dtype=np.int64) // (side * side)).astype(np.int32)
            flat[onto] = np.clip(mean + (taken * contrast + SCALES // 2) // SCALES, -_LIMIT, _LIMIT)
        return after


def _windows(plane: np.ndarray, side: int, distance: int, rows: int, columns: int) -> np.ndarray:
    """Blocks on a grid of a plane: [rows * columns, side * side]."""
    wide = np.lib.stride_tricks.sliding_window_view(plane, (side, side))[::distance, ::distance][:rows, :columns]
    return np.ascontiguousarray(wide).reshape(rows * columns, side * side)


def _best(ranges: np.ndarray, domains: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the best domain of each range saves of its squares, the contrast in 1 / SCALES, and which domain it is.

    ranges, domains   float32 [n, d] and [m, d], without their means
    """
    energy = np.square(domains).sum(1) + np.float32(1e-3)
    most = np.float32((SCALES - 1) / SCALES)
    unit = np.ascontiguousarray((domains / np.sqrt(energy)[:, None]).T)
    bound = most * np.sqrt(energy)  # beyond it the contrast is cut, and saves less than the square of the product
    place, product = np.empty(len(ranges), np.int64), np.empty(len(ranges), np.float32)
    chunk = max(1, _SCORES // len(domains))
    for first in range(0, len(ranges), chunk):
        found = np.abs(ranges[first : first + chunk] @ unit)
        kept = np.minimum(found, bound)
        np.subtract(2 * found, kept, out=found)
        found *= kept
        place[first : first + chunk] = found.argmax(1)
    product = np.einsum("nd,nd->n", ranges, domains[place])
    contrast = np.clip(np.rint(SCALES * product / energy[place]), 1 - SCALES, SCALES - 1).astype(np.int64)
    scale = contrast / SCALES
    return scale * (2 * product - scale * energy[place]), contrast, place


def classed(blocks: np.ndarray) -> np.ndarray:
    """The class of each block, 0 to 23: the order of its four quadrants by brightness; int64 [n].

    blocks   float32 [n, side * side]      source   Fisher 1995, "Fractal image compression", section 3.2
    """
    half = round(blocks.shape[1] ** 0.5) // 2
    quadrants = blocks.reshape(-1, 2, half, 2, half).sum((2, 4)).reshape(-1, 4)
    ranks = np.argsort(np.argsort(quadrants, 1, kind="stable"), 1)
    return 6 * ranks[:, 0] + 2 * (ranks[:, 1] - (ranks[:, 1] > ranks[:, 0])) + (ranks[:, 2] > ranks[:, 3])


def _best_of_class(ranges: np.ndarray, domains: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `_best`, among domains of a range's class, and of the class of its negative, which have contrasts below zero."""
    gain, contrast, place = np.zeros(len(ranges)), np.zeros(len(ranges), np.int64), np.zeros(len(ranges), np.int64)
    wanted, bright, dark = classed(ranges), classed(domains), classed(-domains)
    for number in np.unique(wanted):
        some, like = np.flatnonzero(wanted == number), np.flatnonzero((bright == number) | (dark == number))
        if len(like):
            gain[some], contrast[some], best = _best(ranges[some], domains[like])
            place[some] = like[best]
    return gain, contrast, place

"""The walk of zero-trees: bit planes of a wavelet pyramid by set partitioning (SPIHT), most significant plane first.

Not here: the trees (forest.py), the wavelet (wavelets.py), how tables are designed (train/embedded_tables.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.walks.forest import Forest, Level

__all__ = ["BINS", "KINDS", "LONE", "PLANES", "Coding", "Trees", "bin_of", "classes", "pooled"]

PLANES = 15  # bit planes at most
KINDS = 5  # of decisions
LISTED, OFFSPRING, ALL, FURTHER, FINER = range(KINDS)
LONE = 16  # bins by the size of the threshold, where nothing is known around
BINS = 2 * LONE  # and as many by how much is known around, in thresholds
SIZES = 1 << 12  # 16ths of a threshold; what is larger has the last bin
SEGMENTS = (4, 3, 2, 1, 0)  # planes before which a segment may begin


def classes(levels: int, kind: Any, level: Any, chroma: Any) -> Any:
    """The row of the table "trees" for a kind of decision at a level (0: the low-pass), in luma or chroma.

    Of refinements: the first one of a coefficient, or a later one.
    """
    return (kind * (levels + 1) + level) * 2 + chroma


class Trees:
    """Coefficients of a wavelet pyramid, "ll" and "l1" ..., by bit planes from the most significant one.

        most significant plane of the tile --> port
        each plane:  listed coefficients (insignificant so far, in no set): significant now? with its sign --> port
                     from coarse to fine:  sets of all descendants of a place: any significant now?    --> port
                                           the offspring of such: significant? with signs              --> port
                                           sets of descendants beyond offspring: any significant now?  --> port
                     coefficients found in earlier planes: their next bit                              --> port

    Said and Pearlman 1996, doi:10.1109/76.499834. The decisions are those of the paper, about the same sets; within a
    pass they go by levels and rasters in place of the order of lists, so that each step is one of arrays. Sets that come
    to be in a pass are visited in the same pass, as there: they lie one level finer.

    levels   of the pyramid      planes   so many bits has a magnitude at most; larger ones are cut down to that
    coded    True: tables by context; False: a bit each (the paper's coder without arithmetic coding)

    Integers of the model: row "octave" [1], sixteenths of log2(step); tables "trees" [classes, BINS]; "middle"
    [PLANES, 1], sixteenths that are added to a magnitude which is known down to a plane.
    """

    domain = "latents"
    embedded = True
    bins = BINS

    def __init__(self, levels: int, planes: int = PLANES, coded: bool = True) -> None:
        self.levels, self.planes, self.coded = int(levels), int(planes), bool(coded)
        if not 1 <= self.planes <= PLANES:
            raise TypeError(f"planes is 1 to {PLANES}")
        self.names = ["ll", *(f"l{level}" for level in range(self.levels, 0, -1))]

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        forest = Forest([port.shape(name) for name in self.names])
        if latents is not None:
            forest.plant([np.asarray(latents[name]) for name in self.names], (1 << self.planes) - 1)
        coding = self.run(nets, port, forest)
        tops = coding.tops()
        for plane in range(self.planes - 1, -1, -1):
            if plane in SEGMENTS:
                port.segment()
            coding.plane(plane, tops >= plane)
        return dict(zip(self.names, forest.values(nets.table("middle")[:, 0].astype(np.int32)), strict=True))

    def run(self, nets: Any, port: Any, forest: Forest) -> Coding:
        """One run, which knows the contexts."""
        return Coding(self, nets, port, forest)


class Coding:
    """One run of the walk: what the port is asked, and what becomes of its answers.

    A relative with other contexts has its own `around`, `pooled_around` and `in_bins`.
    """

    def __init__(self, walk: Trees, nets: Any, port: Any, forest: Forest) -> None:
        self.levels, self.port, self.forest, self.coded = walk.levels, port, forest, walk.coded
        self.tables = nets.table("trees").astype(np.int32).ravel()
        self.octave = (nets.rows("octave")[:, 0, 0, 0].astype(np.int32) + 8) >> 4
        self.whole = np.ones(forest.rows, bool)  # rows whose stream has not ended
        self.at, self.count = walk.planes, walk.bins

    def around(self, level: Level) -> Any:
        """What is known around every place of a level."""
        return _around(level, self.forest)

    def pooled_around(self, around: Any, level: Level | None = None) -> Any:
        """The same for the sets whose offspring lie in a level; given it, what is known of the offspring counts, too."""
        return pooled(around if level is None else around + 4 * level.known) // 4

    def in_bins(self, level: Level, around: Any, plane: int) -> np.ndarray:
        """The bin of every place, uint8 [b, bands, h, w], from what is known around it in sixteenths."""
        known = bin_of().take(np.minimum(around >> plane, SIZES - 1))
        lone = np.clip(plane + self.octave, 0, LONE - 1).astype(np.uint8)[:, None, None, None]
        return np.where(around > 0, known, lone)

    def tops(self) -> np.ndarray:
        """The most significant plane of each row, -1 where all is zero."""
        rows, given = self.forest.rows, None
        if self.forest.magnitudes is not None:
            given = self.forest.tops() + 1
        found, known = self.port.run("top", given, "planes", np.zeros(rows, np.int32), np.arange(rows + 1))
        self.whole = known > 0
        return np.where(self.whole, found - 1, -1)

    def plane(self, plane: int, active: np.ndarray) -> None:
        """All passes of a plane, in rows that have it."""
        forest, self.at = self.forest, plane
        older = forest.known > 0
        bins = np.concatenate(
            [self.in_bins(level, self.around(level), plane).reshape(forest.rows, -1) for level in forest.levels], 1
        )
        self._places(LISTED, *_marked(forest.listed, active), bins, plane)
        for level in forest.levels[1:]:
            self._sets(level, plane, active & self.whole)
        rows, places = _marked(older, active & self.whole)
        given = None if forest.magnitudes is None else (forest.magnitudes[rows, places] >> plane) & 1
        found, rows, places = self._asked("finer", FINER, given, rows, places, places, bins, "bits")
        forest.known[rows, places] |= found << plane
        forest.low[rows, places] = plane

    def _sets(self, level: Level, plane: int, active: np.ndarray) -> None:
        """Sets whose offspring lie in a level."""
        forest, sets = self.forest, level.sets
        assert sets is not None
        around = self.around(level)
        bins = self.in_bins(level, around, plane).reshape(forest.rows, -1)
        of_sets = self.in_bins(level, self.pooled_around(around), plane).reshape(forest.rows, -1)
        first = forest.levels.index(level)

        rows, chosen = _marked(sets.all_, active)
        given = None if sets.deep is None else sets.deep[rows, chosen] >> plane > 0
        found, rows, chosen = self._asked(
            "sets", ALL, given, rows, chosen, level.offspring(chosen)[:, 0], of_sets, "bits"
        )
        rows, chosen = rows[found > 0], chosen[found > 0]
        sets.all_[rows, chosen] = False
        if first + 1 < len(forest.levels):
            sets.further[rows, chosen] = True
        places = level.offspring(chosen)
        there = places.ravel() >= 0
        rows, places = rows.repeat(4)[there], places.ravel()[there]
        self._places(OFFSPRING, rows, places, bins, plane, start=level.start)
        if first + 1 == len(forest.levels):
            return
        rows, chosen = _marked(sets.further, active & self.whole)
        given = None if sets.beyond is None else sets.beyond[rows, chosen] >> plane > 0
        of_sets = self.in_bins(level, self.pooled_around(self.around(level), level), plane).reshape(forest.rows, -1)
        places = level.offspring(chosen)[:, 0]
        found, rows, chosen = self._asked("sets", FURTHER, given, rows, chosen, places, of_sets, "bits")
        rows, chosen = rows[found > 0], chosen[found > 0]
        sets.further[rows, chosen] = False
        places = level.offspring(chosen)
        there = places.ravel() >= 0
        finer = forest.levels[first + 1].sets
        assert finer is not None
        finer.all_[rows.repeat(4)[there], places.ravel()[there] - level.start] = True

    def _places(
        self, kind: int, rows: np.ndarray, places: np.ndarray, bins: np.ndarray, plane: int, start: int = 0
    ) -> None:
        """Which of some places are significant, with signs: 0 no, 1 positive, 2 negative. Others are listed from now on."""
        forest, given = self.forest, None
        if forest.magnitudes is not None and forest.below is not None:
            given = (forest.magnitudes[rows, places] >> plane > 0) * (1 + forest.below[rows, places])
        found, rows, places = self._asked("places", kind, given, rows, places - start, places, bins, "signs")
        places = places + start
        forest.listed[rows, places] = found == 0
        rows, places, found = rows[found > 0], places[found > 0], found[found > 0]
        forest.known[rows, places] = 1 << plane
        forest.low[rows, places] = plane
        forest.negative[rows, places] = found == 2

    def _asked(
        self,
        name: str,
        kind: int,
        given: np.ndarray | None,
        rows: np.ndarray,
        at: np.ndarray,
        places: np.ndarray,
        bins: np.ndarray,
        bank: str,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ask the port. Returns what is known: symbols, rows and `at`, shorter where a stream ended.

        at       where each stands in `bins`       places   where it, or a set's first offspring, stands in the forest
        """
        forest = self.forest
        if self.coded:
            level, chroma = forest.kinds()
            other = chroma[places] if kind != FINER else forest.known[rows, places] >> self.at > 2
            row = classes(self.levels, kind, level[places], other)
            index = self.tables[row * self.count + bins[rows, at]]
        else:
            index = np.zeros(len(rows), np.int32)
        ends = np.searchsorted(rows, np.arange(forest.rows + 1))
        found, known = self.port.run(name, given, bank, index, ends)
        asked = np.diff(ends)
        if (known < asked).any():
            self.whole &= known == asked
            kept = np.arange(len(rows)) - ends[rows] < known[rows]
            found, rows, at = found[kept], rows[kept], at[kept]
        return found, rows, at


def _around(level: Level, forest: Forest) -> np.ndarray:
    """Magnitudes known around every place of a level, a weighted mean in sixteenths: int32 [b, bands, h, w].

    Weights: 2 for four neighbours, 1 for four at the corners, 4 for the parent; in chroma, 4 for the plane before.
    """
    known = level.known
    total = 2 * known
    beside = np.zeros_like(total)
    beside[..., 1:, :] += total[..., :-1, :]
    beside[..., :-1, :] += total[..., 1:, :]
    total[..., 1:, :] += known[..., :-1, :]
    total[..., :-1, :] += known[..., 1:, :]
    beside[..., 1:] += total[..., :-1]
    beside[..., :-1] += total[..., 1:]
    parents = forest.parents(level)
    if parents is not None:
        parents = 4 * parents
        for row in range(2):
            for column in range(2):
                beside[..., row::2, column::2] += parents
    b, bands, height, width = known.shape
    planes = (b, bands // forest.colours, forest.colours, height, width)
    beside.reshape(planes)[:, :, 1:] += 4 * known.reshape(planes)[:, :, :-1]
    return beside


def pooled(around: np.ndarray) -> np.ndarray:
    """Sums over two by two places; what is beyond an edge is zero."""
    height, width = (-(-side // 2) for side in around.shape[2:])
    found = np.zeros((*around.shape[:2], height, width), around.dtype)
    for row in range(2):
        for column in range(2):
            part = around[..., row::2, column::2]
            found[..., : part.shape[2], : part.shape[3]] += part
    return found


def _marked(flags: np.ndarray, active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row, place) of every flag that is set in the active rows, row after row."""
    if active.all():
        flat = np.flatnonzero(flags)
        return np.divmod(flat, flags.shape[1]) if len(flags) > 1 else (np.zeros_like(flat), flat)
    rows = [np.flatnonzero(flags[row]) if active[row] else np.empty(0, np.int64) for row in range(len(flags))]
    return np.repeat(np.arange(len(rows)), [len(row) for row in rows]), np.concatenate(rows)


@lru_cache(maxsize=1)
def bin_of() -> np.ndarray:
    """The bin, LONE to BINS - 1, of sixteenths of a threshold: two for each doubling."""
    size = np.arange(1, SIZES + 1)
    bins = np.floor(2 * np.log2(size) + 1e-9).astype(int)
    return (LONE + np.clip(bins - 2, 0, LONE - 1)).astype(np.uint8)

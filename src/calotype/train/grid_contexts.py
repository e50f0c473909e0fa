"""With what components of levels are predicted: weights by least squares, tables from histograms. NumPy only.

Designs what walks/grids.py looks up; nothing here runs when a picture is coded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calotype.train.block_contexts import Classes, Counts, Probe, binned_tables, nonnegative, spread_tables
from calotype.walks import interlaced
from calotype.walks.blocks import BINS, LARGEST, UNIT
from calotype.walks.grids import FEATURES, Grids, class_of, coarser, features

__all__ = ["designed_rows", "single_rows"]

Levels = Sequence[np.ndarray]  # of one picture: integers [p, h, w], coarse to fine
_FINEST = 40_000  # positions of a class that weights are fitted to


def designed_rows(
    sample: Sequence[Sequence[Levels]], anchors: Sequence[Sequence[Levels]], distances: Sequence[int]
) -> dict[str, np.ndarray]:
    """All rows that the walk asks for.

    sample    quantized levels of pictures, at each of a few rates
    anchors   the same at every rate anchor of the model, where mean magnitudes are given
    """
    planes = sample[0][0][0].shape[0]
    base = np.stack([_means(pictures) for pictures in anchors])
    weights = _weights(sample, distances, planes)
    count = len(weights)
    probing = {
        "weights": weights,
        "bins": np.arange(count * BINS).reshape(count, BINS),
        "first.scale": np.arange(planes * interlaced.PASSES * interlaced.CLASSES).reshape(-1, interlaced.CLASSES),
    }
    walk, seen = Grids(distances, planes), {}
    for pictures in sample:
        rows = Classes(probing, _means(pictures))
        for levels in pictures:
            walk(rows, Probe(_shapes(levels, distances), seen), _named(levels, distances))
    finer: Counts = {}
    for distance in distances[1:]:
        for key, (times, size) in seen[f"f{distance}"].items():
            before = finer.get(key, (0.0, 0.0))
            finer[key] = before[0] + times, before[1] + size
    return {
        "base": base,
        "weights": weights,
        "bins": binned_tables(finer, count),
        "first.scale": spread_tables(seen[f"c{distances[0]}"], planes * interlaced.PASSES),
    }


def single_rows(
    sample: Sequence[Sequence[Levels]], used: np.ndarray, distances: Sequence[int]
) -> dict[str, np.ndarray]:
    """The rows of a walk that codes one level: `sample` at each anchor, `used` bool [anchors, levels]."""
    planes = sample[0][0][0].shape[0]
    classes = np.arange(planes * interlaced.PASSES * interlaced.CLASSES).reshape(-1, interlaced.CLASSES)
    rows: dict[str, np.ndarray] = {"used": used.astype(np.int64)}
    for level, distance in enumerate(distances):
        seen: dict[str, Counts] = {}
        for pictures in (sample[place] for place in np.flatnonzero(used[:, level])):
            for levels in pictures:
                array = np.asarray(levels[level])[None]
                interlaced.code(Probe({"c": _packed(array)}, seen), "c", array, classes)
        rows[f"single.{distance}.scale"] = spread_tables(seen.get("c", {}), planes * interlaced.PASSES)
    return rows


def _packed(array: np.ndarray) -> tuple[int, int, int, int]:
    b, planes, height, width = array.shape
    return b, planes * interlaced.CELL**2, height // interlaced.CELL, width // interlaced.CELL


def _shapes(levels: Levels, distances: Sequence[int]) -> dict[str, tuple[int, int, int, int]]:
    first = np.asarray(levels[0])[None]
    found = {f"f{d}": (1, *np.shape(level)) for d, level in zip(distances, levels, strict=True)}
    return {f"c{distances[0]}": _packed(first)} | found


def _named(levels: Levels, distances: Sequence[int]) -> dict[str, np.ndarray]:
    return {f"f{d}": np.asarray(level, np.float32)[None] for d, level in zip(distances, levels, strict=True)}


def _means(pictures: Sequence[Levels]) -> np.ndarray:
    """Mean magnitude of each plane of each level but the first, times UNIT: int64 [(levels - 1) * planes]."""
    sums = [np.sum([np.abs(levels[k]).sum((1, 2)) for levels in pictures], 0) for k in range(1, len(pictures[0]))]
    sizes = [sum(levels[k][0].size for levels in pictures) for k in range(1, len(pictures[0]))]
    found = np.concatenate([part / size for part, size in zip(sums, sizes, strict=True)]) * UNIT
    return np.minimum(np.round(found), LARGEST * UNIT).astype(np.int64)


def _weights(sample: Sequence[Sequence[Levels]], distances: Sequence[int], planes: int) -> np.ndarray:
    """Weights of the features and of the mean of each class, times UNIT: int64 [classes, FEATURES + 1]."""
    random, count = np.random.default_rng(0), len(distances) - 1
    found = np.zeros((4 * count, FEATURES + 1), np.int64)
    for level in range(1, count + 1):
        for plane in range(min(planes, 2)):
            for white in (False, True):
                system, target = np.zeros((FEATURES + 1, FEATURES + 1)), np.zeros(FEATURES + 1)
                for pictures in sample:
                    rows, magnitudes = [], []
                    mean = float(_means(pictures)[planes * (level - 1) + plane]) / UNIT
                    for levels in pictures:
                        some, known = _told(levels, distances, level, plane, white)
                        rows.append(some)
                        magnitudes.append(known)
                    seen, wanted = np.concatenate(rows, 1), np.concatenate(magnitudes)
                    if len(wanted) > _FINEST:
                        chosen = random.choice(len(wanted), _FINEST, replace=False)
                        seen, wanted = seen[:, chosen], wanted[chosen]
                    seen = np.concatenate([seen, np.full((1, len(wanted)), mean)])
                    share = 1 / (mean + 0.01) ** 2 / len(wanted)
                    system += share * (seen @ seen.T)
                    target += share * (seen @ wanted)
                found[class_of(level, plane, white)] = np.round(nonnegative(system, target) * UNIT)
    return found


def _told(
    levels: Levels, distances: Sequence[int], level: int, plane: int, white: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Features [FEATURES, n] and magnitudes [n] of the positions of a class."""
    before = coarser(
        np.asarray(levels[level - 1]).astype(np.int32)[None], distances[level - 1] // distances[level], level
    )
    size = np.minimum(np.abs(np.asarray(levels[level])), LARGEST).astype(np.int32)[None]
    board = (np.indices(size.shape[2:]).sum(0) % 2).astype(bool)
    done = size.copy()
    done[:, plane] *= ~board if white else 0
    done[:, plane + 1 :] = 0
    here = board if white else ~board
    told: list[np.ndarray] = [feature[0][here] for feature in features(before, done, plane)]
    return np.stack(told).astype(np.float64), size[0, plane][here].astype(np.float64)

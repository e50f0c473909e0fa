"""What coefficients of blocks are predicted from: weights by least squares, tables from histograms. NumPy only.

Designs what walks/blocks.py looks up; nothing here runs when a picture is coded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calotype import blocks, colour
from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG, LAPLACE_STEPS
from calotype.coding.frequencies import laplace_bank
from calotype.coding.lattice import FULL
from calotype.coding.positions import Bound
from calotype.coding.tables import TableBank
from calotype.errors import UsageError
from calotype.tiles import Region
from calotype.walks import interlaced
from calotype.walks.blocks import BINS, LARGEST, UNIT, Blocks, around, bin_of, turns

__all__ = [
    "Classes", "Counts", "Probe", "binned_tables", "coefficients", "designed_rows", "laplace", "nonnegative", "planes_of",
    "spread_tables", "table_of",
]  # fmt: skip

Counts = dict[int, tuple[float, float]]  # class: symbols, and the sum of their magnitudes

NEAR = 6  # magnitudes that predict one
_CANDIDATES = 14
_DEAD = 0.4  # rounding offset of the quantizer that the design assumes: near what rate-distortion choices do
_TRUST = 20.0  # symbols that the expectation of a class counts for
_PROBED = 20_000  # blocks of it that tables are counted on
_FINEST = 20_000  # blocks of the sample that weights are fitted to


def laplace() -> TableBank:
    """The 64 tables of the bank "laplace"; table 0 is the certain zero."""
    return laplace_bank(LAPLACE_STEPS, LAPLACE_PER_LOG, LAPLACE_LOW)


def table_of(magnitude: np.ndarray) -> np.ndarray:
    """The table, 1..63, whose Laplace distribution has a mean of |symbol| nearest to the given ones."""
    b = np.exp(LAPLACE_LOW + np.arange(1, LAPLACE_STEPS) / LAPLACE_PER_LOG)
    means = np.exp(-0.5 / b) / -np.expm1(-1 / b)
    middle = np.sqrt(means[1:] * means[:-1])
    return 1 + np.searchsorted(middle, magnitude)


def coefficients(crops: Sequence[np.ndarray], basis: np.ndarray, planes: np.ndarray, align_px: int) -> list[np.ndarray]:
    """Coefficients [p, n, h, w] of pictures, padded to `align_px` by repeating their edges."""
    return [blocks.forward(basis, held) for held in planes_of(crops, planes, align_px)]


def planes_of(crops: Sequence[np.ndarray], planes: np.ndarray, align_px: int) -> list[np.ndarray]:
    """Colour planes [p, h, w] of pictures, padded to `align_px` by repeating their edges."""
    found = []
    for crop in crops:
        height, width = (-(-side // align_px) * align_px for side in crop.shape[:2])
        held = np.empty((planes.shape[1], height, width), np.float32)
        colour.planes_of(crop, planes, unit=1)(Region(0, height, 0, width), held)
        found.append(held)
    return found


def designed_rows(
    sample: Sequence[np.ndarray], groups: Sequence[int], steps: np.ndarray, anchors: np.ndarray
) -> dict[str, np.ndarray]:
    """All rows that the walk asks for.

    sample    coefficients [p, n, h, w] of pictures      groups   as the walk has them
    steps     quantizer steps that the statistics are taken at
    anchors   steps of the model's rate anchors, where the mean magnitudes are given
    """
    planes, n = sample[0].shape[:2]
    if sum(groups) != n - 1:
        raise UsageError("groups", value=sum(groups), allowed=n - 1)
    quantized = [[_quantized(part, step) for part in sample] for step in steps]
    means = [_mean(parts) for parts in quantized]
    rows = _weights(quantized, means, turns(planes, groups))
    rows["ac.base"] = np.stack([_mean([_quantized(part, step) for part in sample]) * UNIT for step in anchors])
    rows["ac.base"] = np.minimum(np.round(rows["ac.base"]), LARGEST * UNIT).astype(np.int64)
    return rows | _tables(sample, steps, anchors, rows, groups)


def _quantized(part: np.ndarray, step: float) -> np.ndarray:
    """Magnitudes without the means, [p * (n - 1), h, w]."""
    magnitude = np.floor(np.abs(part[:, 1:]) / step + _DEAD)
    return np.minimum(magnitude, LARGEST).reshape(-1, *part.shape[2:]).astype(np.float32)


def _mean(parts: Sequence[np.ndarray]) -> np.ndarray:
    sums = np.sum([part.sum((1, 2), dtype=np.float64) for part in parts], 0)
    return sums / sum(part[0].size for part in parts)


def _weights(
    quantized: Sequence[Sequence[np.ndarray]], means: Sequence[np.ndarray], turn: np.ndarray
) -> dict[str, np.ndarray]:
    """Which magnitudes predict which, and how much: sources, weights and the share of the mean, for both colours of a board."""
    count = len(turn)
    grams, random = [], np.random.default_rng(0)
    for parts in quantized:
        rows = [np.concatenate([part, around(part), np.ones((1, *part.shape[1:]), np.float32)]) for part in parts]
        flat = np.concatenate([row.reshape(2 * count + 1, -1) for row in rows], 1)
        if flat.shape[1] > _FINEST:
            flat = flat[:, random.choice(flat.shape[1], _FINEST, replace=False)]
        grams.append((flat @ flat.T / flat.shape[1]).astype(np.float64))
    source, weight, own = (np.zeros((2 * count, NEAR), np.int64), np.zeros((2 * count, NEAR), np.int64),
                           np.zeros(2 * count, np.int64))  # fmt: skip
    for channel in range(count):
        earlier = np.flatnonzero(turn < turn[channel])
        share = [1 / (mean[channel] + 0.01) ** 2 for mean in means]
        whole = sum(gram * factor for gram, factor in zip(grams, share, strict=True))
        # The constant stands for the mean at each rate.
        level = sum(
            gram[:, -1] * factor * mean[channel] for gram, factor, mean in zip(grams, share, means, strict=True)
        )
        square = sum(factor * mean[channel] ** 2 for factor, mean in zip(share, means, strict=True))
        for white in (0, 1):
            known = np.concatenate([earlier, count + earlier, [count + channel] if white else []]).astype(np.int64)
            chosen, found, constant = _fitted(whole, level, square, channel, known)
            row = channel + count * white
            source[row, : len(chosen)], weight[row, : len(chosen)] = chosen, np.round(found * UNIT)
            own[row] = round(constant * UNIT)
    return {"ac.source": source, "ac.weight": weight, "ac.own": own[None]}


def _fitted(
    gram: np.ndarray, level: np.ndarray, square: float, channel: int, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """The few that predict best, their weights, none negative, and the weight of the mean."""
    strength = gram[known, channel] / np.sqrt(gram[known, known] + 1e-12)
    known = known[np.argsort(-strength)[:_CANDIDATES]]
    for most in (_CANDIDATES, NEAR):
        system = np.zeros((len(known) + 1, len(known) + 1))
        system[:-1, :-1], system[-1, :-1], system[:-1, -1] = gram[np.ix_(known, known)], level[known], level[known]
        system[-1, -1] = square
        found = nonnegative(system, np.append(gram[known, channel], level[channel]))
        keep = np.argsort(-found[:-1] * np.sqrt(np.diag(system)[:-1]))[:most]
        if most == _CANDIDATES:
            known = known[keep[:NEAR]]
    return known, found[:-1], float(found[-1])


def nonnegative(system: np.ndarray, target: np.ndarray, rounds: int = 60) -> np.ndarray:
    """Least squares without negative weights, by coordinate descent on the normal equations."""
    found, diagonal = np.zeros(len(target)), np.maximum(np.diag(system), 1e-9)
    for _ in range(rounds):
        for k in range(len(target)):
            found[k] = max(0.0, found[k] + (target[k] - system[k] @ found) / diagonal[k])
    return found


class Probe:
    """A port that codes nothing: it quantizes, and counts |symbol| for each table index that the walk names.

    The walk is given rows whose "tables" are numbers of classes, so what is counted are the classes' histograms.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, int, int, int]], seen: dict[str, Counts]) -> None:
        self._shapes, self.seen = shapes, seen

    def shape(self, name: str) -> tuple[int, int, int, int]:
        return self._shapes[name]

    def code(self, name: str, values: Any, distribution: Any, lattice: Any = FULL, onto: Any = None) -> np.ndarray:
        bound = Bound(lattice, self._shapes[name])
        classes = bound.take(distribution.index).reshape(-1).astype(np.int64)
        mean = 0 if distribution.mean16 is None else bound.take(distribution.mean16) / np.float32(16)
        away = bound.take(values) - mean
        symbols = np.copysign(np.floor(np.abs(away) + np.float32(_DEAD if distribution.mean16 is None else 0.5)), away)
        counted = self.seen.setdefault(name, {})
        number, total = np.bincount(classes), np.bincount(classes, np.abs(symbols).reshape(-1))
        for key in np.flatnonzero(number).tolist():
            times, size = counted.get(key, (0.0, 0.0))
            counted[key] = times + float(number[key]), size + float(total[key])
        return lattice.put(symbols + mean, np.zeros(self._shapes[name], np.float32) if onto is None else onto)


class Classes:
    """What a walk asks of `nets` while its classes are counted."""

    def __init__(self, rows: Mapping[str, np.ndarray], base: np.ndarray) -> None:
        self._rows, self._base = rows, base

    def table(self, name: str) -> np.ndarray:
        return self._rows[name]

    def rows(self, name: str) -> np.ndarray:
        return self._base[None, :, None, None].astype(np.float32)


def _tables(
    sample: Sequence[np.ndarray],
    steps: np.ndarray,
    anchors: np.ndarray,
    rows: dict[str, np.ndarray],
    groups: Sequence[int],
) -> dict[str, np.ndarray]:
    """The tables of classes, from what their symbols are on the sample: "dc.scale", "ac.class", "ac.bins"."""
    planes, n = sample[0].shape[:2]
    group = np.concatenate([np.repeat(np.arange(len(groups)), groups)] * planes)
    plane = np.minimum(np.repeat(np.arange(planes), n - 1), 1)  # luma, and both chroma planes alike
    classes = (plane * len(groups) + group) * 2
    classes = np.concatenate([classes, classes + 1])
    count = int(classes.max()) + 1
    passes = planes * interlaced.PASSES
    probing = rows | {
        "ac.class": classes[None],
        "ac.bins": np.arange(count * BINS).reshape(count, BINS),
        "dc.scale": np.arange(passes * interlaced.CLASSES).reshape(passes, interlaced.CLASSES),
    }
    walk, seen = _Wide(planes, groups), {}
    at = np.log(anchors)[::-1]
    enough = int(np.searchsorted(np.cumsum([part[0, 0].size for part in sample]), _PROBED)) + 1
    for step in steps:
        base = np.array([np.interp(np.log(step), at, column[::-1]) for column in rows["ac.base"].T])
        for part in sample[:enough]:
            height, width = part.shape[2:]
            shapes = {"dc": (1, planes * interlaced.CELL**2, height // 4, width // 4),
                      "ac": (1, planes * (n - 1), height, width)}  # fmt: skip
            walk(
                Classes(probing, np.round(base)), Probe(shapes, seen), {"y": part.reshape(1, -1, height, width) / step}
            )
    return {
        "dc.scale": spread_tables(seen["dc"], passes),
        "ac.class": classes[None],
        "ac.bins": binned_tables(seen["ac"], count),
    }


class _Wide(Blocks):
    """The walk with room for more tables than a bank has."""

    index_type = np.int32


def spread_tables(seen: Counts, rows: int) -> np.ndarray:
    """ "scale" of an interlaced plane: the table of each class of spread, int [rows, CLASSES]."""
    number, total = _grid(seen, rows, interlaced.CLASSES)
    expected = np.maximum.accumulate(total.sum(0) / np.maximum(number.sum(0), 1))
    return _smoothed(seen, rows, interlaced.CLASSES, expected)


def binned_tables(seen: Counts, classes: int) -> np.ndarray:
    """The table of each class and bin of expectations, int [classes, BINS]."""
    return _smoothed(seen, classes, BINS, _middles())


def _smoothed(seen: Counts, rows: int, columns: int, expected: np.ndarray) -> np.ndarray:
    """The table of each class from its mean, drawn to what is expected where it was seldom seen: int [rows, columns]."""
    number, total = _grid(seen, rows, columns)
    return table_of((total + _TRUST * expected) / (number + _TRUST)).astype(np.int64)


def _grid(seen: Counts, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    number, total = np.zeros((rows, columns)), np.zeros((rows, columns))
    for key, (times, size) in seen.items():
        number.flat[key], total.flat[key] = times, size
    return number, total


def _middles() -> np.ndarray:
    """The mean expectation of each bin, in units of 1."""
    bins = bin_of()
    return np.bincount(bins, np.arange(len(bins))) / np.bincount(bins) / UNIT

"""Designs what walks/predictive.py looks up: tables of errors by context, and the small network that predicts. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calotype.train.block_contexts import Counts, Probe, spread_tables
from calotype.walks import interlaced, predictors
from calotype.walks.predictive import BLOCK, CHOICES, Predictive
from calotype.walks.vectors import luma_chroma

__all__ = ["Adam", "error_tables", "network", "samples_of"]

_MOST_PX = 1_000_000  # of pictures that tables are counted on


def samples_of(crops: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Crops uint8 [h, w, 3] as int32 [1, 3, h, w], cut to whole cells."""
    found = [
        crop[: crop.shape[0] // 32 * 32, : crop.shape[1] // 32 * 32] for crop in crops if min(crop.shape[:2]) >= 32
    ]
    return [crop.transpose(2, 0, 1).astype(np.int32)[None] for crop in found]


class _Nets:
    def __init__(self, rows: dict[str, np.ndarray]) -> None:
        self._rows = rows

    def table(self, name: str) -> np.ndarray:
        return self._rows[name]


def error_tables(crops: Sequence[np.ndarray], walk: Predictive, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The rows "scale.<place>": the table of each plane, pass and class of magnitudes around.

    rows   what the predictor needs
    """
    passes = 3 * interlaced.PASSES
    classes = np.arange(passes * interlaced.CLASSES).reshape(passes, -1)
    found = {}
    for place, step in enumerate(walk.steps):
        seen: dict[str, Counts] = {}
        looked = 0
        for samples in samples_of(crops):
            planes = luma_chroma((samples + step // 2) // step)
            modes = None
            if walk.predictor == "block":
                every = predictors.around(planes)
                modes = predictors.modes([planes - predictors.predictor(name)(every) for name in CHOICES], BLOCK)
            errors = walk.errors(_Nets(rows), planes, modes)
            interlaced.code(
                Probe({"errors": interlaced.packed(errors).shape}, seen), "errors", errors, classes, centred=True
            )
            looked += planes[0, 0].size
            if looked > _MOST_PX:
                break
        found[f"scale.{place}"] = spread_tables(seen["errors"], passes)
    return found


def network(crops: Sequence[np.ndarray], *, hidden: int, steps: int, seed: int = 0) -> dict[str, np.ndarray]:
    """The rows "mlp.weights" and "mlp.output" for luma and chroma: back-propagation with Adam on |error|, then integers."""
    random = np.random.default_rng(seed)
    weights, outputs = [], []
    sample = [luma_chroma(part) for part in samples_of(crops)]
    for kind in (slice(0, 1), slice(1, 3)):
        inputs, wanted = [], []
        for planes in sample:
            every = predictors.around(planes[:, kind])
            middle = predictors.predictor("med")(every)
            away = np.stack([np.clip(part - middle, -127, 127) for part in every], -1).reshape(-1, 6)
            take = random.integers(0, len(away), min(len(away), 4000))
            inputs.append(away[take])
            wanted.append((planes[:, kind] - middle).reshape(-1)[take])
        one, other = _trained(np.concatenate(inputs), np.concatenate(wanted), hidden, steps, random)
        weights.append(one)
        outputs.append(other)
    return {"mlp.weights": np.concatenate(weights), "mlp.output": np.stack(outputs)}


class Adam:
    """Adam on NumPy arrays, in place, its rate falling from 0.01 to a hundredth of that over `steps`."""

    def __init__(self, held: list[np.ndarray], steps: int) -> None:
        self.held, self.steps, self.done = held, steps, 0
        self.first, self.second = [np.zeros_like(part) for part in held], [np.zeros_like(part) for part in held]

    def step(self, slopes: Sequence[np.ndarray]) -> None:
        """Take one step against the slopes."""
        self.done += 1
        rate = 0.01 * (1 - self.done / (self.steps + 1)) + 1e-4
        for k, slope in enumerate(slopes):
            self.first[k] = 0.9 * self.first[k] + 0.1 * slope
            self.second[k] = 0.999 * self.second[k] + 0.001 * slope**2
            size = np.sqrt(self.second[k] / (1 - 0.999**self.done)) + 1e-9
            self.held[k] = self.held[k] - rate * self.first[k] / (1 - 0.9**self.done) / size


def _trained(
    inputs: np.ndarray, wanted: np.ndarray, hidden: int, steps: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Integers of the two layers: [7, hidden] in 64ths, [hidden + 1] in 1024ths."""
    x = inputs.astype(np.float64) / 16
    target = wanted.astype(np.float64) / 16
    held = [
        random.normal(0, 0.5, (6, hidden)),
        random.normal(0, 0.1, hidden),
        random.normal(0, 0.02, hidden),
        np.zeros(1),
    ]
    adam = Adam(held, steps)
    for _ in range(steps):
        take = random.integers(0, len(x), 1024)
        a, t = x[take], target[take]
        pre = a @ held[0] + held[1]
        h = np.maximum(pre, 0)
        error = np.clip(h @ held[2] + held[3] - t, -1.0, 1.0) / len(take)  # Huber: between the mean and the median
        back = error[:, None] * held[2] * (pre > 0)
        slopes = [a.T @ back, back.sum(0), h.T @ error, error.sum(keepdims=True)]
        adam.step(slopes)
    one = np.rint(64 * np.concatenate([held[0], 16 * held[1][None]])).clip(-(2**15), 2**15)
    other = np.rint(1024 * np.concatenate([held[2], 16 * held[3]])).clip(-(2**20), 2**20)
    return one.astype(np.int64), other.astype(np.int64)

"""Trains the network of walks/causal_net.py by back-propagation and makes integers of it. NumPy only, seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calotype.train.predictive_tables import Adam, samples_of
from calotype.walks.causal_net import LAYERS, WINDOW, middle_of, windows
from calotype.walks.vectors import luma_chroma

__all__ = ["KINDS", "layers"]

KINDS = ("luma", "chroma", "chroma")  # of the three planes
_UNIT = 16.0  # grey levels in one unit of activations
_TAKEN = 6000  # samples of a crop


def layers(crops: Sequence[np.ndarray], *, hidden: int, steps: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Rows "cnn.<kind>.<layer>", integers as `CausalNet` wants them, from pictures uint8 [h, w, 3]."""
    random = np.random.default_rng(seed)
    found = {}
    planes = [luma_chroma(sample) for sample in samples_of(crops)]
    for kind, part in (("luma", slice(0, 1)), ("chroma", slice(1, 3))):
        inputs, wanted = [], []
        for whole in planes:
            seen = windows(whole[:, part])
            middle = middle_of(seen)
            away = np.clip(seen - middle[..., None], -127, 127).reshape(-1, len(WINDOW))
            take = random.integers(0, len(away), min(len(away), _TAKEN))
            inputs.append(away[take])
            wanted.append((whole[:, part] - middle).reshape(-1)[take])
        made = _trained(np.concatenate(inputs) / _UNIT, np.concatenate(wanted) / _UNIT, hidden, steps, random)
        for name, (weights, biases), unit in zip(LAYERS, made, (64, 64, 1024), strict=True):
            whole = np.rint(unit * np.concatenate([weights, _UNIT * biases[None]])).clip(-(2**20), 2**20)
            found[f"cnn.{kind}.{name}"] = whole.astype(np.int64)
    return found


def _trained(
    x: np.ndarray, target: np.ndarray, hidden: int, steps: int, random: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weights, biases) of the three layers in units of _UNIT: Adam on the Huber loss, between mean and median."""
    sides = ((x.shape[1], hidden), (hidden, hidden), (hidden, 1))
    held = [random.normal(0, scale, side) for side, scale in zip(sides, (0.4, 0.1, 0.02), strict=True)]
    held += [random.normal(0, 0.1, hidden), np.zeros(hidden), np.zeros(1)]
    adam = Adam(held, steps)
    for _ in range(steps):
        take = random.integers(0, len(x), 1024)
        a, t = x[take], target[take]
        enter, between, leave, *biases = held
        h = np.maximum(a @ enter + biases[0], 0)
        r = np.maximum(h @ between + biases[1], 0)
        both = h + r
        error = np.clip((both @ leave)[:, 0] + biases[2] - t, -1.0, 1.0)[:, None] / len(take)
        back = error * leave[:, 0]
        back_r = back * (r > 0)
        back_h = (back + back_r @ between.T) * (h > 0)
        slopes = [a.T @ back_h, h.T @ back_r, both.T @ error, back_h.sum(0), back_r.sum(0), error.sum(0)]
        adam.step(slopes)
    return list(zip(held[:3], held[3:], strict=True))

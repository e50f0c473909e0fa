"""Last layers of the context networks by second derivatives: few passes, and integers that are worth their bits.

A table index is linear in the last layer, and bits are nearly quadratic in the index, so that of each pass the best
differences to the start follow from one look at the picture, with how much each is worth. NumPy only; loop.py looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calotype.fit.weights import FURTHEST, coded_as, tensor_bits

__all__ = ["Slope", "best_steps", "sweep"]

SHIFTS = (1, 2, 3, 4)
RIDGE = 1e-3  # of the mean second derivative, where the picture does not tell inputs apart
SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Slope:
    """Bits of a pass around the differences `at`, for each of its channels.

    at, first   [3, n]; second   [3, n, n]; n: inputs of the last layer, then its base
    """

    at: np.ndarray
    first: np.ndarray
    second: np.ndarray


def best_steps(slope: Slope) -> tuple[np.ndarray, tuple[int, int], float]:
    """(differences int [3, n], shifts of layer and base, their bits): what minimizes bits of latents and of differences.

    Each integer in turn takes the value that is best, all others given (coordinate descent), for each step size.
    """
    count = slope.at.shape[1] - 1
    curve = slope.second + np.eye(count + 1) * RIDGE * np.trace(slope.second, axis1=1, axis2=2)[:, None, None] / count
    curve = curve + np.eye(count + 1) * 1e-9
    wanted = slope.at - np.linalg.solve(curve, slope.first[..., None])[..., 0]

    def worth(found: np.ndarray) -> float:
        away = found - wanted
        return float(0.5 * np.einsum("ci,cij,cj->", away, curve, away))

    best, shifts, least = np.zeros_like(slope.at), (0, 0), worth(np.zeros_like(slope.at))
    bits = 0.0
    for layer, base in [(shift, 2) for shift in SHIFTS] + [(None, 2), (2, None), (3, None)]:
        found = _descended(wanted, curve, layer, base)
        steps = [found[:, :-1].astype(np.int64) >> (layer or 0), found[:, -1:].astype(np.int64) >> (base or 0)]
        taken = sum(map(tensor_bits, steps))
        if worth(found) + taken < least:
            best, bits, least = found, taken, worth(found) + taken
            shifts = (layer or 0, base or 0)
    return best.astype(np.int64), shifts, bits


def _descended(wanted: np.ndarray, curve: np.ndarray, layer: int | None, base: int | None) -> np.ndarray:
    """Multiples of the steps (None: all of them zero), from what is nearest to `wanted` on."""
    count = wanted.shape[1]
    units = np.full(count, 0.0 if layer is None else 2.0**layer)
    units[-1] = 0.0 if base is None else 2.0**base
    steps = np.round(wanted / np.where(units > 0, units, np.inf))
    for at in range(SWEEPS):
        lengths = [coded_as(part.astype(np.int64))[1] for part in (steps[:, :-1], steps[:, -1:])]
        tables = [lengths[int(j == count - 1)] for j in range(count)]
        for c in range(len(steps)):
            sweep(steps[c], wanted[c], curve[c], units, tables)
        if not steps.any() and at:
            break
    return steps * units


def sweep(
    steps: np.ndarray, wanted: np.ndarray, curve: np.ndarray, units: np.ndarray, tables: Sequence[np.ndarray]
) -> None:
    """Change integers [n] in place, one after the other, each to what is best with all others as they are.

    wanted   what `steps * units` would be if it were free       curve    second derivatives of the bits around it, [n, n]
    units    0: stays as it is                                   tables   bits of every magnitude, of each integer
    """
    pull = curve @ (steps * units - wanted)  # the slope of the quadratic part
    for j in map(int, np.flatnonzero(units)):
        now = steps[j]
        ideal = now - pull[j] / (curve[j, j] * units[j])
        tried = np.array([now, np.floor(ideal), np.ceil(ideal), 0.0])
        by = (tried - now) * units[j]
        bits = tables[j][np.minimum(np.abs(tried), FURTHEST).astype(np.int64)]
        chosen = int((pull[j] * by + 0.5 * curve[j, j] * by * by + bits).argmin())
        if by[chosen]:
            pull += curve[:, j] * by[chosen]
            steps[j] = tried[chosen]

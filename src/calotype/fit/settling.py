"""Differences to the start as integers that are worth their bits, when all that is known is how much turns on each of them.

In which order the tensors of a fit in layers settle, and the choice for one tensor. What turns on a weight is found in
turning.py. NumPy only.
"""

from __future__ import annotations

import numpy as np

from calotype.fit.newton import sweep
from calotype.fit.weights import FURTHEST, coded_as, tensor_bits
from calotype.walks.layers_networks import CHROMA

__all__ = ["GROUPS", "LAST", "cheapest", "kind_of", "lost"]

SHIFTS = range(8)  # steps of a tensor that are tried, powers of two
ROUNDS = 4  # of integers for a table, and of a table for integers
RIDGE = 1e-3  # of the mean curvature, where the picture does not tell inputs apart
# Kinds of tensors that settle together. The others descend on and make up for it: so what is fine and shifts a
# whole layer, the biases, comes late, those of the last layers at the very end.
LAST = ("mean", "index")
GROUPS = (
    ("coarse", "fourth"),
    ("known", "first"),
    ("beside", "third", "up"),
    ("mix", "last"),
    ("bias.layer", "first_bias"),
    ("bias.pass", "bias.rank", "mix_bias", "third_bias"),
    LAST,
    ("mean_bias", "index_bias", "last_bias", "fourth_bias"),
)


def kind_of(name: str) -> str:
    """What stands in GROUPS for a tensor of that name."""
    name = name.removeprefix(CHROMA)
    return name if name.startswith("bias.") else name.partition(".")[0]


def cheapest(wanted: np.ndarray, curvature: np.ndarray) -> tuple[np.ndarray, int]:
    """(differences int [rows, n], their shift): the least of what is lost and what they take in the file.

    wanted      real differences [rows, n]
    curvature   second derivatives of all bits towards integers, [rows, n, n], or of each alone, [rows, n]
    """
    if curvature.ndim == 3:
        mean = np.trace(curvature, axis1=1, axis2=2)[:, None, None] / curvature.shape[1]
        curvature = curvature + (RIDGE * mean + 1e-9) * np.eye(curvature.shape[1])
    best, chosen = np.zeros(wanted.shape, np.int64), 0
    least = lost(wanted, curvature)
    for shift in SHIFTS:
        steps = (_one_by_one if curvature.ndim == 2 else _row_by_row)(wanted, curvature, 1 << shift)
        cost = lost(wanted - (steps << shift), curvature) + tensor_bits(steps)
        if cost < least:
            best, chosen, least = steps << shift, shift, cost
    return best, chosen


def lost(away: np.ndarray, curvature: np.ndarray) -> float:
    """Bits that integers lose which are so far `away` [rows, n] from what was wanted."""
    if curvature.ndim == 2:
        return float(0.5 * (curvature * away * away).sum())
    return float(0.5 * np.einsum("ri,rij,rj->", away, curvature, away))


def _one_by_one(wanted: np.ndarray, curvature: np.ndarray, unit: int) -> np.ndarray:
    """Each integer alone: the nearest, the one below in magnitude, or none."""
    size = np.abs(wanted) / unit
    nearest = np.floor(size + 0.5).astype(np.int64)
    tried = np.stack([nearest, np.maximum(nearest - 1, 0), np.zeros_like(nearest)])
    each = 0.5 * curvature * unit**2 * (size - tried) ** 2
    steps = nearest
    for _ in range(ROUNDS):
        bits = coded_as(steps)[1][np.minimum(tried, FURTHEST)]
        steps = np.take_along_axis(tried, (each + bits).argmin(0)[None], 0)[0]
    return np.sign(wanted).astype(np.int64) * steps


def _row_by_row(wanted: np.ndarray, curvature: np.ndarray, unit: int) -> np.ndarray:
    """Each in turn, the others of its row given."""
    steps = np.round(wanted / unit)
    units = np.full(wanted.shape[1], float(unit))
    for _ in range(ROUNDS):
        tables = [coded_as(steps.astype(np.int64))[1]] * len(units)
        for row, target, curve in zip(steps, wanted, curvature, strict=True):
            sweep(row, target, curve, units, tables)
    return steps.astype(np.int64)

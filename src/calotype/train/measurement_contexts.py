"""Tables of compressive measurements: normal distributions, and which of them follows from what. NumPy only.

Designs what walks/measurements.py looks up; nothing here runs when a picture is coded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import erf

import numpy as np

from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG, LAPLACE_STEPS
from calotype.coding.frequencies import bank_from_probabilities
from calotype.coding.tables import TableBank
from calotype.train.block_contexts import Counts, Probe, binned_tables, spread_tables
from calotype.walks import interlaced
from calotype.walks.blocks import BINS
from calotype.walks.measurements import Measurements, groups

__all__ = ["measurement_rows", "normal"]


def normal() -> TableBank:
    """The bank "normal": table i has the mean magnitude of table i of the bank "laplace", spread as a normal variable."""
    tables: list[tuple[int, np.ndarray]] = [(0, np.empty(0))]
    for i in range(1, LAPLACE_STEPS):
        b = float(np.exp(LAPLACE_LOW + i / LAPLACE_PER_LOG))
        wanted = np.exp(-0.5 / b) / -np.expm1(-1 / b)
        low, high = 0.05, 2000.0
        for _ in range(40):
            sigma = (low * high) ** 0.5
            share = _share(sigma)
            below = float((share * np.abs(np.arange(len(share)) - len(share) // 2)).sum()) < wanted
            low, high = (sigma, high) if below else (low, sigma)
        share = _share(high)
        tables.append((-(len(share) // 2), share))
    return bank_from_probabilities(tables)


def _share(sigma: float) -> np.ndarray:
    """Probabilities of the integers -reach..reach under a rounded normal variable."""
    reach = min(1500, 1 + int(4.5 * sigma))
    ends = np.array([erf((k + 0.5) / (sigma * 2**0.5)) for k in range(reach + 1)])
    side = 0.5 * np.diff(ends)
    return np.concatenate([side[::-1], ends[:1], side])


def measurement_rows(
    sample: Sequence[np.ndarray], counts: Sequence[int], kept: np.ndarray, steps: np.ndarray
) -> dict[str, np.ndarray]:
    """The rows "dc.scale" and "ac.bins".

    sample   measurements [sum of counts, h, w] of pictures      counts   the most of each plane
    kept     how many of luma and chroma are coded at each anchor, int [anchors, 2]      steps   [anchors]
    """
    kinds = 1 + max(groups(max(counts)), default=0)
    scale = np.arange(len(counts) * interlaced.PASSES * interlaced.CLASSES).reshape(-1, interlaced.CLASSES)
    probing = {"dc.scale": scale, "ac.bins": np.arange(2 * kinds * BINS).reshape(-1, BINS)}
    walk, seen = Measurements(counts), {}
    for row, step in list(zip(kept, steps, strict=True))[::2]:
        for part in sample:
            _, height, width = part.shape
            shapes = {"dc": (1, len(counts) * interlaced.CELL**2, height // interlaced.CELL, width // interlaced.CELL),
                      "ac": (1, sum(counts) - len(counts), height, width)}  # fmt: skip
            walk(_Nets(probing, row), Probe(shapes, seen), {"m": part[None] / step})
    counted: Counts = seen["ac"]
    return {
        "dc.scale": spread_tables(seen["dc"], len(scale)),
        "ac.bins": binned_tables(counted, 2 * kinds),
    }


class _Nets:
    """What the walk asks of `nets` while its classes are counted."""

    def __init__(self, rows: Mapping[str, np.ndarray], kept: np.ndarray) -> None:
        self._rows, self._kept = rows, kept

    def table(self, name: str) -> np.ndarray:
        return self._rows[name]

    def rows(self, name: str) -> np.ndarray:
        return self._kept[None, :, None, None].astype(np.float32)

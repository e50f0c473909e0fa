"""Blahut and Arimoto's algorithm: rate and distortion of a source, and how fine its quantizer should be. NumPy only."""

from __future__ import annotations

import numpy as np

__all__ = ["curve_point", "finer"]

_GRID, _ROUNDS = 96, 60
_STEP_DB = 12.0  # distortions are compared this far below the variance of what carries most


def curve_point(values: np.ndarray, slope: float) -> tuple[float, float]:
    """(rate in bits, squared error) of the best code for a source at a slope of its curve, in bits per squared error.

    values   [m] samples of the source
    source   Blahut 1972, doi:10.1109/TIT.1972.1054855; Arimoto 1972
    """
    low, high = np.quantile(values, [0.001, 0.999])
    count, edges = np.histogram(values, _GRID, (low, max(high, low + 1e-6)))
    places = (edges[1:] + edges[:-1]) / 2
    share = count[count > 0] / count.sum()
    away = np.square(places[count > 0][:, None] - places)
    kernel = np.exp2(-slope * away)
    marginal = np.full(_GRID, 1 / _GRID)
    for _ in range(_ROUNDS):
        joint = kernel * marginal
        posterior = joint / joint.sum(1, keepdims=True)
        marginal = np.maximum(share @ posterior, 1e-300)
    weights = share[:, None] * posterior
    rate = float((weights * np.log2(np.maximum(posterior, 1e-300) / marginal)).sum())
    return max(0.0, rate), float((weights * away).sum())


def finer(hidden: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """How much finer than one step for all each unit is to be quantized: 1 where the best code errs as its step does.

    hidden   [units, m]      effect   [units], levels that a unit of each moves a block by
    """
    scaled = hidden * effect[:, None]
    slope = 10 ** (_STEP_DB / 10) / (2 * np.log(2) * float(scaled.var(1).max()))
    errors = np.array([curve_point(row, slope)[1] for row in scaled])
    flat = 1 / (2 * np.log(2) * slope)  # the error of the same slope where there is no end of rate: a step for all
    return np.sqrt(np.clip(flat / np.maximum(errors, 1e-9), 0.25, 4.0))

"""The Bjontegaard difference of two rate-distortion curves by PCHIP interpolation; own PCHIP, no SciPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calotype.errors import UsageError

__all__ = ["BDRate", "bd_rate"]

_FEWEST_POINTS = 4

Curve = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class BDRate:
    """A Bjontegaard rate difference and where it holds.

    percent      mean difference in rate at equal quality: negative where the tested codec needs fewer bits
    low, high    the interval of quality that both curves cover, over which the mean was taken
    """

    percent: float
    low: float
    high: float


def bd_rate(anchor: Curve, test: Curve) -> BDRate:
    """The rate that `test` needs against `anchor`, in percent, averaged over the quality both reach.

    anchor, test   rates (bpp, any unit) and qualities (dB), of equal length; points that raise the rate
                   without raising the quality are left out
    errors         UsageError for fewer than four points that are left, for rates that are not above zero,
                   and for curves that share no interval of quality
    source         Bjontegaard 2001 (VCEG-M33) with piecewise cubic interpolation of the logarithm of the rate
    """
    curves = [_rising(*anchor, "anchor"), _rising(*test, "test")]
    low = max(quality[0] for _, quality in curves)
    high = min(quality[-1] for _, quality in curves)
    if high <= low:
        spans = " and ".join(f"{quality[0]:.2f}..{quality[-1]:.2f}" for _, quality in curves)
        raise UsageError("curves", value=spans, allowed="curves whose qualities overlap")
    means = [_integral(quality, log_rate, low, high) / (high - low) for log_rate, quality in curves]
    return BDRate(percent=float(100 * np.expm1(means[1] - means[0])), low=float(low), high=float(high))


def _rising(rates: Sequence[float], qualities: Sequence[float], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the rates and qualities, sorted, with quality strictly rising."""
    if len(rates) != len(qualities) or not all(np.isfinite([*rates, *qualities])) or min(rates, default=1) <= 0:
        raise UsageError(
            name,
            value=f"{len(rates)} rates, {len(qualities)} qualities",
            allowed="as many finite rates above 0 as qualities",
        )
    kept: list[tuple[float, float]] = []
    for rate, quality in sorted(zip(rates, qualities, strict=True)):
        if not kept or quality > kept[-1][1]:
            kept.append((rate, quality))
    if len(kept) < _FEWEST_POINTS:
        raise UsageError(name, value=f"{len(kept)} rising points", allowed=f"{_FEWEST_POINTS} or more")
    return np.log([rate for rate, _ in kept]), np.array([quality for _, quality in kept])


def _slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Derivatives [n] that keep a cubic Hermite interpolation monotone (Fritsch and Butland 1984)."""
    step, rise = np.diff(x), np.diff(y) / np.diff(x)
    slopes = np.zeros_like(y)
    left, right = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    same = rise[:-1] * rise[1:] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = (left + right) / (left / rise[:-1] + right / rise[1:])
    slopes[1:-1] = np.where(same, inner, 0.0)
    slopes[0] = _end_slope(step[0], step[1], rise[0], rise[1])
    slopes[-1] = _end_slope(step[-1], step[-2], rise[-1], rise[-2])
    return slopes


def _end_slope(step: float, next_step: float, rise: float, next_rise: float) -> float:
    """The one-sided three-point derivative at an end, limited so that it keeps the shape."""
    slope = ((2 * step + next_step) * rise - step * next_rise) / (step + next_step)
    if np.sign(slope) != np.sign(rise):
        return 0.0
    if np.sign(rise) != np.sign(next_rise) and abs(slope) > 3 * abs(rise):
        return 3 * rise
    return slope


def _integral(x: np.ndarray, y: np.ndarray, low: float, high: float) -> float:
    """The integral from `low` to `high` of the PCHIP through the points."""
    slopes = _slopes(x, y)
    total = 0.0
    for i in range(len(x) - 1):
        a, b = max(low, x[i]), min(high, x[i + 1])
        if a >= b:
            continue
        h = x[i + 1] - x[i]
        # Coefficients of the cubic in t = (quality - x[i]) / h, integrated term by term.
        c = (y[i], h * slopes[i], 3 * (y[i + 1] - y[i]) - h * (2 * slopes[i] + slopes[i + 1]))
        c = (*c, 2 * (y[i] - y[i + 1]) + h * (slopes[i] + slopes[i + 1]))
        t0, t1 = (a - x[i]) / h, (b - x[i]) / h
        total += h * sum(k * (t1 ** (n + 1) - t0 ** (n + 1)) / (n + 1) for n, k in enumerate(c))
    return float(total)

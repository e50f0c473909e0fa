"""Bjontegaard differences of two rate-distortion curves by PCHIP interpolation; own PCHIP, no SciPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calotype.errors import UsageError

__all__ = ["METHOD", "BDQuality", "BDRate", "bd_quality", "bd_rate"]

METHOD = "PCHIP of log rate over quality, at least 4 points, mean over the common interval"

_FEWEST_POINTS = 4

Curve = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class BDRate:
    """A Bjontegaard rate difference and where it holds.

    percent      mean difference in rate at equal quality: negative where the tested codec needs fewer bits
    low, high    the interval of quality that both curves cover, over which the mean was taken
    overlap      that interval as a part (0 to 1) of what the two curves cover together
    points       how many points of anchor and test were used
    """

    percent: float
    low: float
    high: float
    overlap: float = 1.0
    points: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class BDQuality:
    """A Bjontegaard quality difference (BD-PSNR if the quality is PSNR) and where it holds.

    difference       mean difference in quality at equal rate, in the metric's unit: positive where the tested is better
    low, high        the interval of rates that both curves cover
    overlap, points  as in `BDRate`; the overlap is that of the logarithms of the rates
    """

    difference: float
    low: float
    high: float
    overlap: float = 1.0
    points: tuple[int, int] = (0, 0)


def bd_rate(anchor: Curve, test: Curve, *, least_overlap: float = 0.0, fewest: int = _FEWEST_POINTS) -> BDRate:
    """The rate that `test` needs against `anchor`, in percent, averaged over the quality both reach.

    anchor, test   rates (bpp, any unit) and qualities (dB, or any metric of which more is better), of equal length;
                   points that raise the rate without raising the quality are left out
    least_overlap  the smallest `BDRate.overlap` that is accepted, 0 to 1
    fewest         the least number of points of a curve, two or more: less than four must be said beside the figure
    errors         UsageError for fewer points than that left, for rates that are not above zero,
                   and for curves that share no interval of quality or a smaller one than asked for
    source         Bjontegaard 2001 (VCEG-M33) with piecewise cubic interpolation of the logarithm of the rate
    """
    curves = [_rising(*anchor, "anchor", fewest), _rising(*test, "test", fewest)]
    low, high, overlap = _common([quality for _, quality in curves], least_overlap, "qualities")
    means = [_integral(quality, log_rate, low, high) / (high - low) for log_rate, quality in curves]
    percent = float(100 * np.expm1(means[1] - means[0]))
    return BDRate(percent, low, high, overlap, (len(curves[0][0]), len(curves[1][0])))


def bd_quality(anchor: Curve, test: Curve, *, least_overlap: float = 0.0) -> BDQuality:
    """How much better `test` is than `anchor`, in the unit of the quality, averaged over the rates both reach.

    With PSNR this is BD-PSNR, in decibels. Arguments, errors and source as for `bd_rate`; interpolated is the
    quality over the logarithm of the rate.
    """
    curves = [_rising(*anchor, "anchor"), _rising(*test, "test")]
    low, high, overlap = _common([log_rate for log_rate, _ in curves], least_overlap, "logarithms of rates")
    means = [_integral(log_rate, quality, low, high) / (high - low) for log_rate, quality in curves]
    points = len(curves[0][0]), len(curves[1][0])
    return BDQuality(float(means[1] - means[0]), math.exp(low), math.exp(high), overlap, points)


def _common(axes: list[np.ndarray], least_overlap: float, what: str) -> tuple[float, float, float]:
    """The interval that both cover, and its part of what they cover together."""
    low, high = max(float(axis[0]) for axis in axes), min(float(axis[-1]) for axis in axes)
    together = max(float(axis[-1]) for axis in axes) - min(float(axis[0]) for axis in axes)
    overlap = max(high - low, 0.0) / together
    if high <= low or overlap < least_overlap:
        spans = " and ".join(f"{what} {axis[0]:.2f}..{axis[-1]:.2f}" for axis in axes)
        wanted = f" by {least_overlap:.0%} or more" if least_overlap else ""
        raise UsageError("curves", value=spans, allowed=f"curves whose {what} overlap{wanted}")
    return low, high, overlap


def _rising(
    rates: Sequence[float], qualities: Sequence[float], name: str, fewest: int = _FEWEST_POINTS
) -> tuple[np.ndarray, np.ndarray]:
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
    if len(kept) < max(fewest, 2):
        raise UsageError(name, value=f"{len(kept)} rising points", allowed=f"{max(fewest, 2)} or more")
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

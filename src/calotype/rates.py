"""The user's dial, and targets: quality 1..100 <-> rate index 0..1023, and the search for the index that a target needs.

Arithmetic only; nothing is encoded here (targets.py does it), and a search sees the codec as a function of an index.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calotype.errors import UsageError

if TYPE_CHECKING:
    from calotype.model.manifest import Manifest

__all__ = ["ENCODES", "MEASURES", "Found", "Measure", "Target", "index", "off", "quality_of", "search"]

ENCODES = 6  # at most, for one picture
_RATES = 1024
_APART = 12  # rate indices between looks whose difference says more of the curve than of its noise


def index(quality: float, manifest: Manifest) -> int:
    """The rate index of a quality: piecewise linear between the manifest's pairs, so monotone.

    Raises UsageError for a quality outside 1..100.
    """
    if not 1 <= quality <= 100:  # also refuses NaN
        raise UsageError("quality", value=quality, allowed="1 to 100")
    qualities, rates = zip(*manifest.quality_map, strict=True)
    return int(np.interp(quality, qualities, rates) + 0.5)


def quality_of(rate: int, manifest: Manifest) -> float:
    """The quality in hundredths, as a file states it, that means this rate index, or the nearest there is.

    So a file that was made for a target is the same, byte for byte, as one made with the quality it states.
    """
    qualities, rates = zip(*manifest.quality_map, strict=True)
    exact = float(np.interp(rate, rates, qualities))
    near = [round(min(max(exact + step / 100, 1.0), 100.0), 2) for step in (0, 1, -1, 2, -2)]
    return min(near, key=lambda quality: abs(index(quality, manifest) - rate))


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity that a target can be stated in.

    title      as sentences say it
    unit       of its values
    low, high  which values make sense: low < value <= high
    tolerance  how far from the target is still a hit: a share of the target if `ratio`, else units
    aim        the search goes on until it is within (lowest, highest) of the target, in the same unit
    ratio      rates are compared by their ratio, and searched on a logarithmic scale
    typical    values at nine rates from the first to the last, mean of 16 photographs coded with `swift`: where the
               first guess comes from, nothing else depends on it
    """

    title: str
    unit: str
    low: float
    high: float
    tolerance: float
    aim: tuple[float, float]
    ratio: bool
    typical: tuple[float, ...]

    def height(self, value: float) -> float:
        """The scale on which the measure is nearly linear in the rate index."""
        return math.log(value) if self.ratio else value

    def said(self, value: float) -> str:
        """A value with its unit."""
        number = f"{value:,.0f}" if self.unit == "bytes" else f"{value:.4g}" if self.ratio else f"{value:.2f}"
        return f"{number} {self.unit}"


_SAFE = 0.005  # of a ceiling in the last look: files of neighbouring rates stray by 0.1 %
_BPP = (0.0562, 0.0927, 0.1523, 0.2486, 0.3934, 0.5999, 0.8825, 1.2764, 1.8022)
_PSNR = (27.34, 28.86, 30.47, 32.24, 34.11, 36.12, 38.15, 40.30, 42.56)
_MS_SSIM = (9.50, 10.94, 12.46, 14.18, 15.97, 17.84, 19.72, 21.77, 24.05)
_SSIMULACRA2 = (-31.4, -10.6, 9.7, 30.0, 47.6, 61.7, 71.7, 79.2, 85.0)
MEASURES: dict[str, Measure] = {
    "bpp": Measure("rate", "bpp", 0, 1000, 0.02, (-0.0018, 0.0018), True, _BPP),
    "size": Measure("size", "bytes", 0, 2.0**62, 0.02, (-0.003, 0.0), True, _BPP),
    "psnr": Measure("PSNR", "dB", 0, 100, 0.1, (-0.02, 0.02), False, _PSNR),
    "ms-ssim": Measure("MS-SSIM", "dB", 0, 100, 0.1, (-0.02, 0.02), False, _MS_SSIM),
    "ssimulacra2": Measure("SSIMULACRA2", "points", -1000, 100, 0.2, (-0.08, 0.08), False, _SSIMULACRA2),
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a file shall be, instead of a quality; `Target.of(bpp=0.5)` checks the value.

    measure   "size" in bytes, a ceiling; "bpp", bits per pixel of the whole file; "psnr" in dB; "ms-ssim" in dB;
              "ssimulacra2" in points
    """

    measure: str
    value: float

    def __post_init__(self) -> None:
        """Refuse what no file can be; an MS-SSIM below 1 is the index itself and becomes decibels."""
        if self.measure not in MEASURES:
            raise UsageError("target", value=self.measure, allowed=", ".join(MEASURES))
        said, value = MEASURES[self.measure], self.value
        if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
            raise UsageError(self.measure, value=value, allowed="a number")
        if self.measure == "ms-ssim" and 0 < value < 1:
            value = -10 * math.log10(1 - value)
        elif self.measure == "ms-ssim" and value == 1:
            raise UsageError("ms-ssim", value=1, allowed="below 1, or decibels above 1 (1 is lossless)")
        if not said.low < value <= said.high:  # also refuses NaN
            raise UsageError(self.measure, value=value, allowed=f"above {said.low:g}, up to {said.high:g} {said.unit}")
        object.__setattr__(self, "value", float(value))

    @classmethod
    def of(
        cls,
        *,
        size: float | None = None,
        bpp: float | None = None,
        psnr: float | None = None,
        ms_ssim: float | None = None,
        ssimulacra2: float | None = None,
    ) -> Target | None:
        """The one target that is not None, or None; UsageError for two."""
        asked = {"size": size, "bpp": bpp, "psnr": psnr, "ms-ssim": ms_ssim, "ssimulacra2": ssimulacra2}
        said = [cls(measure, value) for measure, value in asked.items() if value is not None]
        if len(said) > 1:
            named = " and ".join(target.measure for target in said)
            raise UsageError("target", value=named, allowed="one of quality, " + ", ".join(MEASURES))
        return said[0] if said else None

    @classmethod
    def only(cls, quality: float | None, target: Target | None, **values: float | None) -> Target:
        """A target, or the one of `values`; UsageError if anything else, or a quality, is asked for besides."""
        found = cls.of(**values)
        if quality is not None or (target is not None and found is not None) or (target or found) is None:
            raise UsageError(
                "target", value="none or several", allowed="one of quality, target, " + ", ".join(MEASURES)
            )
        return target or found  # type: ignore[return-value]

    def __str__(self) -> str:
        measure = MEASURES[self.measure]
        return f"{measure.title} of {measure.said(self.value)}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has seen.

    values   by rate index, in the measure's unit
    low      the highest index known to lie below the target, -1 if none; high: the lowest above it, or 1024
    """

    values: dict[int, float]
    low: int
    high: int


def search(
    target: Target, value_at: Callable[[int], float], *, unit: float = 1.0, fixed: float = 0.0, most: int = ENCODES
) -> Found:
    """Look for the rate index whose value is nearest to the target, a ceiling from below; at most `most` looks.

    A bracket and regula falsi: what is interpolated is the difference from the typical curve, which is smooth and
    nearly straight, through the two or three nearest looks. Each look is inside the bracket, so it ends.

    value_at   the measure at a rate index; should rise with it, and need not quite
    unit       of the typical curve in the measure's unit: for sizes, the bytes of one bit per pixel
    fixed      what no rate changes (metadata), in the measure's unit: taken off before logarithms
    """
    measure = MEASURES[target.measure]

    def height(value: float) -> float:
        return measure.height(max(value - fixed, 1e-9)) if measure.ratio else value

    knots = [measure.height(value * unit) for value in measure.typical]
    typical = np.interp(np.arange(_RATES), np.linspace(0, _RATES - 1, len(knots)), knots)
    goal = height(target.value) + sum(measure.aim) / 2
    values: dict[int, float] = {}
    low, high, predicted = -1, _RATES, typical
    while len(values) < most and high - low > 1:
        inside = np.arange(low + 1, high)
        # The last look of all stays well under a ceiling: noise of neighbouring rates may keep every nearer one above it.
        under = _SAFE if len(values) == most - 1 and measure.aim[1] <= 0 else 0.0
        at = int(inside[np.argmin(np.abs(predicted[inside] - goal + under))])
        values[at] = value_at(at)
        if measure.aim[0] <= off(target, values[at]) <= measure.aim[1]:
            break
        low, high = (at, high) if values[at] <= target.value else (low, at)
        heights = {at: height(value) for at, value in values.items()}
        predicted = typical + _difference(heights, typical, goal, low, high)
    return Found(values, low, high)


def off(target: Target, value: float) -> float:
    """How far a value lies above the target: a share of it for rates, else in the measure's unit."""
    return value / target.value - 1 if MEASURES[target.measure].ratio else value - target.value


def _difference(heights: dict[int, float], typical: np.ndarray, goal: float, low: int, high: int) -> np.ndarray:
    """Measured minus typical height at every rate index, through the looks nearest to the goal.

    Inside a bracket: a line through its ends, bent by a third look where that stands well apart; neighbouring rates
    are noisy, and a parabola through three of them would go anywhere. Outside: a line that may flatten the typical
    curve to half its slope at most.
    """
    there = np.arange(len(typical))
    near = sorted(heights, key=lambda at: abs(heights[at] - goal))
    bracketed = low in heights and high in heights
    if bracketed:
        apart = [at for at in near if min(abs(at - low), abs(at - high)) >= _APART]
        near = [low, high, *apart[:1]]
    else:
        near = near[:2]
    differences = [heights[at] - typical[at] for at in near]
    if len(near) == 2 and not bracketed:
        slope = (differences[1] - differences[0]) / (near[1] - near[0])
        slope = max(slope, -0.5 * float(np.diff(typical).mean()))
        return differences[0] + slope * (there - near[0])
    return np.polyval(np.polyfit(np.subtract(near, near[0]), differences, len(near) - 1), there - near[0])

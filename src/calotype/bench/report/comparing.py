"""BD-rates of curves against each other, with their spread over pictures, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calotype import metrics
from calotype.bench.anchors import Curve
from calotype.bench.report.curves import Codec, Metric
from calotype.errors import UsageError

__all__ = ["METHOD", "Difference", "Matrix", "Spread", "compare", "reference_of"]

METHOD = "PCHIP of the logarithm of the rate, over the interval of quality that both curves cover"
_FEWEST_POINTS = 4


@dataclass(frozen=True, slots=True)
class Spread:
    """BD-rates of single pictures, in percent."""

    pictures: int
    least: float
    lower: float
    median: float
    upper: float
    most: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What a codec needs against another, in percent of its bytes at equal quality; negative is less.

    low, high  the interval of quality    points  how many each curve has: (tested, against)
    spread     over single pictures, where both were measured here
    reason     why there is no figure, where there is none
    """

    percent: float | None = None
    low: float | None = None
    high: float | None = None
    points: tuple[int, int] = (0, 0)
    spread: Spread | None = None
    by_picture: dict[str, float] | None = None
    reason: str = ""


@dataclass(frozen=True)
class Matrix:
    """All codecs against all others and against published curves, for one metric.

    cells   [tested][against]; published curves stand only on the side that is compared with
    """

    metric: Metric
    tested: tuple[str, ...]
    against: tuple[str, ...]
    cells: dict[str, dict[str, Difference]]

    def get(self, tested: str, against: str) -> Difference:
        """One cell; an empty one with a reason where the metric was not measured."""
        return self.cells.get(tested, {}).get(against) or Difference(reason=f"{self.metric.title} was not measured")

    def ranking(self, against: str) -> list[tuple[str, float]]:
        """Codecs and their BD-rates against one, the best first; codecs without a figure are left out.

        Intervals of quality differ from pair to pair, so figures against one codec don't say who beats whom: first
        counts how many of the others a codec beats directly, the figure only breaks ties.
        """
        known = {name: rate for name in self.tested if (rate := self.get(name, against).percent) is not None}
        beaten = {name: sum((self.get(name, other).percent or 0.0) < 0 for other in known) for name in known}
        return sorted(known.items(), key=lambda pair: (-beaten[pair[0]], pair[1]))


def compare(metric: Metric, codecs: Sequence[Codec], published: Sequence[Curve], pictures: int = 0) -> Matrix:
    """The matrix of one metric over the lossy codecs that measure it.

    pictures   how many the published curves are means of; codecs with fewer are not compared with them
    """
    tested = [codec for codec in codecs if not codec.lossless and codec.measures(metric.name)]
    anchors = [curve for curve in published if curve.quality(metric.name)]
    cells: dict[str, dict[str, Difference]] = {codec.name: {} for codec in tested}
    for place, codec in enumerate(tested):
        for other in tested[place:]:
            there = _between(metric.name, codec, other)
            cells[codec.name][other.name] = there
            cells[other.name][codec.name] = _turned(there) if other is not codec else there
        for curve in anchors:
            cells[codec.name][curve.name] = _against_published(metric.name, codec, curve, pictures)
    names = tuple(codec.name for codec in tested)
    return Matrix(metric, names, names + tuple(curve.name for curve in anchors), cells)


def reference_of(codecs: Sequence[Codec]) -> Codec | None:
    """What everything else is put in proportion to: plain JPEG where it was measured, or else the first of its family,
    or else the lossy codec with the most points."""
    lossy = [codec for codec in codecs if not codec.lossless and len(codec.levels) >= _FEWEST_POINTS and codec.cells]
    by_name = {codec.name: codec for codec in lossy}
    family = [codec for codec in lossy if codec.family == "jpeg"]
    return by_name.get("jpeg-420") or (family or sorted(lossy, key=lambda codec: -len(codec.levels)) or [None])[0]


def _between(metric: str, tested: Codec, against: Codec) -> Difference:
    """Two codecs over the pictures that both have."""
    shared = sorted(tested.pictures_with(metric) & against.pictures_with(metric))
    if not shared:
        return Difference(reason="no picture that both were measured on")
    curves = [
        ([point.bpp for point in points], [point.quality for point in points])
        for points in (codec.curve(metric, shared) for codec in (against, tested))
    ]
    found = _difference(*curves)
    if found.percent is None:
        return found
    single = {picture: _difference(*_single(metric, picture, against, tested)).percent for picture in shared}
    rates = {picture: rate for picture, rate in single.items() if rate is not None}
    return Difference(
        found.percent, found.low, found.high, found.points, _spread(list(rates.values())), rates, found.reason
    )


def _single(metric: str, picture: str, *codecs: Codec) -> list[tuple[list[float], list[float]]]:
    """Curves of one picture."""
    points = [codec.curve(metric, (picture,)) for codec in codecs]
    return [([point.bpp for point in curve], [point.quality for point in curve]) for curve in points]


def _against_published(metric: str, tested: Codec, curve: Curve, pictures: int) -> Difference:
    if len(tested.pictures_with(metric)) < pictures:
        said = f"{len(tested.pictures_with(metric))} of {pictures} pictures were measured, published means are over all"
        return Difference(reason=said)
    points, quality = tested.curve(metric), curve.quality(metric) or ()
    return _difference((curve.bpp, quality), ([p.bpp for p in points], [p.quality for p in points]))


def _difference(against: tuple[Sequence[float], Sequence[float]], tested: tuple) -> Difference:
    """One BD-rate, or the reason why there is none."""
    points = (len(tested[0]), len(against[0]))
    if min(points) < _FEWEST_POINTS:
        return Difference(points=points, reason=f"fewer than {_FEWEST_POINTS} points")
    try:
        found = metrics.bd_rate(against, tested)
    except UsageError as error:
        return Difference(points=points, reason=str(error))
    return Difference(found.percent, found.low, found.high, points)


def _turned(there: Difference) -> Difference:
    """The other way round: the same curves and intervals, so only signs of logarithms change."""
    points = (there.points[1], there.points[0])
    if there.percent is None:
        return Difference(points=points, reason=there.reason)
    rates = {picture: _inverse(rate) for picture, rate in (there.by_picture or {}).items()}
    return Difference(_inverse(there.percent), there.low, there.high, points, _spread(list(rates.values())), rates)


def _inverse(percent: float) -> float:
    return 100 * math.expm1(-math.log1p(percent / 100))


def _spread(rates: list[float]) -> Spread | None:
    if not rates:
        return None
    return Spread(len(rates), *(float(np.quantile(rates, share)) for share in (0, 0.25, 0.5, 0.75, 1)))

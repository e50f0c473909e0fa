"""Mean curves of codecs over pictures, from rows; and which metric goes up. No comparison is made here."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from calotype import metrics
from calotype.bench.report.reading import Measured, Row

__all__ = ["METRICS", "Cells", "Codec", "Metric", "Point", "codecs_of", "metrics_of"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that curves can be drawn of; higher is better for all of them.

    name    in rows; title: what people read; unit: behind a figure; perceptual: made to agree with eyes
    """

    name: str
    title: str
    unit: str
    digits: int
    perceptual: bool


METRICS = (
    Metric("psnr", "PSNR", "dB", 2, False),
    Metric("ms-ssim-db", "MS-SSIM", "dB", 2, True),
    Metric("ssimulacra2", "SSIMULACRA\N{NO-BREAK SPACE}2", "", 1, True),
    Metric("psnr-hvs", "PSNR-HVS", "dB", 2, True),
    Metric("vmaf", "VMAF", "", 1, True),
    Metric("psnr-y", "PSNR of luma", "dB", 2, False),
    Metric("ssim", "SSIM", "", 4, True),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of a codec, mean over pictures."""

    level: float
    bpp: float
    quality: float


Cells = dict[str, dict[float, Row]]


@dataclass(frozen=True, eq=False)
class Codec:
    """A codec with all its rows at one thread: cells[picture][level].

    Only pictures that worked at every level of the codec count; `partial` names the others.
    """

    name: str
    title: str
    family: str
    lossless: bool
    describe: dict[str, Any]
    levels: tuple[float, ...]
    cells: Cells = field(repr=False)
    partial: tuple[str, ...] = ()
    _with: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)
    _means: dict[tuple[Any, ...], list[Point]] = field(default_factory=dict, repr=False)

    @cached_property
    def pictures(self) -> frozenset[str]:
        """Those that count."""
        return frozenset(self.cells)

    def measures(self, metric: str) -> bool:
        """Whether any picture has the metric at every level."""
        return bool(self.pictures_with(metric))

    def pictures_with(self, metric: str) -> frozenset[str]:
        """Pictures that have the metric at every level; some are too small for some metrics."""
        if metric not in self._with:
            self._with[metric] = frozenset(
                picture
                for picture, levels in self.cells.items()
                if all(value(row, metric) is not None for row in levels.values())
            )
        return self._with[metric]

    def curve(self, metric: str, pictures: Collection[str] | None = None) -> list[Point]:
        """Means over pictures (all that have the metric unless told otherwise), a point a level, in order of the rate.

        MS-SSIM is averaged first and turned into decibels afterwards, as the published curves are.
        """
        pictures = self.pictures_with(metric) if pictures is None else pictures
        key = (metric, frozenset(pictures))
        if key not in self._means:
            self._means[key] = self._mean(metric, sorted(pictures))
        return self._means[key]

    def _mean(self, metric: str, pictures: list[str]) -> list[Point]:
        points = []
        for level in self.levels:
            rows = [self.cells[picture][level] for picture in pictures]
            if metric == "ms-ssim-db" and all(value(row, "ms-ssim") is not None for row in rows):
                quality = metrics.ms_ssim_db(statistics.fmean(value(row, "ms-ssim") or 0.0 for row in rows))
            else:
                quality = statistics.fmean(value(row, metric) or 0.0 for row in rows)
            points.append(Point(level, statistics.fmean(row["bpp"] for row in rows), quality))
        return sorted(points, key=lambda point: point.bpp)


def value(row: Row, metric: str) -> float | None:
    """A metric of a row; MS-SSIM in decibels also where the row has only the plain one."""
    known = row.get("metrics") or {}
    if metric == "ms-ssim-db" and known.get(metric) is None and known.get("ms-ssim") is not None:
        return metrics.ms_ssim_db(known["ms-ssim"])
    return known.get(metric)


def codecs_of(measured: Measured) -> list[Codec]:
    """Every codec with rows, in the order in which it first appears."""
    rows: dict[str, list[Row]] = {}
    for row in measured.rows:
        if row.get("threads", 1) == 1:
            rows.setdefault(row["codec"], []).append(row)
    return [_codec(name, said) for name, said in rows.items()]


def _codec(name: str, rows: list[Row]) -> Codec:
    cells: Cells = {}
    for row in rows:
        cells.setdefault(row["picture"], {})[float(row["level"])] = row
    levels = tuple(sorted({level for by_level in cells.values() for level in by_level}))
    whole = {picture: by_level for picture, by_level in sorted(cells.items()) if len(by_level) == len(levels)}
    first = rows[0]
    return Codec(
        name=name,
        title=first.get("title") or name,
        family=first.get("family") or name,
        lossless=bool(first.get("lossless")),
        describe=dict(first.get("describe") or {}),
        levels=levels,
        cells=whole,
        partial=tuple(sorted(set(cells) - set(whole))),
    )


def metrics_of(codecs: Iterable[Codec]) -> list[Metric]:
    """The metrics that at least one lossy codec has, in the order of METRICS."""
    lossy = [codec for codec in codecs if not codec.lossless]
    return [metric for metric in METRICS if any(codec.measures(metric.name) for codec in lossy)]

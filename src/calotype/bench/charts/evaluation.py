"""A codec over all charts, as one row of figures for the report; indices and charts live in files of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from calotype.bench.charts import drawing
from calotype.bench.charts.aliasing import Directions, aliasing_ratio_db, directions
from calotype.bench.charts.levels import TARGET_BPP, Step, Written, nearest, write
from calotype.bench.charts.stripes import LIMITS, StripedRegion, striped_region
from calotype.errors import CalotypeError
from calotype.metrics import bpp, mse
from calotype.metrics.distortion import in_db

if TYPE_CHECKING:
    from calotype.bench.codecs.protocol import Codec

__all__ = ["evaluate", "report_rows", "shift_spread_db"]

SCHEMA = 1

# What a codec should reach at 0.5 bpp; AR for frequencies up to 0.35 cycles/px.
AR_DB, ANGLE_DEGREES, FALSE_RATE, SHIFT_DB = -20.0, 1.0, 0.01, 0.2
_AR_FREQUENCY = 0.35
_SHIFTS, _SHIFT_SIDE_PX = 16, 256


def evaluate(codec: Codec, level: float, *, step: Step | None = None) -> dict[str, Any]:
    """All figures of a codec at one level of its dial: a row of kind "chart".

    codec     any object of the protocol in bench/codecs/protocol.py
    step      called with a few words before each chart, for a progress bar
    returns   JSON-ready, without infinities (None where there is no error to take a logarithm of):
              codec, family, title, lossless, level, describe; bpp, psnr (of the mean squared error over all charts);
              striped_region: the worst of each figure over the flat charts and which chart that was;
              aliasing: see docs/charts.md;  charts: bpp and psnr of each chart
    errors    those of the codec
    """
    return _row(codec, write(codec, level, step), step)


def report_rows(
    codecs: Iterable[Codec],
    levels: Sequence[float] | None = None,
    *,
    target_bpp: float = TARGET_BPP,
    step: Step | None = None,
) -> Iterator[dict[str, Any]]:
    """The rows of kind "chart" of several codecs, one after another, as they are ready.

    levels       levels to take of every codec; None: for each the one nearest to `target_bpp`, which is fairer.
                 Lossless codecs have the one level they have
    A codec that fails is a row with "error": {"type", "message", "exit_code"} and no figures.
    """
    for codec in codecs:
        for level in codec.levels if codec.lossless or levels is None else levels:
            try:
                if codec.lossless or levels is not None:
                    yield evaluate(codec, level, step=step)
                else:
                    yield _row(codec, nearest(codec, target_bpp, step), step)
            except CalotypeError as error:
                yield {
                    **_head(codec, None if levels is None else level),
                    "error": {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code},
                }
            if levels is None:
                break


def shift_spread_db(codec: Codec, level: float) -> float | None:
    """The spread of PSNR when a picture is shifted by 0 to 15 px against the codec's grid, in decibels.

    A cut of 256x256 of the zone plate, shifted along both axes, is coded 16 times; the error is taken on what all
    cuts share. None where one of them is exact.
    """
    plate = drawing.draw("zone-plate").pixels
    shared, found = _SHIFT_SIDE_PX - _SHIFTS + 1, []
    for shift in range(_SHIFTS):
        start = 160 + shift
        cut = np.ascontiguousarray(plate[start : start + _SHIFT_SIDE_PX, start : start + _SHIFT_SIDE_PX])
        decoded = codec.decode(codec.encode(cut, level))
        inside = slice(_SHIFTS - 1 - shift, _SHIFTS - 1 - shift + shared)
        found.append(in_db(mse(cut[inside, inside], decoded[inside, inside])))
    return None if math.inf in found else max(found) - min(found)


def _head(codec: Codec, level: float | None) -> dict[str, Any]:
    """What every row begins with."""
    head = {"schema": SCHEMA, "kind": "chart", "codec": codec.name, "family": codec.family, "title": codec.title}
    return {**head, "lossless": codec.lossless, "level": level}


def _row(codec: Codec, written: Written, step: Step | None) -> dict[str, Any]:
    """Decode and measure what was written."""
    flats: dict[str, StripedRegion] = {}
    gratings: dict[float, tuple[list[float], Directions]] = {}
    zone = Directions.joined([])
    charts: dict[str, dict[str, float | None]] = {}
    squares, samples = 0.0, 0
    for name, data in written.files.items():
        if step:
            step(f"{codec.title}: reads {name}")
        chart = drawing.draw(name)
        decoded = codec.decode(data)
        error = mse(chart.pixels, decoded)
        squares, samples = squares + error * decoded.size, samples + decoded.size
        charts[name] = {"bpp": bpp(len(data), decoded.shape[1], decoded.shape[0]), "psnr": _psnr(error)}
        if chart.kind == "flat":
            flats[name] = striped_region(chart.pixels, decoded)
        elif chart.kind == "grating":
            gratings[chart.frequency] = _of_gratings(chart, decoded)
        elif chart.kind == "zone":
            zone = directions(chart.pixels, decoded)
    return {
        **_head(codec, written.level),
        "describe": codec.describe(),
        "bpp": written.bpp,
        "psnr": _psnr(squares / samples),
        "striped_region": _stripes(flats),
        "aliasing": _aliasing(gratings, zone, shift_spread_db(codec, written.level)),
        "charts": charts,
        "error": None,
    }


def _psnr(error: float) -> float | None:
    return None if error == 0 else in_db(error)


def _of_gratings(chart: drawing.Chart, decoded: np.ndarray) -> tuple[list[float], Directions]:
    """AR of each tile of a sheet, and the directions in all of them."""
    windows = drawing.grating_windows()
    ratios = [
        aliasing_ratio_db(decoded[window], chart.frequency, angle)
        for window, angle in zip(windows, drawing.grating_angles(), strict=True)
    ]
    return ratios, Directions.joined([directions(chart.pixels[window], decoded[window]) for window in windows])


def _stripes(flats: dict[str, StripedRegion]) -> dict[str, Any]:
    """The worst of each figure over the flat charts, and where it was."""
    found: dict[str, Any] = {}
    for name in ("a", "f", "g", "border", "error"):
        chart = max(flats, key=lambda flat: getattr(flats[flat], name))
        found[name], found[f"{name}_chart"] = getattr(flats[chart], name), chart
    found["within"] = sum(flat.within() for flat in flats.values())
    return {**found, "charts": len(flats), "limits": LIMITS, "by_chart": {k: v.figures() for k, v in flats.items()}}


def _aliasing(
    gratings: dict[float, tuple[list[float], Directions]], zone: Directions, shift_db: float | None
) -> dict[str, Any]:
    """The figures of all gratings and the zone plate together."""
    counted = [ratio for frequency, (ratios, _) in gratings.items() if frequency <= _AR_FREQUENCY for ratio in ratios]
    every = Directions.joined([*(found for _, found in gratings.values()), zone])
    figures = {
        "ar_db": float(np.median(counted)),
        "ar_worst_db": max(counted),
        "angle_error_deg": every.median_error,
        "false_direction": every.false_rate,
        "faded": every.faded_rate,
        "shift_spread_db": shift_db,
    }
    limits = {
        "ar_worst_db": AR_DB,
        "angle_error_deg": ANGLE_DEGREES,
        "false_direction": FALSE_RATE,
        "shift_spread_db": SHIFT_DB,
    }
    return {
        **figures,
        "within": all((figures[name] or 0) <= limit for name, limit in limits.items()),
        "limits": limits,
        "zone": {"angle_error_deg": zone.median_error, "false_direction": zone.false_rate, "faded": zone.faded_rate},
        "by_frequency": {
            f"{frequency:.4f}": {
                "ar_db": float(np.median(ratios)),
                "ar_worst_db": max(ratios),
                "angle_error_deg": found.median_error,
                "false_direction": found.false_rate,
                "faded": found.faded_rate,
            }
            for frequency, (ratios, found) in gratings.items()
        },
    }

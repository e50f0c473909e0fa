"""The charts: synthetic pictures that show what photographs hide; drawn by formulas, the same on every machine.

Nothing is measured here. Kinds say what a chart is for: "flat" shows stripes, "zone" and "grating" show aliasing,
"plain" is only compared sample by sample.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calotype.bench.charts import lettering
from calotype.errors import UsageError

__all__ = ["FREQUENCIES", "NAMES", "Chart", "draw", "grating_angles", "grating_windows", "make"]

_WIDTH_PX, _HEIGHT_PX = 1024, 768

# Cycles per pixel: 0.5 is the finest that a picture can hold.
FREQUENCIES = (1 / 16, 1 / 8, 3 / 16, 0.25, 0.3, 0.35, 0.4, 0.45)
GRATING_TILE_PX, GRATING_WINDOW_PX = 160, 128  # a margin of 16 px round the window, where a neighbour may do harm
_GRATING_COLUMNS, _GRATING_ROWS = 6, 4
ZONE_RADIUS_PX = 512


@dataclass(frozen=True)
class Chart:
    """A chart: `pixels` is uint8 [h, w, 3]; `kind` is "flat", "zone", "grating" or "plain"."""

    name: str
    kind: str
    pixels: np.ndarray
    frequency: float = 0.0


def make() -> dict[str, Chart]:
    """All charts by name, about 20 megapixels: callers that need one at a time use `draw`."""
    return {name: draw(name) for name in NAMES}


def draw(name: str) -> Chart:
    """The chart of that name; UsageError if there is none."""
    if name not in _CHARTS:
        raise UsageError("chart", value=name, allowed=", ".join(NAMES))
    return _CHARTS[name](name)


def grating_angles() -> np.ndarray:
    """The 24 angles of a sheet of gratings in degrees, row by row: the direction across the stripes, from x to y."""
    return np.arange(_GRATING_COLUMNS * _GRATING_ROWS) * 7.5


def grating_windows() -> list[tuple[slice, slice]]:
    """Where each of the 24 is looked at, in the order of `grating_angles`: 128x128 in the middle of its tile."""
    margin = (GRATING_TILE_PX - GRATING_WINDOW_PX) // 2
    starts = [
        (row * GRATING_TILE_PX + margin, column * GRATING_TILE_PX + margin)
        for row in range(_GRATING_ROWS)
        for column in range(_GRATING_COLUMNS)
    ]
    return [(slice(top, top + GRATING_WINDOW_PX), slice(left, left + GRATING_WINDOW_PX)) for top, left in starts]


def _flat(name: str, colour: tuple[int, int, int]) -> Chart:
    return Chart(name, "flat", np.full((_HEIGHT_PX, _WIDTH_PX, 3), colour, np.uint8))


def _ramp(name: str, across: int, down: int) -> Chart:
    """Black to white along the axes named by 1; rounded, so steps of one level."""
    y, x = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX]
    position = across * x * (_HEIGHT_PX - 1) + down * y * (_WIDTH_PX - 1)  # integers: no machine rounds differently
    full = (across + down) * (_WIDTH_PX - 1) * (_HEIGHT_PX - 1)
    return Chart(name, "flat", _grey((2 * 255 * position + full) // (2 * full)))


def _sky(name: str) -> Chart:
    """A sky out of focus: blue above, pale below, a few very soft clouds, no noise."""
    y, x = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX] / (_WIDTH_PX - 1)
    clouds = np.cos(5 * x + 3 * y) + np.cos(9 * x - 7 * y + 1) / 2 + np.cos(2 * x + 13 * y + 4) / 3
    share = np.clip(0.15 + y + 0.08 * clouds, 0, 1)[..., None]
    return Chart(name, "flat", _rounded(np.array([72, 126, 205]) * (1 - share) + np.array([206, 222, 238]) * share))


def _zone(name: str) -> Chart:
    """Rings 128 + 127 cos(pi k r^2), whose frequency k r grows to 0.5 cycles/px at a radius of 512 px; grey beyond."""
    offsets = np.arange(2 * ZONE_RADIUS_PX) - (ZONE_RADIUS_PX - 0.5)
    squares = offsets[:, None] ** 2 + offsets**2
    rings = 128 + 127 * np.cos(math.pi * (0.5 / ZONE_RADIUS_PX) * squares)
    return Chart(name, "zone", _grey(_rounded(np.where(squares <= ZONE_RADIUS_PX**2, rings, 128))))


def _gratings(name: str, frequency: float) -> Chart:
    """One sheet: 24 tiles of 160 px, one for each angle, of `128 + 100 cos`; no grating reaches black or white."""
    y, x = np.mgrid[0:GRATING_TILE_PX, 0:GRATING_TILE_PX]
    angles = np.radians(grating_angles()).reshape(_GRATING_ROWS, _GRATING_COLUMNS)
    tiles = [
        [128 + 100 * np.cos(2 * math.pi * frequency * (x * np.cos(angle) + y * np.sin(angle))) for angle in row]
        for row in angles
    ]
    return Chart(name, "grating", _grey(_rounded(np.block(tiles))), frequency)


def _checkers(name: str) -> Chart:
    """Checkerboards with fields of 1, 2, 3, 4, 8 and 16 px: grey ones above, coloured ones below."""
    y, x = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX]
    column = x * 6 // _WIDTH_PX
    field = np.array([1, 2, 3, 4, 8, 16])[column]
    odd = (x // field + y // field) % 2 == 1
    colours = np.array([[(40, 40, 40), (215, 215, 215)]] * 6 + [_PAIRS[k % 3] for k in range(6)], np.uint8)
    return Chart(name, "plain", colours[column + 6 * (y >= _HEIGHT_PX // 2), odd.astype(int)])


_PAIRS = [((220, 30, 30), (30, 60, 220)), ((30, 170, 60), (200, 40, 190)), ((240, 210, 20), (20, 40, 120))]
_SATURATED = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 255, 255), (255, 0, 255), (255, 255, 0), (255, 128, 0)]


def _saturated(name: str) -> Chart:
    """Fields and thin lines of the strongest colours on each other: what chroma subsampling and colour clipping cost."""
    pixels = np.zeros((_HEIGHT_PX, _WIDTH_PX, 3), np.uint8)
    count = len(_SATURATED)
    y, x = np.mgrid[0:_HEIGHT_PX, 0:_WIDTH_PX]
    row, column = y * count // _HEIGHT_PX, x * count // _WIDTH_PX
    colours = np.array(_SATURATED, np.uint8)
    pixels[:] = colours[row]
    lines = (x % 16 < 1 + column % 3) & (y % 24 >= 4)  # upright lines of 1, 2 and 3 px in another colour
    pixels[lines] = colours[(row + 1 + column) % count][lines]
    return Chart(name, "plain", pixels)


def _noise(name: str) -> Chart:
    """Grey noise on the left (standard deviation about 37), independent noise in each colour on the right; 512x512."""
    # random_raw is the one stream that NumPy promises never to change. A sum of four bytes is close to a Gaussian.
    raw = np.random.PCG64(7).random_raw(512 * 512 * 3 // 2)
    sums = raw.view(np.uint8).reshape(512, 512, 3, 4).astype(int).sum(axis=-1)
    values = 128 + (sums - 510) // 4
    values[:, :256] = values[:, :256, :1]
    return Chart(name, "plain", np.clip(values, 0, 255).astype(np.uint8))


def _text(name: str) -> Chart:
    return Chart(name, "plain", lettering.page(_WIDTH_PX, _HEIGHT_PX))


def _grey(plane: np.ndarray) -> np.ndarray:
    """A plane [h, w] as pixels."""
    return np.repeat(plane.astype(np.uint8)[..., None], 3, axis=2)


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _charts() -> dict[str, Callable[[str], Chart]]:
    """How each chart is drawn, by name, in the order of reports."""
    greys = {f"flat-grey-{level}": (level, level, level) for level in range(16, 241, 32)}
    colours = {"flat-red": (255, 0, 0), "flat-green": (0, 255, 0), "flat-blue": (0, 0, 255)}
    found: dict[str, Callable[[str], Chart]] = {
        name: functools.partial(_flat, colour=colour) for name, colour in {**greys, **colours}.items()
    }
    found["ramp-horizontal"] = functools.partial(_ramp, across=1, down=0)
    found["ramp-vertical"] = functools.partial(_ramp, across=0, down=1)
    found["ramp-diagonal"] = functools.partial(_ramp, across=1, down=1)
    found["sky"] = _sky
    found["zone-plate"] = _zone
    for frequency in FREQUENCIES:
        found[f"gratings-{frequency:.4f}"] = functools.partial(_gratings, frequency=frequency)
    return {**found, "checkers": _checkers, "text": _text, "saturated": _saturated, "noise": _noise}


_CHARTS = _charts()
NAMES: tuple[str, ...] = tuple(_CHARTS)

"""The CDF 9/7 pyramid in closed form, whole or by windows that agree with the whole to the last bit. NumPy only.

Edges are replicated at the ends of the array in every lifting step (not mirrored), rows before columns.
A level has three bands of as many planes as the picture: channel = planes * orientation + plane, orientations
HL (high along a row), LH, HH. Names: "l1" (finest) ... "l6" and the low-pass "ll".

How it is fast: every constant factor of the lifting is moved into one multiplication per band sample, which loading
does anyway (`scale`); the four phases of a level lie apart, so that each step is three contiguous passes; rows are
taken in blocks that stay in the cache of a core. docs/pyramid.md has the arithmetic and the measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import numpy as np

from calotype.errors import UsageError
from calotype.lifting import MARGIN, A, K, lift_columns, lift_rows, unlift_columns, unlift_rows
from calotype.scratch import scratch
from calotype.tiles import Region

__all__ = ["Load", "LoadPixels", "analyse", "analyse_window", "reach_px", "regions", "synthesise", "synthesise_window"]

_BLOCK = 49_152  # samples of a phase in a block of rows; measured, docs/pyramid.md


class Load(Protocol):
    """Where synthesis finds its bands."""

    def __call__(self, name: str, region: Region, scale: np.ndarray, out: np.ndarray) -> None:
        """Write `band[:, region] * scale` into `out`, float32 [c, h, w]; `scale` is float32 [c, 1, 1].

        May be called by several threads at once, and must not itself run a transform.
        """
        ...


class LoadPixels(Protocol):
    """Where analysis finds its planes."""

    def __call__(self, region: Region, out: np.ndarray) -> None:
        """Write the planes of a region of the padded picture into `out`, float32 [planes, h, w]."""
        ...


def reach_px(levels: int) -> int:
    """How far from any window, at most, the band samples lie that its synthesis needs: 315 for six levels.

    From a window with corners at multiples of 64 it is 256.
    """
    return sum(MARGIN << level for level in range(1, levels + 1)) + (1 << levels) - 1


def regions(window: Region, levels: int, height: int, width: int) -> tuple[Region, ...]:
    """Which samples of the bands l1 ... the synthesis of a window of pixels needs; of "ll", those of the last band.

    height, width   of the padded picture, multiples of 2**levels
    """
    _check_size(height, width, levels)
    _check_window(window, height, width)
    found = []
    for _ in range(levels):
        height, width = height // 2, width // 2
        window = window.over(2).grown(MARGIN, height, width)
        found.append(window)
    return tuple(found)


def synthesise(bands: Mapping[str, np.ndarray], levels: int) -> np.ndarray:
    """The whole picture from its bands; float32 [planes, H, W] from "l1" [3 * planes, H/2, W/2] ..., "ll"."""
    planes, height, width = bands["ll"].shape
    height, width = height << levels, width << levels

    def load(name: str, region: Region, scale: np.ndarray, out: np.ndarray) -> None:
        np.multiply(bands[name][:, region.rows, region.cols], scale, out=out)

    return synthesise_window(load, Region(0, height, 0, width), (height, width), levels, planes=planes)


def synthesise_window(
    load: Load, window: Region, shape: tuple[int, int], levels: int, *, planes: int = 3, out: np.ndarray | None = None
) -> np.ndarray:
    """A window of the picture, float32 [planes, h, w], bit-equal with the same window of `synthesise`.

    load     fetches and scales regions of bands; of level l it is asked for parts of `regions(...)[l - 1]` only
    window   any rectangle of pixels inside the padded picture
    shape    height and width of the padded picture, multiples of 2**levels
    out      where to write the window, or None
    """
    needed = regions(window, levels, *shape)
    scales = _synthesis_scales(levels, planes)
    if out is None:
        out = np.empty((planes, window.height, window.width), np.float32)
    low = scratch(("low", levels % 2), (planes, needed[-1].height, needed[-1].width)) if levels else out
    load("ll", needed[-1] if levels else window, scales[-1], low)
    for level in range(levels, 0, -1):
        target = needed[level - 2] if level > 1 else window
        onto = scratch(("low", (level - 1) % 2), (planes, target.height, target.width)) if level > 1 else out
        _join(load, f"l{level}", scales[level - 1], low, needed[level - 1], shape[0] >> level, target, onto)
        low = onto
    return out


def analyse(planes: np.ndarray, levels: int, *, first: int = 1) -> dict[str, np.ndarray]:
    """The bands of a whole picture, float32: "l1" ... "l`levels`" and "ll". Sides must be multiples of 2**levels.

    planes   float32 [planes, H, W]; or, with `first` > 1, the "low" of `analyse_window(..., last=first - 1)` for the
             whole picture: then only levels `first` ... `levels` are in the result
    """
    count, height, width = planes.shape
    whole = Region(0, height, 0, width)
    return analyse_window(_from_array(planes, whole), whole, (height, width), levels, planes=count, first=first)


def analyse_window(
    load: LoadPixels,
    window: Region,
    shape: tuple[int, int],
    levels: int,
    *,
    planes: int = 3,
    first: int = 1,
    last: int | None = None,
) -> dict[str, np.ndarray]:
    """The bands of a window, bit-equal with those parts of `analyse`: {"l1": [3 * planes, h/2, w/2], ..., "ll"}.

    Each level doubles the margin that is computed around a window, so take three levels by windows and the others from
    the assembled low-pass of the whole picture: `windows.Analysis` does.

    load          fetches planes; it is asked for regions inside the padded picture only
    window        a rectangle of pixels with corners at multiples of 2**levels
    first, last   only these levels of the pyramid; `load`, `window` and `shape` then mean the low-pass of level
                  first - 1. Without the last level there is no "ll" but "low", which still lacks its factor
    """
    last = levels if last is None else last
    count = last - first + 1
    unit = 1 << count
    _check_size(*shape, count)
    _check_window(window, *shape)
    if any(side % unit for side in (window.top, window.bottom, window.left, window.right)):
        raise UsageError("window", value=window, allowed=f"corners at multiples of {unit}")
    # What is needed of the low-pass of each level, from coarse to fine.
    wanted = [window.over(unit)]
    for level in range(count - 1, 0, -1):
        inner, height, width = wanted[0], shape[0] >> level, shape[1] >> level
        wanted.insert(
            0,
            Region(2 * inner.top, 2 * inner.bottom, 2 * inner.left, 2 * inner.right).grown(2 * MARGIN, height, width),
        )
    scales = _analysis_scales(levels, planes)
    bands = {}
    low = np.empty((planes, window.height // unit, window.width // unit), np.float32)
    for level in range(1, count + 1):
        own, target = window.over(1 << level), wanted[level - 1]
        onto = low if level == count else scratch(("low", level % 2), (planes, target.height, target.width))
        high = np.empty((3 * planes, own.height, own.width), np.float32)
        _split(load, (shape[0] >> level, shape[1] >> level), target, onto, own, high, scales[first + level - 2])
        bands[f"l{first + level - 1}"] = high
        load = _from_array(onto, target)
    if not count:
        load(window, low)
    bands["ll" if last == levels else "low"] = np.multiply(low, scales[-1], out=low) if last == levels else low
    return bands


def _join(
    load: Load,
    name: str,
    scale: np.ndarray,
    low: np.ndarray,
    region: Region,
    height: int,
    target: Region,
    out: np.ndarray,
) -> None:
    """One level of synthesis: `low` and the bands, both of `region`, give `target` of the finer array in `out`.

    height   of the whole array that `region` is part of: a margin ends there
    """
    planes, cells, width = low.shape[0], target.over(2), region.width
    step = _block_rows(width)
    for top in range(cells.top, cells.bottom, step):
        bottom = min(top + step, cells.bottom)
        part = Region(max(0, top - MARGIN), min(height, bottom + MARGIN), region.left, region.right)
        # [row parity, column parity, plane, rows, columns]: LL HL LH HH, the order of the band's channels.
        phases = scratch("phases", (2, 2, planes, part.height, width))
        np.copyto(phases[0, 0], low[:, part.top - region.top : part.bottom - region.top])
        load(name, part, scale, phases.reshape(4 * planes, part.height, width)[planes:])
        spare = scratch("spare", (2, part.height, width))
        for plane in range(planes):
            unlift_rows(phases[0, :, plane], phases[1, :, plane], spare)
            unlift_columns(phases[:, 0, plane], phases[:, 1, plane], spare)
        for row in range(2):
            first, last = max(top, -((row - target.top) // 2)), min(bottom, -((row - target.bottom) // 2))
            for column in range(2):
                left, right = -((column - target.left) // 2), -((column - target.right) // 2)
                np.multiply(
                    phases[
                        row, column, :, first - part.top : last - part.top, left - region.left : right - region.left
                    ],
                    np.float32(A ** (row + column)),
                    out=out[
                        :,
                        2 * first + row - target.top : 2 * last + row - target.top : 2,
                        2 * left + column - target.left :: 2,
                    ],
                )


def _split(
    load: LoadPixels,
    size: tuple[int, int],
    target: Region,
    low: np.ndarray,
    own: Region,
    high: np.ndarray,
    scale: np.ndarray,
) -> None:
    """One level of analysis: `low` gets the low-pass of `target`, `high` the bands of `own`, a part of it, * `scale`.

    size   height and width of the whole array that `target` is part of
    """
    planes, cells = low.shape[0], target.grown(MARGIN, *size)
    step, width = _block_rows(cells.width), cells.width
    inner = target.within(cells)
    for top in range(target.top, target.bottom, step):
        bottom = min(top + step, target.bottom)
        part = Region(max(0, top - MARGIN), min(size[0], bottom + MARGIN), cells.left, cells.right)
        fine = scratch("fine", (planes, 2 * part.height, 2 * width))
        load(Region(2 * part.top, 2 * part.bottom, 2 * part.left, 2 * part.right), fine)
        phases = scratch("phases", (2, 2, planes, part.height, width))
        spare = scratch("spare", (2, part.height, width))
        for row in range(2):
            for column in range(2):
                np.multiply(fine[:, row::2, column::2], np.float32(A ** -(row + column)), out=phases[row, column])
        for plane in range(planes):
            lift_columns(phases[:, 0, plane], phases[:, 1, plane], spare)
            lift_rows(phases[0, :, plane], phases[1, :, plane], spare)
        kept = slice(top - part.top, bottom - part.top)
        np.copyto(low[:, top - target.top : bottom - target.top], phases[0, 0, :, kept, inner.cols])
        first, last = max(top, own.top), min(bottom, own.bottom)
        if first < last:
            bands = phases.reshape(4 * planes, part.height, width)[planes:]
            cut = bands[:, first - part.top : last - part.top, own.left - cells.left : own.right - cells.left]
            np.multiply(cut, scale, out=high[:, first - own.top : last - own.top])


def _block_rows(width: int) -> int:
    return max(8, _BLOCK // width)


@lru_cache
def _synthesis_scales(levels: int, planes: int) -> tuple[np.ndarray, ...]:
    """Factors of l1 ... ll, [c, 1, 1]: K of this and all finer levels, and the division of odd phases by A."""
    band = np.repeat([1 / A, 1 / A, (K / A) ** 2], planes)
    found = [band * K ** (-2 * level) for level in range(levels)] + [np.full(planes, K ** (-2 * levels))]
    return tuple(scale.astype(np.float32)[:, None, None] for scale in found)


@lru_cache
def _analysis_scales(levels: int, planes: int) -> tuple[np.ndarray, ...]:
    """The reciprocals of `_synthesis_scales`."""
    band = np.repeat([A, A, (A / K) ** 2], planes)
    found = [band * K ** (2 * level) for level in range(levels)] + [np.full(planes, K ** (2 * levels))]
    return tuple(scale.astype(np.float32)[:, None, None] for scale in found)


def _from_array(array: np.ndarray, held: Region) -> LoadPixels:
    def load(region: Region, out: np.ndarray) -> None:
        part = region.within(held)
        np.copyto(out, array[:, part.rows, part.cols])

    return load


def _check_size(height: int, width: int, levels: int) -> None:
    unit = 1 << levels
    if height < 1 or width < 1 or height % unit or width % unit:
        raise UsageError("shape", value=(height, width), allowed=f"positive multiples of {unit}")


def _check_window(window: Region, height: int, width: int) -> None:
    if not (0 <= window.top < window.bottom <= height and 0 <= window.left < window.right <= width):
        raise UsageError("window", value=window, allowed=f"a rectangle inside {height}x{width}")

"""The transform of a trained filter bank: pixels <-> bands of lifting steps whose taps a model brings. No networks.

How taps are found lives in train/filter_bank.py, how bands are coded in walks/.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np

from calotype import colour
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["FilterBank", "analyse", "join", "norms", "split"]


def split(planes: np.ndarray, taps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One level: float32 [p, H, W], even sides -> low-pass [p, H / 2, W / 2] and bands HL, LH, HH [3 p, H / 2, W / 2].

    taps   float32 [steps, r]: of each lifting step the weights of the nearest pair of the other phase, of the next pair
           ...; odd samples are changed first. Edges are repeated in every step
    """
    low, high = _split(planes, taps, 1)
    (ll, hl), (lh, hh) = _split(low, taps, 2), _split(high, taps, 2)
    return ll, np.concatenate([hl, lh, hh])


def join(low: np.ndarray, bands: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """The inverse of `split`, up to rounding."""
    hl, lh, hh = bands.reshape(3, *low.shape)
    return _join(_join(low, hl, taps, 2), _join(lh, hh, taps, 2), taps, 1)


def analyse(planes: np.ndarray, taps: np.ndarray) -> dict[str, np.ndarray]:
    """All bands "l1" ... and "ll" of float32 [p, H, W], sides multiples of 2**levels; taps [levels, steps, r]."""
    found = {}
    for level, of in enumerate(taps, 1):
        planes, found[f"l{level}"] = split(planes, of)
    return found | {"ll": planes}


def norms(taps: np.ndarray) -> np.ndarray:
    """What an error of one sample makes in the picture, the root of its sum of squares: [levels, 2], and "ll" [1] behind.

    A row is of HL and LH, which are alike, and of HH; flat, float64 [2 * levels + 1].
    """
    found: list[float] = []
    for level in range(1, len(taps) + 1):
        low, high = (_norm_of(taps[:level], is_high) for is_high in (False, True))
        found += [low * high, high * high]
    return np.array([*found, _norm_of(taps, False) ** 2])


def _norm_of(taps: np.ndarray, is_high: bool) -> float:
    """Along one axis, of the low-pass or the high-pass of the coarsest level."""
    spot, rest = np.zeros((2, 1, 1, 48))
    spot[..., 24] = 1
    for level, of in enumerate(taps[::-1]):
        pair = (rest, spot) if is_high and not level else (spot, rest)
        spot = _join(*pair, of, 2)
        rest = np.zeros_like(spot)
    return float(np.sqrt(np.square(spot).sum()))


def _split(whole: np.ndarray, taps: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    moved = np.moveaxis(whole, axis, 0)
    even, odd = moved[::2], moved[1::2]
    for step, of in enumerate(taps):
        if step % 2:
            even = even + _sums(odd, of, 0)
        else:
            odd = odd + _sums(even, of, 1)
    return np.moveaxis(even, 0, axis), np.moveaxis(odd, 0, axis)


def _join(even: np.ndarray, odd: np.ndarray, taps: np.ndarray, axis: int) -> np.ndarray:
    even, odd = np.moveaxis(even, axis, 0), np.moveaxis(odd, axis, 0)
    for step in range(len(taps) - 1, -1, -1):
        if step % 2:
            even = even - _sums(odd, taps[step], 0)
        else:
            odd = odd - _sums(even, taps[step], 1)
    whole = np.empty((2 * len(even), *even.shape[1:]), even.dtype)
    whole[::2], whole[1::2] = even, odd
    return np.moveaxis(whole, 0, axis)


def _sums(source: np.ndarray, taps: np.ndarray, after: int) -> np.ndarray:
    """Weighted sums of pairs round each sample of the other phase, which lies before (`after` 0) or behind those of `source`."""
    count, found = len(source), np.zeros_like(source)
    reach = _reach(taps)
    padded = np.concatenate([source[:1]] * reach + [source] + [source[-1:]] * reach)
    for k in range(reach):
        first, second = reach - k - 1 + after, reach + k + after
        found += (padded[first : first + count] + padded[second : second + count]) * taps[k]
    return found


def _reach(taps: np.ndarray) -> int:
    """How many pairs a step really has."""
    used = np.flatnonzero(taps)
    return int(used[-1]) + 1 if len(used) else 0


def _margin(taps: np.ndarray) -> int:
    """Samples of the bands on each side that one level of synthesis looks at."""
    reach = [_reach(of) for of in taps]
    before = sum(max(0, r - 1 + step % 2) for step, r in enumerate(reach))
    behind = sum(max(0, r - step % 2) for step, r in enumerate(reach))
    return max(before, behind)


class FilterBank:
    """Kind "filterbank": colours -> planes -> lifting steps -> "l1" ..., "ll" * norm / step(rate), and back.

    Arrays: those of kind "wavelet97", "taps" float [levels, steps, r] and "norms" as `norms` returns them. Analysis holds
    the whole pyramid: 16 bytes a pixel.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.taps = np.asarray(model.floats("taps"), np.float32)
        self.levels = len(self.taps)
        self.margins = [_margin(of) for of in self.taps]
        self.reach_px = sum(margin << k for k, margin in enumerate(self.margins, 1)) + (1 << self.levels) - 1
        self.names = [f"l{level}" for level in range(1, self.levels + 1)] + ["ll"]
        flat = np.asarray(model.floats("norms"), np.float32)
        sides: Sequence[np.ndarray] = [flat[2 * k : 2 * k + 2][[0, 0, 1]] for k in range(self.levels)]
        self.norms = dict(zip(self.names, [*sides, flat[-1:]], strict=True))

    def stored(self) -> dict[str, Stored]:
        latents = self.model.manifest.latents
        return {name: Stored(latents[name].channels, latents[name].stride, "int32") for name in self.names}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _FilterBankAnalysis:
        return _FilterBankAnalysis(self, pixels, grid, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        gains, shape = np.exp(self.model.floats("inverse", rates)), strips.grid.shape
        planes = gains.shape[1]
        scales = {name: np.repeat(1 / norm, planes)[None] for name, norm in self.norms.items()}
        load = strips.loader({name: np.tile(gains, len(self.norms[name])) * scales[name] for name in self.names})
        wanted = [window]
        for level, margin in enumerate(self.margins, 1):
            wanted.append(wanted[-1].over(2).grown(margin, shape[0] >> level, shape[1] >> level))
        found = np.empty((planes, wanted[-1].height, wanted[-1].width), np.float32)
        load("ll", wanted[-1], np.ones((planes, 1, 1), np.float32), found)
        for level in range(self.levels, 0, -1):
            held, onto = wanted[level], wanted[level - 1]
            bands = np.empty((3 * planes, held.height, held.width), np.float32)
            load(f"l{level}", held, np.ones((3 * planes, 1, 1), np.float32), bands)
            fine = join(found, bands, self.taps[level - 1])
            found = fine[
                :,
                onto.top - 2 * held.top : onto.bottom - 2 * held.top,
                onto.left - 2 * held.left : onto.right - 2 * held.left,
            ]
        out = np.empty((window.height, window.width, 3), np.uint8)
        return colour.samples_of(np.ascontiguousarray(found), self.model.floats("colours"), out, unit=1)


class _FilterBankAnalysis:
    def __init__(self, transform: FilterBank, pixels: np.ndarray, grid: Grid, rate: int) -> None:
        model, (height, width) = transform.model, grid.shape
        gain = np.exp(model.floats("gain", rate))
        planes = np.empty((len(gain), height, width), np.float32)
        colour.planes_of(pixels, model.floats("planes"), unit=1)(Region(0, height, 0, width), planes)
        self.bands = {
            name: band * (np.tile(gain, len(norm)) * np.repeat(norm, len(gain)))[:, None, None]
            for (name, band), norm in zip(
                analyse(planes, transform.taps).items(), transform.norms.values(), strict=True
            )
        }
        self.strides = {name: model.manifest.latents[name].stride for name in transform.names}

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        parts = {name: tile.over(stride) for name, stride in self.strides.items()}
        return {name: self.bands[name][:, part.rows, part.cols] for name, part in parts.items()}

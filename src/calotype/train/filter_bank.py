"""Training of lifting filter banks: taps that lower the bits of the bands of pictures. Nothing runs in coding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calotype import filterbank
from calotype.lifting import A, B, C, D

__all__ = ["START", "bits", "trained"]

START = np.array([[A, 0.0], [B, 0.0], [C, 0.0], [D, 0.0]])  # the 9/7 wavelet, with room for a pair more in each step
_STEPS = (10.0, 40.0)  # of the quantizer, where bits are estimated


def bits(planes: Sequence[np.ndarray], taps: np.ndarray) -> float:
    """About how many bits a sample the bands take: the mean of log2(1 + (c / step)^2) / 2, of errors of equal weight.

    planes   float32 [1, H, W] each      taps   as filterbank.analyse takes them
    """
    norm, total, samples = filterbank.norms(taps), 0.0, 0
    for plane in planes:
        bands = filterbank.analyse(plane, taps.astype(np.float32))
        for level in range(1, len(taps) + 1):
            sides, corner = norm[2 * level - 2 : 2 * level]
            scale = np.array([sides, sides, corner], np.float32)[:, None, None]
            total += sum(_log(bands[f"l{level}"] * scale / np.float32(step)) for step in _STEPS)
        total += sum(_log(bands["ll"] * np.float32(norm[-1] / step)) for step in _STEPS)
        samples += plane.size * len(_STEPS)
    return total / samples


def trained(planes: Sequence[np.ndarray], levels: int, *, rounds: int = 4) -> np.ndarray:
    """Taps float64 [levels, 4, 2] that lower `bits`, from the 9/7 wavelet on, by parabolas along one tap at a time.

    The two finest levels have taps of their own, the others share theirs and have one pair in each step, since their
    filters reach far.
    """
    free = np.stack([START] * 3)
    of_level = [min(level, 2) for level in range(levels)]
    moved = np.ones(free.shape, bool)
    moved[2, :, 1] = False
    moved[len(set(of_level)) :] = False
    best, width = bits(planes, free[of_level]), np.full(free.shape, 0.02)
    for _ in range(rounds):
        for place in zip(*np.nonzero(moved), strict=True):
            step = width[place]
            found = [_tried(planes, free, of_level, place, by) for by in (step, -step)]
            bend = found[0][0] + found[1][0] - 2 * best
            by = step * (found[1][0] - found[0][0]) / (2 * bend) if bend > 0 else 0.0
            if 0 < abs(by) < 3 * step:
                found.append(_tried(planes, free, of_level, place, by))
            cost, taps = min(found, key=lambda one: one[0])
            width[place] = step
            if cost < best:
                best, free = cost, taps
            else:
                width[place] = step / 3
    return free[of_level]


def _tried(
    planes: Sequence[np.ndarray], free: np.ndarray, of_level: Sequence[int], place: tuple[int, ...], by: float
) -> tuple[float, np.ndarray]:
    changed = free.copy()
    changed[place] += by
    return bits(planes, changed[list(of_level)]), changed


def _log(sizes: np.ndarray) -> float:
    return float(0.5 * np.log2(1 + np.square(sizes)).sum(dtype=np.float64))

"""SSIM and MS-SSIM of 8-bit RGB pictures (Wang and others 2004, 2003), in NumPy; other metrics live elsewhere.

The variant is the one that papers on learned compression report (pytorch-msssim 1.0): each colour plane by itself,
an 11-tap Gaussian window of sigma 1.5 without padding, five scales with 2x2 means between them, mean over planes.
"""

from __future__ import annotations

import math

import numpy as np

from calotype.errors import UsageError
from calotype.metrics.distortion import check_pair

__all__ = ["MS_SSIM_SIDE_PX", "SSIM_SIDE_PX", "ms_ssim", "ms_ssim_db", "ssim"]

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_TAPS = 11
_BLOCK_ROWS, _BLOCK_COLUMNS = 32, 768
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SSIM_SIDE_PX = _TAPS
MS_SSIM_SIDE_PX = (_TAPS - 1) * 2 ** (len(_WEIGHTS) - 1) + 1


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of two pictures, uint8 [h, w, 3]: 1 if equal, -1 at worst, mean over R, G and B.

    The mean over all positions at which the 11x11 window lies inside the picture (no padding), with
    C1 = (0.01 * 255)^2 and C2 = (0.03 * 255)^2, and variances of the weights' own (divided by 1, not by n - 1).

    errors   UsageError if a side is below 11 px
    """
    check_pair(a, b)
    _check_sides(a, SSIM_SIDE_PX, "SSIM")
    planes = [_similarity(a[..., p], b[..., p])[1] for p in range(3)]
    return sum(planes) / 3


def ms_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Multi-scale structural similarity of two pictures, uint8 [h, w, 3]: 1 if equal, mean over R, G and B.

    errors   UsageError if a side is below 161 px: the window would not fit at the fifth scale
    """
    check_pair(a, b)
    _check_sides(a, MS_SSIM_SIDE_PX, "MS-SSIM")
    return sum(_of_plane(a[..., plane], b[..., plane]) for plane in range(3)) / 3


def ms_ssim_db(value: float) -> float:
    """MS-SSIM in decibels, -10 log10(1 - value), the scale on which curves are compared; infinite for 1."""
    return math.inf if value >= 1 else -10 * math.log10(1 - value)


def _check_sides(a: np.ndarray, side_px: int, metric: str) -> None:
    """Raise UsageError if the window would not fit."""
    if min(a.shape[:2]) < side_px:
        size = f"{a.shape[1]}x{a.shape[0]}"
        raise UsageError("picture", value=size, allowed=f"sides of {side_px} px or more for {metric}")


def _of_plane(a: np.ndarray, b: np.ndarray) -> float:
    """MS-SSIM of one plane [h, w]."""
    product = 1.0
    for scale, weight in enumerate(_WEIGHTS):
        contrast, luminance_too = _similarity(a, b)
        last = scale == len(_WEIGHTS) - 1
        product *= max(luminance_too if last else contrast, 0.0) ** weight
        if not last:
            a, b = _halved(a), _halved(b)
    return product


def _similarity(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Mean contrast-structure term and mean SSIM of two planes [h, w], over all positions of the window."""
    positions = [side - _TAPS + 1 for side in a.shape]
    contrasts, similarities = 0.0, 0.0
    # In blocks that stay in the processor's cache, whose arrays are allocated once: several times as fast as whole
    # planes, and no large intermediates.
    room = _Room(min(_BLOCK_ROWS, positions[0]), min(_BLOCK_COLUMNS, positions[1]))
    for top in range(0, positions[0], _BLOCK_ROWS):
        for left in range(0, positions[1], _BLOCK_COLUMNS):
            block = slice(top, top + _BLOCK_ROWS + _TAPS - 1), slice(left, left + _BLOCK_COLUMNS + _TAPS - 1)
            contrast, both = _similarity_sums(a[block], b[block], room)
            contrasts, similarities = contrasts + contrast, similarities + both
    return contrasts / math.prod(positions), similarities / math.prod(positions)


class _Room:
    """Arrays for blocks of up to `rows` x `columns` results: maps, maps blurred downwards, then also sideways."""

    def __init__(self, rows: int, columns: int) -> None:
        self.maps = np.empty((4, rows + _TAPS - 1, columns + _TAPS - 1))
        self.down, self.sum_down = np.empty((2, 4, rows, columns + _TAPS - 1))
        self.both, self.sum_both = np.empty((2, 4, rows, columns))


def _similarity_sums(a: np.ndarray, b: np.ndarray, room: _Room) -> tuple[float, float]:
    """Sums of the contrast-structure term and of SSIM over a block [h, w], whose results are [h - 10, w - 10]."""
    (height, width), rows, columns = a.shape, a.shape[0] - _TAPS + 1, a.shape[1] - _TAPS + 1
    maps = room.maps[:, :height, :width]
    maps[0], maps[1] = a, b
    # Both variances are only ever needed as their sum, which saves one of five filters.
    np.multiply(maps[0], maps[0], out=maps[2])
    np.multiply(maps[1], maps[1], out=maps[3])
    maps[2] += maps[3]
    np.multiply(maps[0], maps[1], out=maps[3])
    down = _blurred(maps, 1, room.down[:, :rows, :width], room.sum_down[:, :rows, :width])
    blurred = _blurred(down, 2, room.both[:, :rows, :columns], room.sum_both[:, :rows, :columns])
    mean_a, mean_b, mean_squares, mean_product = blurred
    mean_ab = mean_a * mean_b
    squares = mean_a * mean_a + mean_b * mean_b
    contrast = (2 * (mean_product - mean_ab) + _C2) / (mean_squares - squares + _C2)
    luminance = (2 * mean_ab + _C1) / (squares + _C1)
    return float(contrast.sum()), float((luminance * contrast).sum())


def _blurred(maps: np.ndarray, axis: int, total: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Maps [n, h, w] under the Gaussian window along `axis`, which gets 10 shorter; written to `total`."""
    size, middle = total.shape[axis], _TAPS // 2

    def shifted(k: int) -> np.ndarray:
        return maps[:, k : k + size] if axis == 1 else maps[:, :, k : k + size]

    np.multiply(shifted(middle), _WINDOW[middle], out=total)
    for k in range(middle):  # the window is symmetric: two taps share a weight
        np.add(shifted(k), shifted(_TAPS - 1 - k), out=both)
        both *= _WINDOW[k]
        total += both
    return total


def _halved(plane: np.ndarray) -> np.ndarray:
    """2x2 means, float64; before an odd side stands a row or column of zeros that counts, as in pytorch-msssim."""
    height, width = plane.shape
    even = np.zeros((height + height % 2, width + width % 2), plane.dtype)
    even[height % 2 :, width % 2 :] = plane
    rows = np.add(even[::2], even[1::2], dtype=np.float64)  # the sums of two 8-bit samples need more than 8 bit
    return (rows[:, ::2] + rows[:, 1::2]) / 4


def _window() -> np.ndarray:
    """The Gaussian window [11], of sum 1."""
    offsets = np.arange(_TAPS) - _TAPS // 2
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    return weights / weights.sum()


_WINDOW = _window()

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
    planes = [_similarity(a[..., p].astype(np.float64), b[..., p].astype(np.float64))[1] for p in range(3)]
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
    a, b = a.astype(np.float64), b.astype(np.float64)
    product = 1.0
    for scale, weight in enumerate(_WEIGHTS):
        contrast, luminance_too = _similarity(a, b)
        last = scale == len(_WEIGHTS) - 1
        product *= max(luminance_too if last else contrast, 0.0) ** weight
        if not last:
            a, b = _halved(a), _halved(b)
    return product


def _similarity(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Mean contrast-structure term and mean SSIM of two planes [h, w]."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    mean_ab = mean_a * mean_b
    squares = mean_a * mean_a + mean_b * mean_b
    # Both variances are only ever needed as their sum, which saves one of five filters.
    variances = _blurred(a * a + b * b) - squares
    covariance = _blurred(a * b) - mean_ab
    contrast = (2 * covariance + _C2) / (variances + _C2)
    luminance = (2 * mean_ab + _C1) / (squares + _C1)
    return float(contrast.mean()), float((luminance * contrast).mean())


def _blurred(plane: np.ndarray) -> np.ndarray:
    """The plane [h, w] under the Gaussian window, [h - 10, w - 10]."""
    for axis in (0, 1):
        size = plane.shape[axis] - _TAPS + 1
        total: np.ndarray | None = None
        for k in range(_TAPS // 2 + 1):  # the window is symmetric: two taps share a weight
            near = plane[k : k + size] if axis == 0 else plane[:, k : k + size]
            if k < _TAPS // 2:
                far = _TAPS - 1 - k
                near = near + (plane[far : far + size] if axis == 0 else plane[:, far : far + size])
            near = near * _WINDOW[k]
            total = near if total is None else np.add(total, near, out=total)
        assert total is not None
        plane = total
    return plane


def _halved(plane: np.ndarray) -> np.ndarray:
    """2x2 means; before an odd side stands a row or column of zeros that counts, as in pytorch-msssim."""
    plane = np.pad(plane, ((plane.shape[0] % 2, 0), (plane.shape[1] % 2, 0)))
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4


def _window() -> np.ndarray:
    """The Gaussian window [11], of sum 1."""
    offsets = np.arange(_TAPS) - _TAPS // 2
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    return weights / weights.sum()


_WINDOW = _window()

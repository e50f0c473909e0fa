"""The aliasing index: detail that comes back as other detail, in another direction; pure NumPy (docs/charts.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calotype.bench.charts.stripes import luma
from calotype.metrics.distortion import check_pair

__all__ = ["FLOOR_DB", "Directions", "aliasing_ratio_db", "directions", "weighted_median"]

FLOOR_DB = -100.0  # what stands for "nothing at all"

_LOBE_BINS = 2  # half the width of the Hann window's main lobe, which holds the energy of a pure grating
_WINDOW_PX = 32
_LEAST_ANISOTROPY = 0.5  # a window of the original that has no direction can't turn
_FALSE_CONTRAST, _FALSE_DEGREES = 0.25, 10.0


def aliasing_ratio_db(decoded: np.ndarray, frequency: float, angle_degrees: float) -> float:
    """Energy of what is not the grating against the grating's, in decibels: AR = 10 log10(E_a / E_s).

    decoded     uint8 [h, w, 3], a window of a decoded grating; 128x128 in the charts
    frequency   of the original grating, in cycles/px;  angle_degrees  the direction across its stripes, from x to y

    Luma less its mean under a Hann window; E_s is the energy within 2 bins of the grating's two peaks, E_a the rest
    without the mean. A pure grating gives about -30 dB (side lobes of the window), a flat picture `FLOOR_DB`: detail
    that is gone is no alias.
    """
    check_pair(decoded, decoded)
    energy = _windowed_energy(luma(decoded)[None])[0]
    height, width = energy.shape
    angle = math.radians(angle_degrees)
    v, u = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    near = np.zeros(energy.shape, bool)
    for sign in (1, -1):
        du = (u - sign * frequency * math.cos(angle) + 0.5) % 1 - 0.5  # frequencies wrap round at half a cycle
        dv = (v - sign * frequency * math.sin(angle) + 0.5) % 1 - 0.5
        near |= np.maximum(np.abs(du) * width, np.abs(dv) * height) <= _LOBE_BINS
    signal, total = float(energy[near].sum()), float(energy.sum())
    alias = max(total - signal, 0.0)
    if alias < 1e-9 * energy.size:
        return FLOOR_DB
    return 10 * math.log10(alias / max(signal, 1e-9))


@dataclass(frozen=True)
class Directions:
    """How the directions of windows came back; arrays over the windows of the original that have a direction.

    errors     difference of direction in degrees, 0 to 90
    weights    anisotropy of the decoded window, 0 (no direction) to 1
    contrasts  of the decoded window: square root of 2 times the standard deviation, over the mean
    """

    errors: np.ndarray
    weights: np.ndarray
    contrasts: np.ndarray

    @property
    def median_error(self) -> float:
        """Median of the errors weighted by anisotropy, in degrees."""
        return weighted_median(self.errors, self.weights)

    @property
    def false_rate(self) -> float:
        """Share (0 to 1) of windows that show a direction (contrast above 25 %) which is wrong by over 10 degrees."""
        if not self.errors.size:
            return 0.0
        return float(np.mean((self.contrasts > _FALSE_CONTRAST) & (self.errors > _FALSE_DEGREES)))

    @property
    def faded_rate(self) -> float:
        """Share of windows whose contrast fell to 25 % or less: detail that is gone, which is better than turned."""
        return float(np.mean(self.contrasts <= _FALSE_CONTRAST)) if self.errors.size else 0.0

    @staticmethod
    def joined(parts: list[Directions]) -> Directions:
        """Those of several pictures together."""
        fields = ("errors", "weights", "contrasts")
        return Directions(*(np.concatenate([[], *(getattr(part, field) for part in parts)]) for field in fields))


def directions(original: np.ndarray, decoded: np.ndarray) -> Directions:
    """Compare the direction of detail in windows of 32 px, every 16 px, of two pictures, uint8 [h, w, 3].

    The direction is the main axis of the structure tensor of the Riesz transform, taken in the frequency domain: every
    frequency under a Hann window votes for its direction with its energy. That is exact up to half a cycle per pixel,
    where differences of neighbours are not, and is not ruled by faint fine noise, as plain gradients are.
    Left out are windows of the original without a direction (anisotropy below 0.5).
    """
    check_pair(original, decoded)
    angle, anisotropy, contrast = _tensors(luma(original))
    angle_decoded, anisotropy_decoded, contrast_decoded = _tensors(luma(decoded))
    kept = (anisotropy >= _LEAST_ANISOTROPY) & (contrast > _FALSE_CONTRAST)
    turned = np.abs(angle_decoded - angle)[kept]
    # Stripes have no head and no tail: directions that differ by 180 degrees are equal.
    errors = np.degrees(np.minimum(turned, np.pi - turned))
    return Directions(errors, anisotropy_decoded[kept], contrast_decoded[kept])


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """The smallest value at which half the weight is reached; 0 where there is no weight."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    if not reached.size or reached[-1] <= 0:
        return 0.0
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


def _tensors(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angle (radians, -pi/2 to pi/2), anisotropy (0 to 1) and contrast of every window of a plane [h, w], flat."""
    step = _WINDOW_PX // 2
    windows = np.lib.stride_tricks.sliding_window_view(plane, (_WINDOW_PX, _WINDOW_PX))[::step, ::step]
    windows = windows.reshape(-1, _WINDOW_PX, _WINDOW_PX)
    contrast = np.sqrt(2) * windows.std(axis=(1, 2)) / np.maximum(windows.mean(axis=(1, 2)), 1)
    energy = _windowed_energy(windows)
    # Unit vectors along each frequency. At half a cycle a frequency is its own negative, so it counts for no diagonal.
    v, u = np.meshgrid(frequencies := np.fft.fftfreq(_WINDOW_PX), frequencies, indexing="ij")
    squares = np.maximum(u * u + v * v, 1e-12)
    signed = np.where((u == -0.5) | (v == -0.5), 0, u * v)
    difference, diagonal = (np.tensordot(energy, term / squares, 2) for term in (u * u - v * v, signed))
    anisotropy = np.hypot(difference, 2 * diagonal) / np.maximum(energy.sum(axis=(1, 2)), 1e-12)
    return np.arctan2(2 * diagonal, difference) / 2, anisotropy, contrast


def _windowed_energy(windows: np.ndarray) -> np.ndarray:
    """Squared spectra [n, h, w] of planes [n, h, w] less their mean, under a Hann window in both directions."""
    down, across = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n) for n in windows.shape[1:])
    hann = np.outer(down, across)
    means = (windows * hann).sum(axis=(1, 2), keepdims=True) / hann.sum()
    return np.abs(np.fft.fft2((windows - means) * hann)) ** 2

"""The striped-region index: stripes, grids and borders in the error of a flat picture; pure NumPy (docs/charts.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from calotype.metrics.distortion import LUMA_THOUSANDTHS, check_pair

__all__ = ["LIMITS", "StripedRegion", "flat_windows", "luma", "striped_region"]

_SIGMA_PX = 32  # slower changes than this are no stripes
_BORDER_PX = 32
_PERIOD_PX = 16  # what every stride of a codec divides
_NOTHING = 1e-9  # variance in squared levels; one sample wrong by one level in a chart gives 1e-8


@dataclass(frozen=True)
class StripedRegion:
    """What is striped in the error of a flat picture; all zero where there is no error.

    a        standard deviation of row means or column means, the larger, in levels: how strong stripes are
    f        that variance against what unstructured noise of the same error would have: 1 for noise, large for stripes
    g        share (0 to 1) of the error's energy in frequencies along an axis or that repeat every 16 px
    border   mean squared error of the outer 32 px against the interior's: 1 where the border is like the rest
    error    root mean square of the error that was looked at, in levels of luma
    """

    a: float = 0.0
    f: float = 0.0
    g: float = 0.0
    border: float = 0.0
    error: float = 0.0

    def within(self) -> bool:
        """Whether a, f and border are within `LIMITS`."""
        return all(getattr(self, name) <= limit for name, limit in LIMITS.items())

    def figures(self) -> dict[str, float]:
        """The fields by name."""
        return asdict(self)


# What a codec should reach on every flat chart at 0.1 to 2 bpp.
LIMITS = {"a": 0.25, "f": 2.0, "border": 1.25}


def striped_region(original: np.ndarray, decoded: np.ndarray) -> StripedRegion:
    """How striped the error of a flat picture is.

    original, decoded   uint8 [h, w, 3]; the figures mean something where the original has no detail (charts of kind
                        "flat", `flat_windows` of a photograph)

    With `e` the difference of the lumas (BT.601, full range) less its own mean under a Gaussian of standard deviation
    32 px (normalised at the picture's edges), r_i and c_j its row and column means:
    a = sqrt(max(var r, var c)), f = max(W var r, H var c) / var e.
    """
    check_pair(original, decoded)
    e = luma(decoded) - luma(original)
    e -= _gaussian_mean(e)
    height, width = e.shape
    variance = float(e.var())
    if variance < _NOTHING:
        return StripedRegion()
    rows, columns = float(e.mean(axis=1).var()), float(e.mean(axis=0).var())
    squares = e * e
    interior = squares[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX]
    border = 1.0  # a picture that is all border has nothing to compare it with
    if interior.size:
        outer = (squares.sum() - interior.sum()) / (squares.size - interior.size)
        # A noise of 1/12 is what rounding to whole levels alone makes: below it "many times nothing" says nothing.
        border = float((outer + 1 / 12) / (interior.mean() + 1 / 12))
    return StripedRegion(
        a=max(rows, columns) ** 0.5,
        f=max(width * rows, height * columns) / variance,
        g=_share_of_lattice(e),
        border=border,
        error=float(squares.mean()) ** 0.5,
    )


def flat_windows(pixels: np.ndarray, side_px: int = 128, variance: float = 25.0) -> Iterator[tuple[slice, slice]]:
    """The windows of a photograph without detail: those of a grid of `side_px` whose luma varies less than `variance`.

    Yields rows and columns as slices, for `striped_region(original[window], decoded[window])`.
    """
    plane = luma(pixels)
    for top in range(0, plane.shape[0] - side_px + 1, side_px):
        for left in range(0, plane.shape[1] - side_px + 1, side_px):
            window = slice(top, top + side_px), slice(left, left + side_px)
            if plane[window].var() < variance:
                yield window


def luma(pixels: np.ndarray) -> np.ndarray:
    """float64 [h, w] of uint8 [h, w, 3]: BT.601, full range, not rounded."""
    return pixels @ (np.array(LUMA_THOUSANDTHS) / 1000)


def _gaussian_mean(plane: np.ndarray) -> np.ndarray:
    """The plane under the Gaussian, as a mean of what lies inside: weights outside the picture don't count."""
    spectrum = np.fft.rfft2(plane, shape := tuple(side + 6 * _SIGMA_PX for side in plane.shape))
    # The Gaussian as its periodic samples, so that the padding of six sigma keeps the edges apart.
    windows = [np.exp(-(np.minimum(k := np.arange(n), n - k) ** 2) / (2 * _SIGMA_PX**2)) for n in shape]
    response = np.fft.fft(windows[0]).real[:, None] * np.fft.rfft(windows[1]).real
    summed = np.fft.irfft2(spectrum * response, shape)[: plane.shape[0], : plane.shape[1]]
    weights = [
        np.fft.irfft(np.fft.rfft(np.ones(side), n) * np.fft.rfft(window).real, n)[:side]
        for side, n, window in zip(plane.shape, shape, windows, strict=True)
    ]
    return summed / np.outer(*weights)


def _share_of_lattice(e: np.ndarray) -> float:
    """Energy on the lines u = 0 and v = 0 and at common multiples of 1/16 cycles/px, without the mean itself."""
    energy = np.abs(np.fft.fft2(e - e.mean())) ** 2
    chosen = np.zeros(e.shape, bool)
    chosen[0], chosen[:, 0] = True, True
    rows, columns = (np.rint(np.arange(_PERIOD_PX) * side / _PERIOD_PX).astype(int) % side for side in e.shape)
    chosen[np.ix_(rows, columns)] = True
    return min(float(energy[chosen].sum() / energy.sum()), 1.0)

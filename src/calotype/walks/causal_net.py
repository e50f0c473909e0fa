"""A network of integers that predicts samples from a causal window, for whole planes and along wavefronts.

Small predictors of six neighbours are predictors.py; how the errors are coded lives in predictive.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from calotype.walks.predictors import median

__all__ = ["LAYERS", "WINDOW", "CausalNet", "middle_of", "reconstructed", "windows"]

# (up, left) of every sample that is seen: all lie on lines x + 2 y before that of the sample itself.
WINDOW = (*((0, x) for x in (1, 2, 3)), *((1, x) for x in range(-1, 4)), *((2, x) for x in range(-3, 4)))
LAYERS = ("enter", "middle", "leave")
_W, _N, _NW = WINDOW.index((0, 1)), WINDOW.index((1, 0)), WINDOW.index((1, 1))
_UP = max(up for up, _ in WINDOW)
_BACK = max(left + 2 * up for up, left in WINDOW)

Predict = Callable[[np.ndarray], np.ndarray]


class CausalNet:
    """A masked convolution and two layers of 1x1, with a residual around the middle; the median is corrected by it.

    layers   "enter" [inputs + 1, hidden], "middle" [hidden + 1, hidden], "leave" [hidden + 1, 1]: integer weights, the last
             row biases; first and middle in 64ths, the last in 1024ths. Rectified, rounded down and at most 4095 after each
    """

    def __init__(self, layers: Mapping[str, np.ndarray]) -> None:
        # Integers in float64: sums stay far below 2**53, so they are exact in any order.
        self._layers = [layers[name].astype(np.float64) for name in LAYERS]

    def __call__(self, seen: np.ndarray) -> np.ndarray:
        """Predictions, int32 [...], from windows int32 [..., len(WINDOW)]; what lies outside the picture is zero."""
        middle = middle_of(seen)
        x = np.clip(seen - middle[..., None], -127, 127).astype(np.float64)
        enter, between, leave = self._layers
        h = np.clip(np.floor((x @ enter[:-1] + enter[-1]) * 2.0**-6), 0, 4095)
        h = h + np.clip(np.floor((h @ between[:-1] + between[-1]) * 2.0**-6), 0, 4095)
        total = (h @ leave[:-1])[..., 0] + leave[-1]
        return middle + np.floor((total + 512) * 2.0**-10).astype(np.int32)


def middle_of(seen: np.ndarray) -> np.ndarray:
    """What the network corrects, from windows: the median of left, above and their plane."""
    return median(*(seen[..., place] for place in (_W, _N, _NW)))


def windows(planes: np.ndarray) -> np.ndarray:
    """The window of every sample of int32 [..., h, w]: [..., h, w, len(WINDOW)]."""
    height, width = planes.shape[-2:]
    side = max(abs(left) for _, left in WINDOW)
    wide = np.zeros((*planes.shape[:-2], height + _UP, width + 2 * side), np.int32)
    wide[..., _UP:, side : side + width] = planes
    parts = [wide[..., _UP - up : _UP - up + height, side - left : side - left + width] for up, left in WINDOW]
    return np.stack(parts, -1)


def reconstructed(errors: np.ndarray, nets: tuple[Predict, ...]) -> np.ndarray:
    """Samples of prediction errors int32 [b, p, h, w], one line x + 2 y = t after another; nets: one for each plane."""
    b, p, height, width = errors.shape
    # Line t has its sample of row y at y + _UP, so that rows above the first are there, and are zero.
    lines = np.zeros((width + 2 * height + _BACK, p, b, height + _UP), np.int32)
    flat = errors.transpose(1, 0, 2, 3).reshape(p, b, -1)
    for t in range(width + 2 * height - 2):
        first, last = max(0, (t - width + 2) // 2), min(height - 1, t // 2)
        if first > last:
            continue
        at, rows = t + _BACK, np.arange(first, last + 1)
        seen = np.stack(
            [lines[at - left - 2 * up][..., first + _UP - up : last + 1 + _UP - up] for up, left in WINDOW], -1
        )
        here, found = rows * width + t - 2 * rows, lines[at]
        for plane, net in enumerate(nets):
            found[plane, :, first + _UP : last + 1 + _UP] = net(seen[plane]) + flat[plane][:, here]
    row, column = np.mgrid[0:height, 0:width]
    return lines[column + 2 * row + _BACK, :, :, row + _UP].transpose(3, 2, 0, 1)

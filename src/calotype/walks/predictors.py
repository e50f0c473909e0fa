"""Predictors of a sample from six that stand before it, for whole planes and along wavefronts. Integers only.

How the errors are coded lives in walks/predictive.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["NAMES", "Around", "Mlp", "around", "predictor", "reconstructed"]


class Around(NamedTuple):
    """What a sample is predicted from: to the left, above, between them, above to the right, and two away.

    Where the picture ends: on the first row all are the left sample, on the first column all are the one above, beyond
    the last column the one above; the very first sample sees zeros.
    """

    w: Any
    n: Any
    nw: Any
    ne: Any
    ww: Any
    nn: Any


Predictor = Callable[[Around], np.ndarray]


def _med(a: Around) -> np.ndarray:
    """The median of left, above and their plane (Weinberger, Seroussi, Sapiro 2000: LOCO-I)."""
    return median(a.w, a.n, a.nw)


def median(w: np.ndarray, n: np.ndarray, nw: np.ndarray) -> np.ndarray:
    """The median of left, above and their plane."""
    return np.clip(w + n - nw, np.minimum(w, n), np.maximum(w, n))


def _paeth(a: Around) -> np.ndarray:
    """Of left, above and between the one nearest to their plane (Paeth 1991; PNG)."""
    plane = a.w + a.n - a.nw
    far_w, far_n, far_nw = np.abs(plane - a.w), np.abs(plane - a.n), np.abs(plane - a.nw)
    return np.where((far_w <= far_n) & (far_w <= far_nw), a.w, np.where(far_n <= far_nw, a.n, a.nw))


def _gradient(a: Around) -> np.ndarray:
    """The gradient-adjusted predictor of CALIC (Wu, Memon 1997), without the sample two above to the right."""
    across = np.abs(a.w - a.ww) + np.abs(a.n - a.nw) + np.abs(a.ne - a.n)
    down = np.abs(a.w - a.nw) + np.abs(a.n - a.nn)
    steep = down - across
    middle = 2 * (a.w + a.n) + a.ne - a.nw  # quarters
    found = np.where(steep > 32, (middle + 4 * a.w) >> 3, np.where(steep < -32, (middle + 4 * a.n) >> 3, middle >> 2))
    found = np.where((steep > 8) & (steep <= 32), (3 * middle + 4 * a.w) >> 4, found)
    found = np.where((steep < -8) & (steep >= -32), (3 * middle + 4 * a.n) >> 4, found)
    return np.where(steep > 80, a.w, np.where(steep < -80, a.n, found))


_PREDICTORS: dict[str, Predictor] = {
    "left": lambda a: a.w + 0,
    "above": lambda a: a.n + 0,
    "med": _med,
    "paeth": _paeth,
    "gradient": _gradient,
}
NAMES = (*_PREDICTORS, "mlp")


class Mlp:
    """The median predictor, corrected by a small network of integers for each plane kind.

    weights   [planes, inputs + 1, hidden] of the first layer with its biases, 64ths; inputs are the six samples minus
              the median's prediction, at most 127 in magnitude
    output    [planes, hidden + 1]: of the second, 1024ths of hidden sums, which are rectified and rounded down
    """

    def __init__(self, weights: np.ndarray, output: np.ndarray) -> None:
        # Integers in float64: sums stay far below 2**53, so they are exact in any order.
        self.weights, self.output = weights.astype(np.float64), output.astype(np.float64)

    def __call__(self, a: Around) -> np.ndarray:
        """a: int32 [b, planes, m] each."""
        middle = _med(a)
        inputs = np.stack([np.clip(part - middle, -127, 127) for part in a], -1).astype(np.float64)  # b p m 6
        hidden = np.floor(np.maximum(inputs @ self.weights[:, :-1] + self.weights[:, -1:], 0) * 2.0**-6)
        total = (hidden @ self.output[:, :-1, None])[..., 0] + self.output[:, -1:]
        return middle + np.floor((total + 512) * 2.0**-10).astype(np.int32)


def predictor(name: str) -> Predictor:
    """The predictor of a name; KeyError for another one."""
    return _PREDICTORS[name]


def around(planes: np.ndarray) -> Around:
    """The neighbours of every sample of int32 [b, p, h, w], h and w at least 2."""

    def moved(down: int, right: int) -> np.ndarray:
        found = np.zeros_like(planes)
        height, width = planes.shape[2:]
        found[:, :, down:, max(0, right) : width + min(0, right)] = planes[
            :, :, : height - down, max(0, -right) : width - max(0, right)
        ]
        return found

    w, n, nw, ne, ww = moved(0, 1), moved(1, 0), moved(1, 1), moved(1, -1), moved(0, 2)
    nn = moved(2, 0)
    ne[..., -1] = n[..., -1]
    ww[..., 1] = w[..., 1]
    nn[:, :, 1] = n[:, :, 1]
    for part in (n, nw, ne, nn):
        part[:, :, 0] = w[:, :, 0]
    for part in (w, nw, ww):
        part[..., 0] = n[..., 0]
    return Around(w, n, nw, ne, ww, nn)


def reconstructed(errors: np.ndarray, predict: Callable[[Around, np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Samples of prediction errors int32 [b, p, h, w]: all that lie on a line x + 2 y = t at once, one line after another.

    predict   (neighbours [b, p, m], rows [m], columns [m]) -> int32 [b, p, m]
    """
    b, planes, height, width = errors.shape
    # Line t of `lines` has its sample of row y at y + 2; so rows y - 1 and y - 2 are there for every y.
    lines = np.zeros((width + 2 * height + 4, b, planes, height + 2), np.int32)
    flat = errors.reshape(b, planes, -1)
    for t in range(width + 2 * height - 2):
        first, last = max(0, (t - width + 2) // 2), min(height - 1, t // 2)
        if first > last:
            continue
        here, above, far = slice(first + 2, last + 3), slice(first + 1, last + 2), slice(first, last + 1)
        at = t + 4
        w, ww = lines[at - 1][..., here].copy(), lines[at - 2][..., here].copy()
        n, nw = lines[at - 2][..., above].copy(), lines[at - 3][..., above].copy()
        ne, nn = lines[at - 1][..., above].copy(), lines[at - 4][..., far].copy()
        if t - 2 * first == width - 1:
            ne[..., 0] = n[..., 0]
        if first == 0:
            if t == 1:
                ww[..., 0] = w[..., 0]
            n[..., 0] = nw[..., 0] = ne[..., 0] = nn[..., 0] = w[..., 0]
        if first <= 1 <= last:
            nn[..., 1 - first] = n[..., 1 - first]
        if t - 2 * last == 1 and last > 0:
            ww[..., -1] = w[..., -1]
        if t == 2 * last:
            edge = n[..., -1] if last else np.zeros_like(n[..., -1])
            w[..., -1] = nw[..., -1] = ww[..., -1] = edge
            if last == 0:
                n[..., -1] = ne[..., -1] = nn[..., -1] = 0
        rows = np.arange(first, last + 1)
        columns = t - 2 * rows
        lines[at][..., here] = predict(Around(w, n, nw, ne, ww, nn), rows, columns) + flat[..., rows * width + columns]
    row, column = np.mgrid[0:height, 0:width]
    return lines[column + 2 * row + 4, :, :, row + 2].transpose(2, 3, 0, 1)


def modes(errors: Sequence[np.ndarray], side: int) -> np.ndarray:
    """Which of several error planes [b, p, h, w] is smallest in each block of side x side: int [b, p, h / side, w / side]."""
    b, planes, height, width = errors[0].shape
    sums = [np.abs(part).reshape(b, planes, height // side, side, width // side, side).sum((3, 5)) for part in errors]
    return np.argmin(sums, 0)

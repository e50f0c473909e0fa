"""The transposed synthesis of the 9/7 pyramid: how much of a picture lies along each synthesis vector. NumPy only.

The wavelet itself, its order of bands and its edges are pyramid.py's. A biorthogonal basis is not its own dual: analysis
of an error says which coefficients would make it, this one says how the squared error falls as each of them changes.
"""

from __future__ import annotations

import numpy as np

from calotype.lifting import A, B, C, D, K

__all__ = ["squared_norms", "transposed"]

_A, _B, _C, _D, _K = (np.float32(value) for value in (A, B, C, D, K))

# Squared norms of synthesis vectors in one direction, by level: low-pass, high-pass. A test computes them again.
_LOW = (1.0, 0.982954, 1.030602, 1.052093, 1.058473, 1.060154, 1.060581)
_HIGH = (1.0, 1.040436, 0.967216, 1.039628, 1.075121, 1.085840, 1.088678)


def squared_norms(levels: int) -> dict[str, np.ndarray]:
    """Squared norms of the synthesis vectors, float32 [9, 1, 1] for "l1" ... and [3, 1, 1] for "ll", three planes.

    What a unit of squared error in a band is worth in squared error of the planes, away from edges; levels up to 6.
    """
    found = {"ll": np.full((3, 1, 1), _LOW[levels] ** 2, np.float32)}
    for level in range(1, levels + 1):
        mixed, both = _LOW[level] * _HIGH[level], _HIGH[level] ** 2
        found[f"l{level}"] = np.repeat(np.array([mixed, mixed, both], np.float32), 3)[:, None, None]
    return found


def transposed(planes: np.ndarray, levels: int) -> dict[str, np.ndarray]:
    """{name: <planes, synthesis vector>} for every position of every band: pyramid.synthesise, transposed.

    planes   float32 [planes, H, W], sides multiples of 2**levels
    returns  float32 bands named and shaped as those of `pyramid.analyse`
    """
    found: dict[str, np.ndarray] = {}
    for level in range(1, levels + 1):
        low, high = _split(planes)
        parts = [_split(np.ascontiguousarray(part.swapaxes(1, 2))) for part in (low, high)]
        (planes, along), (across, both) = [[half.swapaxes(1, 2) for half in pair] for pair in parts]
        found[f"l{level}"] = np.concatenate([along, across, both])
        planes = np.ascontiguousarray(planes)
    found["ll"] = planes
    return found


def _split(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One direction (rows) of one level: the lifting steps of synthesis, last first, each the other way round."""
    even, odd = samples[:, 0::2].copy(), samples[:, 1::2].copy()
    even -= _A * _after_transposed(odd)
    odd -= _B * _before_transposed(even)
    even -= _C * _after_transposed(odd)
    odd -= _D * _before_transposed(even)
    return even / _K, odd * _K


def _after_transposed(rows: np.ndarray) -> np.ndarray:
    """The transposed sum of each row and the next one, the last replicated."""
    sums = rows.copy()
    sums[:, 1:] += rows[:, :-1]
    sums[:, -1] += rows[:, -1]
    return sums


def _before_transposed(rows: np.ndarray) -> np.ndarray:
    """The transposed sum of each row and the one before, the first replicated."""
    sums = rows.copy()
    sums[:, :-1] += rows[:, 1:]
    sums[:, 0] += rows[:, 0]
    return sums

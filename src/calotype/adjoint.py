"""The transposed synthesis of the 9/7 pyramid: how much of a picture lies along each synthesis vector. NumPy only.

The wavelet itself, its order of bands and its edges are pyramid.py's. A biorthogonal basis is not its own dual: analysis
of an error says which coefficients would make it, this one says how the squared error falls as each of them changes.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from calotype.lifting import A, B, C, D, K

__all__ = ["squared_norms", "transposed"]

_A, _B, _C, _D, _K = (np.float32(value) for value in (A, B, C, D, K))

_MANY = 16  # coefficients of a line whose ends don't feel each other


def squared_norms(levels: int, height: int, width: int) -> dict[str, np.ndarray]:
    """Squared norm of every synthesis vector, three planes: float32 [9, h, w] for "l1" ..., [3, h, w] for "ll".

    What a unit of squared error at a place of a band is worth in squared error of the planes. About one everywhere, but at
    the right and lower edges, which synthesis replicates, up to three.

    height, width   of the padded picture, multiples of 2**levels
    """
    found: dict[str, np.ndarray] = {}
    for level in range(1, levels + 1):
        (low_rows, high_rows), (low_columns, high_columns) = (_along(level, side >> level) for side in (height, width))
        across = [np.outer(low_rows, high_columns), np.outer(high_rows, low_columns), np.outer(high_rows, high_columns)]
        found[f"l{level}"] = np.repeat(np.array(across, np.float32), 3, 0)
        found["ll"] = np.repeat(np.outer(low_rows, low_columns)[None].astype(np.float32), 3, 0)
    return found


def _along(level: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared norms of the low-pass and the high-pass vectors of a level along a line of `count` coefficients."""
    if count <= _MANY:
        return _line(level, count)
    ends, half = _line(level, _MANY), _MANY // 2
    low, high = (np.concatenate([end[:half], np.full(count - _MANY, end[half]), end[half:]]) for end in ends)
    return low, high


@cache
def _line(level: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The same, computed: each coefficient alone is synthesised."""
    one, none = np.eye(count), np.zeros((count, count))
    low, high = _joined(one, none), _joined(none, one)
    for _ in range(level - 1):
        low, high = _joined(low, np.zeros_like(low)), _joined(high, np.zeros_like(high))
    return np.square(low).sum(1), np.square(high).sum(1)


def _joined(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """One level of synthesis along lines, [n, c] and [n, c] -> [n, 2 c], as lifting.py has it."""
    even, odd = low / K, high * K
    even -= D * (odd + np.concatenate([odd[:, :1], odd[:, :-1]], 1))
    odd -= C * (even + np.concatenate([even[:, 1:], even[:, -1:]], 1))
    even -= B * (odd + np.concatenate([odd[:, :1], odd[:, :-1]], 1))
    odd -= A * (even + np.concatenate([even[:, 1:], even[:, -1:]], 1))
    return np.stack([even, odd], 2).reshape(len(low), -1)


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

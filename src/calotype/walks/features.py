"""What context networks see of coded values: integer features by table look-up; not the networks, not the order.

A value v, a multiple of 1/16, becomes ln(1 + |v|) and v / (1 + |v| / 4), both times FEATURE and rounded: 8 bits each.
Looked up, not computed, so that every machine has the same integers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from calotype.walks.orders import FULL, Lattice

__all__ = ["FEATURE", "PARITY", "features_of", "parity_planes", "with_symbols"]

FEATURE = 24.0  # integers per natural unit: ln(1 + 198) reaches 127
PARITY = 3  # planes that say where in its 2x2 cell a position lies; the fourth place is what a bias stands for
_HALF = 2**15  # the tables hold values of -2048 up to 2048 in sixteenths; what lies beyond is clipped to them


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray]:
    value = np.arange(-_HALF, _HALF) / 16
    size = np.floor(np.minimum(FEATURE * np.log1p(np.abs(value)), 127) + 0.5)
    sign = np.floor(FEATURE * value / (1 + np.abs(value) / 4) + 0.5)
    return size.astype(np.float32), sign.astype(np.float32)


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """Both features of a value side by side, so that one look-up finds them."""
    table = np.empty(2 * _HALF, [("size", np.int8), ("sign", np.int8)])
    table["size"], table["sign"] = _tables()
    return table


@lru_cache(maxsize=4)
def _torch_tables(device: Any) -> tuple[Any, Any]:
    import torch

    size, sign = _tables()
    return torch.from_numpy(size).to(device), torch.from_numpy(sign).to(device)


@lru_cache(maxsize=32)
def _parity(height: int, width: int) -> np.ndarray:
    planes = np.zeros((1, PARITY, height, width), np.float32)
    for phase in range(1, PARITY + 1):
        planes[:, phase - 1, phase >> 1 :: 2, phase & 1 :: 2] = FEATURE
    return planes


def parity_planes(like: Any, height: int, width: int) -> Any:
    """Three planes [1, 3, h, w], FEATURE where (y mod 2, x mod 2) is (0,1), (1,0), (1,1), in the world of `like`."""
    planes = _parity(height, width)
    if isinstance(like, np.ndarray):
        return planes
    return _torch_parity(height, width, like.device)


@lru_cache(maxsize=32)
def _torch_parity(height: int, width: int, device: Any) -> Any:
    import torch

    return torch.from_numpy(_parity(height, width)).to(device)


def with_symbols(known: Any, parity: Any, seen: Any = None, lattice: Lattice = FULL) -> Any:
    """Features of coded values and the parity planes: [b, c, h, w] -> [b, 2c + 3, h, w], integers of at most 8 bits.

    known     values, multiples of 1/16; positions that are not coded yet hold zero, whose features are zero
    seen      what an earlier call returned, and
    lattice   the positions coded since: NumPy arrays are then brought up to date in place. Torch computes all again
    """
    if not isinstance(known, np.ndarray):
        return _torch_with_symbols(known, parity)
    b, c, h, w = known.shape
    if seen is None:
        seen = np.zeros((b, 2 * c + PARITY, h, w), np.int8)
        seen[:, 2 * c :] = parity
    for row in range(b):
        size, sign = features_of(lattice.take(known[row : row + 1]))
        lattice.put(size, seen[row : row + 1, :c])
        lattice.put(sign, seen[row : row + 1, c : 2 * c])
    return seen


def features_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both features of values of any shape, int8 of that shape."""
    index = values * np.float32(16)
    index += np.float32(_HALF)
    features = _table().take(index.astype(np.intp), mode="clip")
    return features["size"], features["sign"]


def _torch_with_symbols(known: Any, parity: Any) -> Any:
    import torch

    at = torch.floor(known.detach() * 16 + (_HALF + 0.5)).clamp(0, 2 * _HALF - 1).long()
    size, sign = _torch_tables(known.device)
    return torch.cat([size[at], sign[at], parity.expand(known.shape[0], -1, -1, -1)], 1)

"""The CDF 9/7 pyramid as differentiable torch code for training; its twin for pictures is calotype/pyramid.py.

A test ties the two together. Bands as there: channel = 3 * orientation (HL, LH, HH) + colour.
"""

from __future__ import annotations

import torch
from torch import Tensor

from calotype.lifting import A, B, C, D, K

__all__ = ["analyse", "squared_norms", "synthesise"]


def _next(even: Tensor, axis: int) -> Tensor:
    last = even.shape[axis] - 1
    return torch.cat([even.narrow(axis, 1, last), even.narrow(axis, last, 1)], axis)


def _previous(odd: Tensor, axis: int) -> Tensor:
    return torch.cat([odd.narrow(axis, 0, 1), odd.narrow(axis, 0, odd.shape[axis] - 1)], axis)


def _split(x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    even, odd = (x[..., ::2], x[..., 1::2]) if axis == 3 else (x[:, :, ::2], x[:, :, 1::2])
    odd = odd + A * (even + _next(even, axis))
    even = even + B * (odd + _previous(odd, axis))
    odd = odd + C * (even + _next(even, axis))
    even = even + D * (odd + _previous(odd, axis))
    return even * K, odd * (1 / K)


def _join(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    even, odd = even * (1 / K), odd * K
    even = even - D * (odd + _previous(odd, axis))
    odd = odd - C * (even + _next(even, axis))
    even = even - B * (odd + _previous(odd, axis))
    odd = odd - A * (even + _next(even, axis))
    shape = list(even.shape)
    shape[axis] *= 2
    return torch.stack([even, odd], axis + 1).reshape(shape)


def analyse(planes: Tensor, levels: int) -> dict[str, Tensor]:
    """[b, 3, h, w], sides multiples of 2^levels -> {"l1": [b, 9, h/2, w/2], ..., "ll": [b, 3, h/2^levels, ...]}."""
    bands: dict[str, Tensor] = {}
    for level in range(1, levels + 1):
        low, high = _split(planes, 3)
        planes, vertical = _split(low, 2)
        horizontal, diagonal = _split(high, 2)
        bands[f"l{level}"] = torch.cat([horizontal, vertical, diagonal], 1)
    bands["ll"] = planes
    return bands


def synthesise(bands: dict[str, Tensor], levels: int) -> Tensor:
    """The inverse of `analyse`."""
    planes = bands["ll"]
    for level in range(levels, 0, -1):
        horizontal, vertical, diagonal = bands[f"l{level}"].chunk(3, 1)
        planes = _join(_join(planes, vertical, 2), _join(horizontal, diagonal, 2), 3)
    return planes


def squared_norms(levels: int) -> dict[str, Tensor]:
    """Squared norms of the synthesis vectors, per channel: what a unit of squared error in a band is worth in pixels."""
    norms = {}
    for name in [f"l{level}" for level in range(1, levels + 1)] + ["ll"]:
        level = levels if name == "ll" else int(name[1:])
        found = []
        for orientation in range(1 if name == "ll" else 3):
            side = 1 << (level + 3)
            bands = {f"l{k}": torch.zeros(1, 9, side >> k, side >> k) for k in range(1, level + 1)}
            bands["ll"] = torch.zeros(1, 3, side >> level, side >> level)
            place = bands[name].shape[-1] // 2
            bands[name][0, 3 * orientation, place, place] = 1
            found += [float((synthesise(bands, level) ** 2).sum())] * 3
        norms[name] = torch.tensor(found)
    return norms

"""Bringing layers up by two while fitting: the filter of layers.py, a plane at a time, with its gradients by hand.

A plane and what it becomes stay in the cache; autograd's own way makes an array for each product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["up"]

_MARGIN = 2
# (place beside, tap) of what even and odd places see.
_TERMS = (((1, 1), (0, 3), (-1, 2), (-2, 0)), ((2, 0), (1, 2), (0, 3), (-1, 1)))


class _Up(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Tensor) -> Tensor:
        ctx.save_for_backward(x, taps)
        known = taps.tolist()
        height, width = (2 * (side - 2 * _MARGIN) for side in x.shape[1:])
        out = x.new_empty(len(x), height, width)
        for plane, found in zip(x, out, strict=True):
            found.copy_(_twice(_twice(plane, known, 0), known, 1))
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, taps = ctx.saved_tensors
        known = taps.tolist()
        back, by_taps = torch.empty_like(x), torch.zeros_like(taps)
        for plane, own, found in zip(x, grad, back, strict=True):
            middle = _twice(plane, known, 0)
            found.copy_(_back(_back(own, middle, known, 1, by_taps), plane, known, 0, by_taps))
        return back, by_taps


def up(x: Tensor, taps: Tensor) -> Tensor:
    """Twin of layers.up, with the edges repeated: [c, h, w] -> [c, 2h, 2w], differentiable towards both.

    taps   the first half of the symmetric filter of eight
    """
    padded = functional.pad(x[None], (_MARGIN,) * 4, mode="replicate")[0]
    return _Up.apply(padded, taps)  # type: ignore[no-any-return]


def _twice(x: Tensor, taps: list[float], axis: int) -> Tensor:
    """[h, w] with a margin along the axis -> twice its places along it."""
    size, parts = x.shape[axis] - 2 * _MARGIN, []
    for (shift, tap), *others in _TERMS:
        found = x.narrow(axis, _MARGIN + shift, size) * taps[tap]
        for other, weight in others:
            found.add_(x.narrow(axis, _MARGIN + other, size), alpha=taps[weight])
        parts.append(found)
    return torch.stack(parts, axis + 1).flatten(axis, axis + 1)


def _back(grad: Tensor, x: Tensor, taps: list[float], axis: int, by_taps: Tensor) -> Tensor:
    """The gradient towards x of `_twice`; adds the one towards the taps."""
    size, back = x.shape[axis] - 2 * _MARGIN, torch.zeros_like(x)
    for parity, terms in enumerate(_TERMS):
        own = (grad[parity::2] if axis == 0 else grad[:, parity::2]).contiguous()
        for shift, tap in terms:
            back.narrow(axis, _MARGIN + shift, size).add_(own, alpha=taps[tap])
            by_taps[tap] += (own * x.narrow(axis, _MARGIN + shift, size)).sum()
    return back

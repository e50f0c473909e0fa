"""Small networks of 1x1 layers, a strip of places at a time: what is in between never leaves the cache, nor is it kept.

Their gradients by hand, from activations that are computed again: autograd's own way takes twice the
memory (docs/systems/bespoke.md). Real numbers only: rounded activations are layers_network.py's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

__all__ = ["mixed", "two_layers"]

_PLACES = 8192  # at once


class _TwoLayers(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, first: Tensor, bias: Tensor, last: Tensor, last_bias: Tensor) -> Tensor:
        out = x.new_empty(len(last), x.shape[1])
        for part in _strips(x):
            hidden = torch.addmm(bias[:, None], first, x[:, part]).relu_()
            out[:, part] = torch.addmm(last_bias[:, None], last, hidden)
        ctx.save_for_backward(x, first, bias, last)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, first, bias, last = ctx.saved_tensors
        back = torch.empty_like(x)
        by_first, by_bias, by_last = (torch.zeros_like(array) for array in (first, bias, last))
        for part in _strips(x):
            inner = torch.addmm(bias[:, None], first, x[:, part]).relu_()
            by_last.addmm_(grad[:, part], inner.T)
            behind = _where_positive(last.T @ grad[:, part], inner)
            by_first.addmm_(behind, x[:, part].T)
            by_bias += behind.sum(1)
            back[:, part] = first.T @ behind
        return back, by_first, by_bias, by_last, grad.sum(1)


class _Mixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sums: Tensor, mix: Tensor, mix_bias: Tensor, told: Tensor, biases: Tensor) -> Tensor:
        out = sums.new_empty(len(sums), told.shape[1], sums.shape[2])
        for part in _strips(sums):
            hidden, inner = _mixing(sums[..., part], mix, mix_bias)
            out[..., part] = torch.baddbmm(biases[:, :, None], told, hidden.add_(inner))
        ctx.save_for_backward(sums, mix, mix_bias, told)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        sums, mix, mix_bias, told = ctx.saved_tensors
        back = torch.empty_like(sums)
        by_mix, by_bias, by_told = (torch.zeros_like(array) for array in (mix, mix_bias, told))
        for part in _strips(sums):
            hidden, inner = _mixing(sums[..., part], mix, mix_bias)
            by_told.baddbmm_(grad[..., part], (hidden + inner).transpose(1, 2))
            behind = torch.bmm(told.transpose(1, 2), grad[..., part])
            inside = _where_positive(behind, inner)
            by_mix += torch.bmm(inside, hidden.transpose(1, 2)).sum(0)
            by_bias += inside.sum((0, 2))
            behind = torch.baddbmm(behind, mix.T.expand(len(sums), *mix.shape), inside)
            back[..., part] = _where_positive(behind, hidden)
        return back, by_mix, by_bias, by_told, grad.sum(2)


def two_layers(x: Tensor, first: Tensor, bias: Tensor, last: Tensor, last_bias: Tensor) -> Tensor:
    """last @ max(first @ x + bias, 0) + last_bias of places [channels, n], differentiable towards all: [outputs, n]."""
    return _TwoLayers.apply(x, first, bias, last, last_bias)  # type: ignore[no-any-return]


def mixed(sums: Tensor, mix: Tensor, mix_bias: Tensor, told: Tensor, biases: Tensor) -> Tensor:
    """told @ (h + max(mix @ h + mix_bias, 0)) + biases with h = max(sums, 0), for several sets of places side by side.

    sums [sets, width, n], mix [width, width], told [sets, outputs, width], biases [sets, outputs] -> [sets, outputs, n]
    """
    return _Mixed.apply(sums, mix, mix_bias, told, biases)  # type: ignore[no-any-return]


def _mixing(sums: Tensor, mix: Tensor, mix_bias: Tensor) -> tuple[Tensor, Tensor]:
    """Both terms of what `told` sees."""
    hidden = sums.relu()
    return hidden, torch.baddbmm(mix_bias[:, None], mix.expand(len(sums), *mix.shape), hidden).relu_()


def _where_positive(grad: Tensor, found: Tensor) -> Tensor:
    return torch.ops.aten.threshold_backward(grad, found, 0)


def _strips(x: Tensor) -> Iterator[slice]:
    for start in range(0, x.shape[-1], _PLACES):
        yield slice(start, min(start + _PLACES, x.shape[-1]))

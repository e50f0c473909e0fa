"""Bits of Laplace symbols for training as one autograd node: the same values and gradients as `coding.densities`, faster.

The definition is `Laplace.bits` (readable, shared with NumPy); this is its closed form by hand, with the gradients
worked out in the forward pass. Measured on `swift`, one core: a forward and backward pass in 0.31 s instead of 0.35 s.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from calotype.coding.densities import FLOOR_BITS, LAPLACE_LOW, LAPLACE_PER_LOG, LN2, Laplace

__all__ = ["bits"]


def bits(distribution: Laplace, symbols: Tensor, values: Tensor) -> Tensor:
    """As `distribution.bits(symbols, values)`.

    symbols   float32 [b, c, h, w], integer-valued, without gradient
    values    float32 of that shape: unrounded latents
    returns   bits of that shape, differentiable towards values, `distribution.mean16` and `distribution.index`
    """
    mean16 = torch.zeros_like(values) if distribution.mean16 is None else distribution.mean16
    return _Bits.apply(symbols, values, *torch.broadcast_tensors(mean16.float(), distribution.index.float()))


class _Bits(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, symbols: Tensor, values: Tensor, mean16: Tensor, index: Tensor) -> Tensor:
        inverse = torch.exp(index * (-1 / LAPLACE_PER_LOG) - LAPLACE_LOW)  # 1 / b
        magnitude = symbols.abs()
        is_zero = magnitude < 0.5
        half = torch.exp(-0.5 * inverse)
        whole = half * half
        at_zero = 1 - half + 2.0**-FLOOR_BITS
        beyond = 0.5 - 0.5 * whole + 1e-7
        further = 0.5 - magnitude
        found = torch.where(is_zero, at_zero.log(), beyond.log() + further * inverse).mul_(-1 / LN2)
        # Derivative of ln P towards 1 / b, then by the chain rule towards the index.
        slope = torch.where(is_zero, 0.5 * half / at_zero, 0.5 * whole / beyond + further)
        to_index = slope.mul_(inverse).mul_(1 / (LN2 * LAPLACE_PER_LOG))
        escapes = found > FLOOR_BITS
        found = torch.where(escapes, FLOOR_BITS + 0.02 * (found - FLOOR_BITS), found)
        to_index = torch.where(escapes, 0.02 * to_index, to_index)
        # The slope averaged over the rounding phase: |v| rises linearly up to 1, then it is 1.
        to_value = (values - mean16 * (1 / 16)).clamp_(-1, 1).mul_(inverse).mul_(1 / LN2)
        ctx.save_for_backward(to_index, to_value)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor, Tensor]:
        (gradient,) = gradients
        to_index, to_value = ctx.saved_tensors
        to_value = gradient * to_value
        return None, to_value, to_value * (-1 / 16), gradient * to_index

"""What a fitted picture's networks compute, differentiable, in torch: bits of its latents, and pixels.

The arithmetic of the contexts is walks/fitted.py's own; the walk and the transform are the twins of this that write and
read files. Optimisation lives in loop.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from calotype.bespoke import UNIT
from calotype.coding.densities import FLOOR_BITS, LAPLACE_LOW, LAPLACE_PER_LOG, LN2
from calotype.model.bundle import Model
from calotype.nets import wavelet
from calotype.walks import fitted
from calotype.walks.bespoke import luma_known
from calotype.walks.fitted import CODED, GAIN_UNIT, POST_ONE, SIZE, STEPS, TOP, Layout, Tensors

__all__ = ["Closed", "Torch", "contexts", "integers", "laplace_bits", "pixels", "sizes"]


class _Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.floor(x + 0.5)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


class _Squashed(torch.autograd.Function):
    """Sums / one, clipped to 0..top, rounded if `exact`. The gradient stops below zero, where it does not lead back
    inside (`back`: table indices, which must be able to leave the certain zero); above the top, which is rare, it passes.
    """

    @staticmethod
    def forward(ctx: Any, sums: Tensor, one: int, top: int, exact: bool, back: bool) -> Tensor:
        found = sums.mul(1 / one).clamp_(0, top)
        if exact:
            found.add_(0.5).floor_()
        ctx.save_for_backward(found)
        ctx.one, ctx.back = one, back
        return found

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (found,) = ctx.saved_tensors
        if ctx.back:
            inside = grad.masked_fill((found <= 0) & (grad > 0), 0)
        else:
            inside = torch.ops.aten.threshold_backward(grad, found, 0)
        return inside.mul_(1 / ctx.one), None, None, None, None


class _LaplaceBits(torch.autograd.Function):
    """Bits of the unit interval around each value under Laplace tables of real index; both gradients in closed form."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, index: Tensor) -> Tensor:
        s = torch.exp((index * (-1 / LAPLACE_PER_LOG)).sub_(LAPLACE_LOW))  # 1 / b
        v = values.abs()
        near = v - 0.5
        far = torch.exp(-(v + 0.5) * s)
        close = torch.exp(-near.abs() * s)
        outside = near > 0
        p = torch.where(outside, 0.5 * (close - far), 1 - 0.5 * (close + far)) + 2.0**-FLOOR_BITS
        scale = -1 / (LN2 * p)
        # dP/dv = f(v + 1/2) - f(v - 1/2) with f(x) = s/2 exp(-|x| s); dP/ds = ((v + 1/2) f(v + 1/2) - ...) / s
        by_value = (0.5 * s * (far - close) * scale).mul_(values.sign())
        by_index = (0.5 * s * ((v + 0.5) * far - near * close) * scale).mul_(-1 / LAPLACE_PER_LOG)
        ctx.save_for_backward(by_value, by_index)
        return torch.log2(p).neg_()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        by_value, by_index = ctx.saved_tensors
        return grad * by_value, grad * by_index


def laplace_bits(values: Tensor, index: Tensor) -> Tensor:
    """Bits of each value, differentiable towards the value and the index of its table; at most about FLOOR_BITS."""
    return _LaplaceBits.apply(values, index)  # type: ignore[no-any-return]


def integers(vector: Tensor, limits: Tensor) -> Tensor:
    """The vector as files hold it: integers within their limits, with straight-through gradients."""
    return _Rounded.apply(torch.minimum(torch.maximum(vector, -limits), limits))  # type: ignore[no-any-return]


def sizes(values: Tensor, exact: bool) -> Tensor:
    """Twin of `walks.fitted.sizes`; of real values where not exact."""
    found = (values.abs().log1p() * SIZE).clamp(max=TOP)
    return _Rounded.apply(found) if exact else found  # type: ignore[no-any-return]


class Torch:
    """The operations of walks/fitted.py on tensors [b, c, h, w]; without `exact` nothing is rounded between layers."""

    def __init__(self, exact: bool) -> None:
        self.exact = exact

    def conv(self, weight: Tensor, x: Tensor) -> Tensor:
        if weight.shape[2] == 1:  # half the time of a convolution
            return torch.matmul(weight[:, :, 0, 0], x.flatten(2)).unflatten(2, x.shape[2:])
        return functional.conv2d(
            x.contiguous(memory_format=torch.channels_last), weight.contiguous(memory_format=torch.channels_last)
        )

    def bias(self, weight: Tensor) -> Tensor:
        return weight[:, None, None]

    def squashed(self, sums: Tensor, one: int, top: int) -> Tensor:
        return _Squashed.apply(sums, one, top, self.exact, top == 63)  # type: ignore[no-any-return]

    def shuffled(self, sums: Tensor) -> Tensor:
        return functional.pixel_shuffle(sums, 2)


def contexts(
    layout: Layout,
    w: Mapping[str, Tensor],
    base: Mapping[str, Tensor],
    values: Mapping[str, Tensor],
    *,
    exact: bool,
    felt: dict[str, Tensor] | None = None,
    active: dict[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Table indices of all bands but the low-pass, for values as they will be known: {"l6": [b, 9, h, w], ...}.

    All passes at once, since what each of them knows is known here.
    base   {name: [b or 1, 9, 1, 1]} sixteenths
    felt   is filled with what the networks see of each band, as leaves: whose gradients say what values do to others
    active is filled with what the last layer of each pass sees, "l6.0" and so on
    """
    ops, state, found = Torch(exact), None, {}
    for level in range(layout.levels, 0, -1):
        name = f"l{level}"
        seen = sizes(values[name], exact)
        if felt is not None:
            seen = felt[name] = seen.detach().requires_grad_()
        height, width = seen.shape[2:]
        lifted = None if state is None else fitted.lift(ops, w, level, state)
        # By plane: slices, since picking channels one by one would cost more than the networks.
        planes = functional.pad(seen.unflatten(1, (3, 3)).transpose(1, 2), (1, 1, 1, 1))  # b 3 (plane) 3 (orientation)
        luma, both = planes[:, 0], planes[:, :2].flatten(1, 2)
        board = torch.from_numpy(luma_known(height, width)).to(seen.device)
        half = luma * functional.pad(board, (1, 1, 1, 1))
        hidden, parts = None, []
        for k, inputs in zip(range(STEPS), (None, half, luma, both), strict=True):
            above = lifted
            if inputs is None and above is None:
                above = seen.new_zeros(len(seen), layout.width, height, width)
            hidden, index = fitted.step(ops, w, level, k, above, inputs, base[name][:, CODED[k][0] :: 3])
            parts.append(index)
            if active is not None:
                active[f"{name}.{k}"] = hidden
        # By orientation and plane again; luma from the first pass on its half of the board, from the second on the other.
        first = torch.where(board, parts[0], parts[1])
        stacked = torch.stack([first, parts[2], parts[3]], 2)  # b 3 (orientation) 3 (plane) h w
        found[name] = stacked.flatten(1, 2)
        if level > 1:
            state = fitted.carry(ops, w, level, planes.transpose(1, 2).flatten(1, 2), hidden)
    return found


def low_pass_bits(values: Tensor, base: Tensor) -> Tensor:
    """About what the low-pass costs, [b]: its neighbours to the left and above stand for those that are known."""
    index = (base / 16).clamp(1, 63)
    near = 0.5 * (functional.pad(values, (1, 0, 0, 0))[..., :-1] + functional.pad(values, (0, 0, 1, 0))[..., :-1, :])
    return laplace_bits(values - near, index[:, 3:].expand_as(values)).sum((1, 2, 3))


def pixels(
    layout: Layout, w: Mapping[str, Tensor], inverse: Mapping[str, Tensor], step: Tensor, values: Mapping[str, Tensor]
) -> Tensor:
    """Rotated planes of the picture, [b, 3, h, w], twin of bespoke.py.

    inverse   logarithms of the inverse gains, {name: [b or 1, c]}      step   unit of the post-filter, [b or 1]
    """
    at, bands = 0, {}
    for name in [f"l{level}" for level in range(1, layout.levels + 1)] + ["ll"]:
        channels = values[name].shape[1]
        gain = (inverse[name] + w["gains"][at : at + channels] / GAIN_UNIT).exp()
        bands[name] = values[name] * gain[:, :, None, None]
        at += channels
    planes = wavelet.synthesise(bands, layout.levels)
    unit = step[:, None, None, None]
    cells = functional.pixel_unshuffle(planes / unit, 2)
    hidden = functional.conv2d(cells, w["post.first"] / POST_ONE, w["post.bias"] / POST_ONE, padding=1).relu()
    return planes + functional.pixel_shuffle(functional.conv2d(hidden, w["post.last"] / POST_ONE, padding=1), 2) * unit


class Closed:
    """What a model says of a rate, as tensors: bases of the tables, inverse gains, unit of the post-filter."""

    def __init__(self, model: Model, layout: Layout, rates: np.ndarray, device: Any = "cpu") -> None:
        def tensor(array: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(device)

        names = [f"l{level}" for level in range(1, layout.levels + 1)] + ["ll"]
        self.base = {name: tensor(model.rows(f"{name}.base", rates)) for name in names}
        self.inverse = {name: tensor(model.floats(f"inverse.{name}", rates)) for name in names}
        self.gain = {name: tensor(np.exp(model.floats(f"gain.{name}", rates)))[:, :, None, None] for name in names}
        self.worth = {
            name: tensor(np.exp(model.floats(f"log_tradeoff.{name}", rates)))[:, :, None, None] for name in names
        }
        self.step = self.inverse["l1"][:, 0].exp()
        self.lambdas = tensor(np.exp(model.floats("log_lambda", rates)))[:, 0]


def tensors(layout: Tensors, vector: Tensor) -> dict[str, Tensor]:
    """The tensors of a vector of integers, by name."""
    return {tensor.name: vector[tensor.part].view(tensor.shape) for tensor in layout.tensors}


def mean_squared_error(planes: Tensor, found: Tensor, height: int, width: int) -> Tensor:
    """Per sample of the picture, levels squared, [b]; rotations change nothing."""
    return (planes - found)[..., :height, :width].square().mean((1, 2, 3)) * (UNIT * UNIT)


def psnr_db(mse: float) -> float:
    return 10 * math.log10(255**2 / max(mse, 1e-9))

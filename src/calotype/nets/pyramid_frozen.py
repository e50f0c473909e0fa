"""The networks of nets/pyramid_context.py as they are frozen: the same integers, arranged for onnxruntime.

Nothing is trained here. docs/speed.md has what each arrangement brings; model/proof.py proves the resulting graphs.
Coded symbols enter as int8, means leave as int16 and indices as uint8: what lies between network and coder is small.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.coding.densities import LAPLACE_STEPS
from calotype.nets.exact import ExactConv
from calotype.nets.pyramid_context import FINE, INDEX_FINE, V_TOP, Carry, Lift, Step

__all__ = ["FrozenCarry", "FrozenLift", "FrozenStep", "pixel_shuffle_2"]

_TOP = 255.0
_DIRECT = 11  # input channels that onnxruntime convolves without reordering them; it asks for fewer than 16


class FrozenLift(nn.Module):
    """`Lift`, folded; the shuffle as two transpositions, which are copied six times as fast as DepthToSpace."""

    def __init__(self, lift: Lift) -> None:
        super().__init__()
        self.lift = lift

    def forward(self, coarse: Tensor, row: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        u = _bounded(self.lift.up(coarse), 0.0, _TOP)
        if self.lift.shuffle:
            u = pixel_shuffle_2(u)
        v = (_bounded(self.lift.spread(u), -V_TOP, V_TOP) + row) * (1 / FINE)
        return v if self.lift.alone else (v, u)


class FrozenStep(nn.Module):
    """`Step`, folded. In a first step, which sees nothing but parity, two rows of that are enough for all.

    forward(v float32, known int8, row float32) -> mean16 int16, index uint8

    large   the band has many positions and an even number of rows: worth some more nodes in the graph
    """

    def __init__(self, step: Step, *, large: bool) -> None:
        super().__init__()
        self.step, self.see, self.large = step, _Summed(step.see), large

    def forward(self, v: Tensor, known: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        step = self.step
        if step.first and self.large:
            b, c, h, w = v.shape
            seen = self.see(known[:, :, :2].float()).reshape(known.shape[0], c, 1, 2 * w)
            h0 = (v.reshape(b, c, -1, 2 * w) + seen).reshape(b, c, h, w)
        else:
            h0 = self.see(known.float()) + v
        hidden = _bounded(h0, 0.0, _TOP)
        hidden = hidden + _bounded(step.mix(hidden), 0.0, _TOP)
        mean, index = step.out(hidden).split(step.channels, 1)
        mean, index = _bounded(mean, -2048.0, 2047.0), index + row * (1 / INDEX_FINE)
        return mean.to(torch.int16), _bounded(index, 0.0, LAPLACE_STEPS - 1.0).to(torch.uint8)


class FrozenCarry(nn.Module):
    """`Carry`, folded; known is int8."""

    def __init__(self, carry: Carry) -> None:
        super().__init__()
        self.carry, self.own = carry, _Summed(carry.own)

    def forward(self, known: Tensor, u: Tensor | None = None) -> Tensor:
        carry = self.carry
        f = self.own(known.float())
        if carry.lifted is not None:
            f = f + carry.lifted(u)
        f = _bounded(f, 0.0, _TOP)
        if carry.first is not None:
            assert carry.second is not None
            f = _bounded(f + carry.second(_bounded(carry.first(f), 0.0, _TOP)), -_TOP, _TOP)
        return f


def _bounded(x: Tensor, low: float, high: float) -> Tensor:
    return torch.floor(x.clamp(low, high))


class _Summed(nn.Module):
    """A folded convolution, as a sum over groups of input channels where that keeps it in onnxruntime's fast layout.

    21 channels (no multiple of 4) leave that layout. Outputs that fill no block of 16 lose as much as they gain.
    """

    def __init__(self, conv: ExactConv) -> None:
        super().__init__()
        assert conv.folded is not None
        weight, bias = conv.folded
        outputs, inputs = weight.shape[:2]
        parts = 1 if inputs % 4 == 0 or inputs < 16 or outputs % 16 else -(-inputs // _DIRECT)
        self.sizes = [inputs * (k + 1) // parts - inputs * k // parts for k in range(parts)]
        for k, part in enumerate(weight.split(self.sizes, 1)):
            self.register_buffer(f"weight{k}", part.contiguous())
        self.register_buffer("bias", bias)
        self.padding = conv.kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        pieces = x.split(self.sizes, 1) if len(self.sizes) > 1 else (x,)
        total = F.conv2d(pieces[0], self.weight0, self.bias, padding=self.padding)
        for k, piece in enumerate(pieces[1:], 1):
            total = total + F.conv2d(piece, getattr(self, f"weight{k}"), padding=self.padding)
        return total


def pixel_shuffle_2(u: Tensor) -> Tensor:
    """torch's pixel_shuffle by 2 for frozen networks: first the columns are interleaved, then the rows."""
    b, c, h, w = u.shape
    u = u.reshape(b, c // 2, 2, h * w).transpose(2, 3).reshape(b, c // 4, 2, h, 2 * w)
    return u.transpose(2, 3).reshape(b, c // 4, 2 * h, 2 * w)

"""Layers whose outputs are integers that every runtime computes alike (DESIGN 5); not the float layers, not the proof.

A layer's trained weights are ordinary real numbers in natural units. Each layer states what one natural unit is worth
in the integers that enter (`gain_in`) and leave (`gain_out`); in exact mode the product is rounded to int8 times a
power of two per output channel, with straight-through gradients, so that training sees the integers that are frozen.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ExactConv", "ExactNet", "requantize", "round_ste", "set_mode"]


def _floor_ste(x: Tensor) -> Tensor:
    return x + (torch.floor(x) - x).detach()


def round_ste(x: Tensor) -> Tensor:
    """Round half up, with the gradient of the identity."""
    return _floor_ste(x + 0.5)


class ExactConv(nn.Module):
    """Convolution with int8 weights, a power of two per output channel and a bias on the same grid.

    Input and output are integer-valued float32 `[b, cin, h, w]` -> `[b, cout, h, w]`, the output not yet rounded: a
    multiple of 2^-k, ready to be summed with others before `requantize`.

    gain_in    integers per natural unit at the input
    gain_out   integers per natural unit at the output, one number or one per output channel
    rounding   0.5 where the output goes through `requantize` alone (round half up sits in the bias), else 0
    finest     largest k: outputs that are summed with others stay on a grid coarse enough for the sum to be exact
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int,
        *,
        gain_in: float,
        gain_out: float | Tensor,
        rounding: float = 0.5,
        finest: int = 20,
    ) -> None:
        super().__init__()
        self.kernel, self.rounding, self.finest = kernel, rounding, finest
        self.weight = nn.Parameter(torch.empty(cout, cin, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(cout))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self.register_buffer("gain_in", torch.tensor(float(gain_in)))
        self.register_buffer("gain_out", torch.as_tensor(gain_out, dtype=torch.float32).expand(cout).clone())
        self.mode = "float"
        self.folded: tuple[Tensor, Tensor] | None = None

    def set_gains(self, gain_in: float | None, gain_out: float | None) -> None:
        """Change what a natural unit is worth in integers; None leaves a side as it is."""
        if gain_in is not None:
            self.gain_in.fill_(gain_in)
        if gain_out is not None:
            self.gain_out.fill_(gain_out)

    def natural(self) -> tuple[Tensor, Tensor]:
        """Weights and biases in integers out per integer in, before any rounding."""
        return self.weight * (self.gain_out / self.gain_in)[:, None, None, None], self.bias * self.gain_out

    def integers(self) -> tuple[Tensor, Tensor, Tensor]:
        """int8 weights, biases and the exponents k: the layer computes (W x) 2^-k + bias, bias a multiple of 2^-k."""
        weight, bias = self.natural()
        top = weight.detach().abs().amax((1, 2, 3)).clamp_min(2.0**-20)
        k = torch.floor(torch.log2(127.49 / top)).clamp(0, self.finest)
        step = 2.0**k
        whole = round_ste(weight * step[:, None, None, None]).clamp(-127, 127)
        return whole, round_ste((bias + self.rounding) * step) / step, k

    def fold(self) -> None:
        """Fix the weights as they are: from now on a plain convolution with constants, ready for export."""
        with torch.no_grad():
            whole, bias, k = self.integers()
            self.folded = (whole * (2.0**-k)[:, None, None, None], bias)
        self.mode = "folded"

    def forward(self, x: Tensor) -> Tensor:
        if self.mode == "folded":
            assert self.folded is not None
            weight, bias = self.folded
        elif self.mode == "exact":
            weight, bias, k = self.integers()
            weight = weight * (2.0**-k)[:, None, None, None]
        else:
            weight, bias = self.natural()
        return F.conv2d(x, weight, bias, padding=self.kernel // 2)


class ExactNet(nn.Module):
    """A network of exact layers; knows its mode ("float", "exact" or "folded") so that `requantize` can follow it."""

    mode = "float"

    def __init__(self) -> None:
        super().__init__()
        self.watched: dict[str, float] | None = None

    def requantize(self, x: Tensor, low: float, high: float, label: str = "") -> Tensor:
        """`requantize` in the net's mode; while the net is watched, the reach of `label` is recorded."""
        if self.watched is not None and label:
            reach = float(_reach(x.detach()))
            self.watched[label] = max(reach, self.watched.get(label, 0.0))
        return requantize(x, low, high, self.mode)


def requantize(x: Tensor, low: float, high: float, mode: str) -> Tensor:
    """Bring sums back to integers in [low, high]: clip, then floor; the half of rounding sits in a bias before.

    In float mode nothing is rounded and only the lower bound at zero, a ReLU, is kept.
    """
    if mode == "float":
        return F.relu(x) if low == 0 else x
    x = x.clamp(float(low), float(high))
    return torch.floor(x) if mode == "folded" else _floor_ste(x)


def _reach(x: Tensor) -> Tensor:
    """The magnitude that all but two in a hundred thousand positive (or signed) values stay below."""
    magnitude = x.float().clamp_min(0).flatten() if float(x.min()) >= 0 else x.float().abs().flatten()
    return magnitude.kthvalue(max(1, int(magnitude.numel() * (1 - 2e-5)))).values


def _parts(module: nn.Module) -> Iterator[ExactConv | ExactNet]:
    for part in module.modules():
        if isinstance(part, ExactConv | ExactNet):
            yield part


def set_mode(module: nn.Module, mode: str) -> nn.Module:
    """Switch every exact part of a module between "float" and "exact"; "folded" fixes the weights for export."""
    for part in _parts(module):
        if mode == "folded" and isinstance(part, ExactConv):
            part.fold()
        else:
            part.mode = mode
    return module

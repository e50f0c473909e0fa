"""Latents as core tensors: blocks of them, projected along channels, rows and columns, entries in the order of rank."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Projected", "rank_order"]


def rank_order(channels: int, side: int) -> tuple[Tensor, list[int]]:
    """The entries (channel, row, column) of cores, flat, such that each rank's core is a beginning of it; its lengths.

    The core of rank r of `channels` has r channels and as many rows and columns as r is of the whole, rounded up.
    """
    share = torch.maximum(
        torch.arange(1, channels + 1)[:, None, None] * side,
        channels * torch.maximum(torch.arange(1, side + 1)[:, None], torch.arange(1, side + 1)),
    ).flatten()
    order = torch.argsort(share, stable=True)
    lengths = [int((share <= rank * side).sum()) for rank in range(1, channels + 1)]
    return order, lengths


def _cosines(side: int) -> Tensor:
    k, x = torch.arange(side)[:, None], torch.arange(side)
    return torch.cos(math.pi * (2 * x + 1) * k / (2 * side)) * torch.where(k > 0, 2, 1).sqrt() / math.sqrt(side)


class Projected(nn.Module):
    """An analysis with a Tucker layer behind it, or with `inverse` a synthesis behind one: y <-> core.

    forward   [b, 3, h, w] -> core entries [b, channels * side**2, h / (s * side), w / (s * side)], or the way back
    powers    a core entry x becomes sign(x) ((1 + |x|)^p - 1) / p: steps that widen with it, p learned for each
    source    Cai, Cao, Zhang 2020, arXiv:1807.03470: X = G x1 A x2 B x3 C with A, B, C learned, and their quantizer
    """

    def __init__(self, transform: Any, channels: int, side: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.transform, self.channels, self.side, self.inverse = transform, channels, side, inverse
        self.halo_px = transform.halo_px
        order, _ = rank_order(channels, side)
        self.register_buffer("order", torch.argsort(order) if inverse else order)
        self.mix = nn.Parameter(torch.eye(channels)[:, :, None, None].clone())
        self.down, self.across = (nn.Parameter(_cosines(side)) for _ in range(2))
        self.power = nn.Parameter(torch.full((channels * side**2,), 1.5))

    def _axes(self) -> Tensor:
        """Products of rows' and columns' axes, the same for every channel: [channels * side**2, 1, side, side]."""
        both = self.down[:, None, :, None] * self.across[None, :, None, :]
        return both.reshape(-1, 1, self.side, self.side).repeat(self.channels, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        p = torch.sigmoid(self.power)[:, None, None]
        sides = {"stride": self.side, "groups": self.channels}
        if not self.inverse:
            y = nn.functional.conv2d(self.transform(x), self.mix)
            core = torch.index_select(nn.functional.conv2d(y, self._axes(), **sides), 1, self.order)
            return torch.sign(core) * ((1 + core.abs()) ** p - 1) / p
        core = torch.sign(x) * ((1 + p * x.abs()) ** (1 / p) - 1)
        y = nn.functional.conv_transpose2d(torch.index_select(core, 1, self.order), self._axes(), **sides)
        return self.transform(nn.functional.conv2d(y, self.mix))

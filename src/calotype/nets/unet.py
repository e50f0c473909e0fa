"""Float transforms of U-Net blocks: each stage looks at its features a second time, at half the resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.residual import Residual
from calotype.nets.transforms import Analysis, Synthesis, halo_px

__all__ = ["UNetAnalysis", "UNetBlock", "UNetSynthesis"]


class UNetBlock(Residual):
    """x + leave(fine(x), up(coarse(down(fine(x))))): two levels with a skip connection, around the identity.

    Sides must be even. Begun in closed form (train/closed_form.py), `path` ends in zeros, so it is the identity.
    source   Ronneberger et al. 2015, arXiv:1505.04597, with two levels
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        half = max(2, channels // 2)
        self.fine = nn.Sequential(nn.Conv2d(channels, half, 3, padding=1), nn.LeakyReLU(0.2))
        self.coarse = nn.Sequential(
            nn.Conv2d(half, half, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(half, half, 3, padding=1), nn.LeakyReLU(0.2)
        )
        self.path = nn.Sequential(nn.Conv2d(2 * half, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(x)
        coarse = F.interpolate(self.coarse(fine), size=fine.shape[2:], mode="nearest")
        return x + self.path(torch.cat([fine, coarse], 1))


def _reach_px(px: int) -> int:
    """Of a block whose samples are `px` apart; its strided kernel looks two samples far."""
    return halo_px([(3, px), (5, px), (3, 2 * px)])


class UNetAnalysis(Analysis):
    """As `Analysis` of four stages, with U-Net blocks at 1/4 and 1/8."""

    def __init__(self, widths: Sequence[int], *arguments: Any) -> None:
        super().__init__(widths, *arguments)
        self.insert(6, UNetBlock(widths[2]))
        self.insert(4, UNetBlock(widths[1]))
        self.halo_px += _reach_px(8) + _reach_px(4)


class UNetSynthesis(Synthesis):
    """The mirror image."""

    def __init__(self, widths: Sequence[int], *arguments: Any) -> None:
        super().__init__(widths, *arguments)
        self.insert(3, UNetBlock(widths[1]))
        self.insert(1, UNetBlock(widths[2]))
        self.halo_px += _reach_px(8) + _reach_px(4)

"""Float transforms of U-Net blocks: each stage looks at its features a second time, at half the resolution."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.residual import Residual
from calotype.nets.transforms import GDN, halo_px

__all__ = ["UNetAnalysis", "UNetBlock", "UNetSynthesis"]


class UNetBlock(Residual):
    """x + leave(fine(x), up(coarse(down(fine(x))))): two levels with a skip connection, around the identity.

    Sides must be even. Begun in closed form (train/closed_form.py), `path` ends in zeros, so it is the identity.
    source   Ronneberger et al. 2015, arXiv:1505.04597, with two levels and additions instead of cropping
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        half = max(2, channels // 2)
        self.fine = nn.Sequential(nn.Conv2d(channels, half, 1), nn.LeakyReLU(0.2))
        self.coarse = nn.Sequential(
            nn.Conv2d(half, channels, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(channels, channels, 3, padding=1),
            nn.LeakyReLU(0.2), nn.Conv2d(channels, half, 1),
        )  # fmt: skip
        self.path = nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(2 * half, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(x)
        coarse = F.interpolate(self.coarse(fine), size=fine.shape[2:], mode="nearest")
        return x + self.path(torch.cat([fine, coarse], 1))


def _reach(px: int) -> list[tuple[int, int]]:
    """(kernel, pixels per sample) of a block whose samples are `px` apart; the strided kernel looks two samples far."""
    return [(3, px), (5, px), (3, 2 * px)]


class UNetAnalysis(nn.Sequential):
    """Picture [b, 3, h, w] -> latents [b, latent, h/16, w/16]: strided steps with GDN, U-Net blocks at 1/4 and 1/8.

    widths   channels at 1/2, 1/4 and 1/8
    """

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        layers: list[nn.Module] = []
        kernels: list[tuple[int, int]] = []
        for stage, (cin, cout) in enumerate(pairwise((3, *widths))):
            kernel = 5 if stage == 0 else 3
            layers += [nn.Conv2d(cin, cout, kernel, 2, kernel // 2), GDN(cout)]
            kernels.append((kernel, 1 << stage))
            if stage:
                layers.append(UNetBlock(cout))
                kernels += _reach(2 << stage)
        super().__init__(*layers, nn.Conv2d(widths[-1], latent, 3, 2, 1))
        self.halo_px = halo_px([*kernels, (3, 8)])


class UNetSynthesis(nn.Sequential):
    """The mirror image, with sub-pixel convolutions."""

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        layers: list[nn.Module] = []
        kernels: list[tuple[int, int]] = []
        for stage, (cin, cout) in enumerate(pairwise((latent, *reversed(widths), 3))):
            px = 16 >> stage
            layers += [nn.Conv2d(cin, 4 * cout, 3, padding=1), nn.PixelShuffle(2)]
            kernels.append((3, px))
            if stage < 2:
                layers.append(UNetBlock(cout))
                kernels += _reach(px // 2)
            layers += [GDN(cout, inverse=True)] if stage < 3 else []
        super().__init__(*layers)
        self.halo_px = halo_px(kernels)

"""Transforms whose latents take features of several resolutions at once, each on a way of its own; the chain is transforms.py.

The ways beside the chain begin with nothing to add, so that the chain can start as principal components
(train/closed_form.py).
source   Nakanishi, Maeda, Miyato, Okanohara 2018, arXiv:1805.06386, section 3.1
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from calotype.nets import transforms
from calotype.nets.transforms import halo_px, silenced

__all__ = ["MultiScaleAnalysis", "MultiScaleSynthesis"]


class MultiScaleAnalysis(nn.Module):
    """Picture [b, 3, h, w] -> latents [b, latent, h/16, w/16]: those of a chain, and what each finer resolution adds.

    widths   channels at 1/2, 1/4 and 1/8
    apart    channels that each of them sends, as cells of 1/16
    """

    def __init__(
        self, widths: Sequence[int], latent: int, stages: Sequence[tuple[int, int]], apart: Sequence[int]
    ) -> None:
        super().__init__()
        self.chain = transforms.Analysis(widths, latent, stages)
        count = len(widths)
        self.ways = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, some, 3, padding=1), nn.LeakyReLU(0.2), nn.PixelUnshuffle(1 << (count - place)),
                _silent(some << 2 * (count - place), latent),
            )
            for place, (width, some) in enumerate(zip(widths, apart, strict=True))
        )  # fmt: skip
        self.halo_px = self.chain.halo_px + halo_px([(3, 2 << place) for place in range(count)])

    def forward(self, x: Tensor) -> Tensor:
        added = torch.zeros((), dtype=x.dtype, device=x.device)
        for place, layer in enumerate(self.chain):
            x = layer(x)
            if place % 2 and place // 2 < len(self.ways):  # behind a normalisation: the features of a resolution
                added = added + self.ways[place // 2](x)
        return x + added


class MultiScaleSynthesis(nn.Module):
    """The way back: latents also speak to every resolution at once, beside the chain that rises to it."""

    def __init__(
        self, widths: Sequence[int], latent: int, stages: Sequence[tuple[int, int]], apart: Sequence[int]
    ) -> None:
        super().__init__()
        self.chain = transforms.Synthesis(widths, latent, stages)
        count = len(widths)
        self.ways = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(latent, some << 2 * (count - place), 1), nn.PixelShuffle(1 << (count - place)),
                nn.LeakyReLU(0.2), _silent(some, width, 3),
            )
            for place, (width, some) in enumerate(zip(widths, apart, strict=True))
        )  # fmt: skip
        self.halo_px = self.chain.halo_px + halo_px([(3, 2 << place) for place in range(count)])

    def forward(self, y: Tensor) -> Tensor:
        x, finest = y, len(self.ways) - 1
        for place, layer in enumerate(self.chain):
            if place % 2:  # before a normalisation
                x = x + self.ways[finest - place // 2](y)
            x = layer(x)
        return x


def _silent(cin: int, cout: int, kernel: int = 1) -> nn.Conv2d:
    return silenced(nn.Conv2d(cin, cout, kernel, padding=kernel // 2))

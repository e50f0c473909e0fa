"""Float transforms of the hyperprior family: strided convolutions with divisive normalisation, and how they are frozen.

Not here: the wavelet (wavelet.py), anything exact (exact.py, hyper.py), gains per rate (train/system.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["GDN", "UNIT", "Analysis", "LatentsToPixels", "PixelsToLatents", "Synthesis", "halo_px"]

UNIT = 64.0  # pictures enter networks as (0..255 - 128) / UNIT


def halo_px(kernels: Sequence[tuple[int, int]]) -> int:
    """How far a sample of one end looks at the other: the formula of docs/tiles.md, never the observed decay.

    kernels   (side, pixels per sample of its finer end) of every convolution
    """
    return sum(side // 2 * px for side, px in kernels)


class GDN(nn.Module):
    """Generalized divisive normalization, x / (beta + gamma |x|), or its inverse, x * (beta + gamma |x|).

    source   Balle et al. 2016, arXiv:1511.06281; exponents of one as Johnston et al. 2019, arXiv:1912.08771: no roots
    """

    def __init__(self, channels: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.ones(channels))
        self.gamma = nn.Parameter(0.1 * torch.eye(channels) + 1e-3)

    def forward(self, x: Tensor) -> Tensor:
        norm = F.conv2d(x.abs(), self.gamma.abs()[:, :, None, None], self.beta.abs() + 1e-3)
        return x * norm if self.inverse else x / norm


class Analysis(nn.Sequential):
    """Picture [b, 3, h, w] -> latents [b, latent, h/16, w/16]: four 5x5 convolutions of stride 2, GDN between them.

    widths   channels at 1/2, 1/4 and 1/8
    """

    halo_px = halo_px([(5, 1), (5, 2), (5, 4), (5, 8)])

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        layers: list[nn.Module] = []
        for cin, cout in pairwise((3, *widths, latent)):
            layers += [nn.Conv2d(cin, cout, 5, 2, 2), GDN(cout)]
        super().__init__(*layers[:-1])


class Synthesis(nn.Sequential):
    """Latents [b, latent, h/16, w/16] -> picture [b, 3, h, w]: the mirror image, with transposed convolutions."""

    halo_px = halo_px([(5, 1), (5, 2), (5, 4), (5, 8)])

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        layers: list[nn.Module] = []
        for cin, cout in pairwise((latent, *reversed(widths), 3)):
            layers += [nn.ConvTranspose2d(cin, cout, 5, 2, 2, output_padding=1), GDN(cout, inverse=True)]
        super().__init__(*layers[:-1])


class PixelsToLatents(nn.Module):
    """An analysis as it is frozen: forward(pixels uint8 [b, h, w, 3], row [b, c, 1, 1]) -> latents times exp(row)."""

    def __init__(self, analysis: nn.Module) -> None:
        super().__init__()
        self.analysis = analysis

    def forward(self, pixels: Tensor, row: Tensor) -> Tensor:
        x = (pixels.permute(0, 3, 1, 2).float() - 128) * (1 / UNIT)
        return self.analysis(x) * torch.exp(row)


class LatentsToPixels(nn.Module):
    """A synthesis as it is frozen: forward(y [b, c, h, w], row [b, c, 1, 1]) -> pixels uint8 [b, h, w, 3]."""

    def __init__(self, synthesis: nn.Module) -> None:
        super().__init__()
        self.synthesis = synthesis

    def forward(self, y: Tensor, row: Tensor) -> Tensor:
        x = self.synthesis(y * torch.exp(row)) * UNIT + 128.5
        return x.clamp(0.0, 255.0).to(torch.uint8).permute(0, 2, 3, 1)

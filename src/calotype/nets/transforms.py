"""Float transforms of the hyperprior family: strided convolutions with divisive normalisation, and how they are frozen.

Not here: the wavelet (wavelet.py), anything exact (exact.py, hyper.py), gains per rate (train/system.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "GDN",
    "UNIT",
    "Analysis",
    "LatentsToPixels",
    "PixelsToLatents",
    "Synthesis",
    "entered",
    "halo_px",
    "left",
    "silenced",
]

UNIT = 64.0  # pictures enter networks as (0..255 - 128) / UNIT


def halo_px(kernels: Sequence[tuple[int, int]]) -> int:
    """How far a sample of one end looks at the other: the formula of docs/tiles.md, never the observed decay.

    kernels   (side, pixels per sample of its finer end) of every convolution
    """
    return sum(side // 2 * px for side, px in kernels)


class GDN(nn.Module):
    """Generalized divisive normalization, x / (beta + gamma |x|), or its inverse, x * (beta + gamma |x|).

    rooted   x / sqrt(beta + gamma x^2) instead, as it was published
    source   Balle et al. 2016, arXiv:1511.06281; exponents of one as Johnston et al. 2019, arXiv:1912.08771: no roots
    """

    def __init__(self, channels: int, *, inverse: bool = False, rooted: bool = False) -> None:
        super().__init__()
        self.inverse, self.rooted = inverse, rooted
        self.beta = nn.Parameter(torch.ones(channels))
        self.gamma = nn.Parameter(0.1 * torch.eye(channels) + 1e-3)

    def forward(self, x: Tensor) -> Tensor:
        size = x * x if self.rooted else x.abs()
        norm = F.conv2d(size, self.gamma.abs()[:, :, None, None], self.beta.abs() + 1e-3)
        norm = torch.sqrt(norm) if self.rooted else norm
        return x * norm if self.inverse else x / norm


STAGES = ((5, 2), (5, 2), (5, 2), (5, 2))


def _finer(stages: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(kernel, pixels per sample at the finer end) of stages that follow each other."""
    found, px = [], 1
    for kernel, stride in stages:
        found.append((kernel, px))
        px *= stride
    return found


class Analysis(nn.Sequential):
    """Picture [b, 3, h, w] -> latents [b, latent, h/16, w/16]: four 5x5 convolutions of stride 2, GDN between them.

    widths   channels of all stages but the last
    stages   (kernel, stride) of each; latents are coarser by the product of the strides
    ends     normalise the latents as well
    """

    def __init__(
        self,
        widths: Sequence[int],
        latent: int,
        stages: Sequence[tuple[int, int]] = STAGES,
        *,
        rooted: bool = False,
        ends: bool = False,
    ) -> None:
        layers: list[nn.Module] = []
        for (cin, cout), (kernel, stride) in zip(pairwise((3, *widths, latent)), stages, strict=True):
            layers += [nn.Conv2d(cin, cout, kernel, stride, kernel // 2), GDN(cout, rooted=rooted)]
        super().__init__(*layers[: len(layers) if ends else -1])
        self.halo_px = halo_px(_finer(stages))


class Synthesis(nn.Sequential):
    """Latents [b, latent, h/16, w/16] -> picture [b, 3, h, w]: the mirror image, with transposed convolutions."""

    def __init__(
        self,
        widths: Sequence[int],
        latent: int,
        stages: Sequence[tuple[int, int]] = STAGES,
        *,
        rooted: bool = False,
        ends: bool = False,
    ) -> None:
        layers: list[nn.Module] = []
        for (cin, cout), (kernel, stride) in zip(
            pairwise((latent, *reversed(widths), 3)), reversed(stages), strict=True
        ):
            layers += [
                GDN(cin, inverse=True, rooted=rooted),
                nn.ConvTranspose2d(cin, cout, kernel, stride, kernel // 2, output_padding=stride - 1),
            ]
        super().__init__(*layers[0 if ends else 1 :])
        self.halo_px = halo_px(_finer(stages))


def silenced(conv: nn.Conv2d) -> nn.Conv2d:
    """The same convolution, which says nothing at first: weights and bias are zero."""
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


def entered(pixels: Tensor, unit: float = UNIT) -> Tensor:
    """Pixels uint8 [b, h, w, 3] as networks take them, float32 [b, 3, h, w]."""
    return (pixels.permute(0, 3, 1, 2).float() - 128) * (1 / unit)


def left(x: Tensor) -> Tensor:
    """Pixels uint8 [b, h, w, 3] from 0..255 float [b, 3, h, w] with the half that rounds already in it."""
    return x.clamp(0.0, 255.0).to(torch.uint8).permute(0, 2, 3, 1)


class PixelsToLatents(nn.Module):
    """An analysis as it is frozen: forward(pixels uint8 [b, h, w, 3], row [b, c, 1, 1]) -> latents times exp(row)."""

    def __init__(self, analysis: nn.Module) -> None:
        super().__init__()
        self.analysis = analysis

    def forward(self, pixels: Tensor, row: Tensor) -> Tensor:
        return self.analysis(entered(pixels)) * torch.exp(row)


class LatentsToPixels(nn.Module):
    """A synthesis as it is frozen: forward(y [b, c, h, w], row [b, c, 1, 1]) -> pixels uint8 [b, h, w, 3]."""

    def __init__(self, synthesis: nn.Module) -> None:
        super().__init__()
        self.synthesis = synthesis

    def forward(self, y: Tensor, row: Tensor) -> Tensor:
        return left(self.synthesis(y * torch.exp(row)) * UNIT + 128.5)

"""Float transforms of residual blocks with attention gates (T3); gates are convolutions, so their reach is known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from calotype.nets.residual import Residual
from calotype.nets.transforms import GDN, halo_px

__all__ = ["AttentionAnalysis", "AttentionSynthesis", "Gate"]

_GATE = (3, 3, 3)  # kernels behind each other in a gate


class Gate(nn.Module):
    """x + trunk(x) * sigmoid(mask(x)): the simplified attention module, without its non-local block.

    source   Cheng et al. 2020, arXiv:2001.01568, figure 4
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.trunk = Residual(channels)
        self.mask = nn.Sequential(Residual(channels), nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.trunk(x) * torch.sigmoid(self.mask(x))


class AttentionAnalysis(nn.Sequential):
    """Picture [b, 3, h, w] -> latents [b, latent, h/16, w/16]: strided 3x3 steps with GDN, residual blocks, gates.

    widths   channels at 1/2, 1/4 and 1/8; gates at 1/8 and in the latents
    """

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        layers, kernels = [], []
        for stage, (cin, cout) in enumerate(pairwise((3, *widths))):
            layers += [nn.Conv2d(cin, cout, 5 if stage == 0 else 3, 2, 2 if stage == 0 else 1), GDN(cout)]
            kernels.append((5 if stage == 0 else 3, 1 << stage))
        layers += [Residual(widths[-1]), Gate(widths[-1]), nn.Conv2d(widths[-1], latent, 3, 2, 1), Gate(latent)]
        super().__init__(*layers)
        self.halo_px = halo_px([*kernels, (3, 8), (3, 8), (3, 8), (3, 8), (3, 8), (3, 16), (3, 16)])


class AttentionSynthesis(nn.Sequential):
    """The mirror image, with sub-pixel convolutions."""

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        coarse = widths[-1]
        layers = [Gate(latent), nn.Conv2d(latent, 4 * coarse, 3, padding=1), nn.PixelShuffle(2), Gate(coarse)]
        layers += [Residual(coarse)]
        kernels = [(3, 16)] * 3 + [(3, 8)] * 4
        for stage, (cin, cout) in enumerate(pairwise((*reversed(widths), 3))):
            layers += [nn.Conv2d(cin, 4 * cout, 3, padding=1), nn.PixelShuffle(2)]
            layers += [GDN(cout, inverse=True)] if cout != 3 else []
            kernels.append((3, 8 >> stage))
        super().__init__(*layers)
        self.halo_px = halo_px(kernels)

"""Float transforms whose gates ask both which channels matter around here, and where all of them do.

Not here: gates of convolutions alone (attention.py), gates by content over a neighbourhood, what undoes rounding
(dequantizer.py), the filter behind the picture (fusion.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.attention import Gate
from calotype.nets.fusion import BlockFilter
from calotype.nets.hyper import HyperAnalysis
from calotype.nets.residual import Residual
from calotype.nets.transforms import GDN, STAGES, halo_px

__all__ = ["HybridAnalysis", "HybridGate", "HybridHyperAnalysis", "HybridSynthesis"]

_AROUND = 3  # positions to each side over which a channel is averaged
_WHERE = 7  # side of the kernel that finds places
_CHAIN = (3, 3, _WHERE)  # kernels behind each other in a gate: the trunk's and the one that finds places


class HybridGate(Gate):
    """x + trunk(x) * channels(x) * places(trunk(x)), both gates in 0..1.

    channels   the mean over 7x7 positions, squeezed to a quarter of the channels and back; the mean over a whole picture,
               as published, would make every window of a picture depend on all of it
    places     from mean and largest value over the channels, one map for all of them
    source     channel and spatial attention, Bao et al. 2022, doi:10.1155/2022/4926124, section 3.1
    """

    def __init__(self, channels: int) -> None:
        nn.Module.__init__(self)
        few = max(4, channels // 4)
        self.trunk = Residual(channels)
        self.mask = nn.Sequential(
            nn.AvgPool2d(2 * _AROUND + 1, 1, _AROUND), nn.Conv2d(channels, few, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(few, channels, 1),
        )  # fmt: skip
        self.where = nn.Conv2d(2, 1, _WHERE, padding=_WHERE // 2)

    def forward(self, x: Tensor) -> Tensor:
        found = self.trunk(x)
        places = self.where(torch.cat([found.mean(1, keepdim=True), found.amax(1, keepdim=True)], 1))
        return x + found * torch.sigmoid(self.mask(x)) * torch.sigmoid(places)


_HALO_PX = halo_px([*((5, 1 << k) for k in range(4)), *((kernel, 8) for kernel in _CHAIN)])


class HybridAnalysis(nn.Sequential):
    """Picture [b, 3, h, w] -> latents [b, latent, h/16, w/16]: four steps with GDN, a gate at 1/8."""

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        layers: list[nn.Module] = []
        for (cin, cout), (kernel, stride) in zip(pairwise((3, *widths, latent)), STAGES, strict=True):
            layers += [nn.Conv2d(cin, cout, kernel, stride, kernel // 2), GDN(cout)]
        *layers, last, _ = layers
        super().__init__(*layers, HybridGate(widths[-1]), last)
        self.halo_px = _HALO_PX


class HybridSynthesis(nn.Sequential):
    """The mirror image, and an `BlockFilter` of so many channels behind it."""

    def __init__(self, widths: Sequence[int], latent: int, filter_width: int) -> None:
        layers: list[nn.Module] = []
        for (cin, cout), (kernel, stride) in zip(pairwise((latent, *reversed(widths), 3)), STAGES, strict=True):
            layers += [nn.ConvTranspose2d(cin, cout, kernel, stride, kernel // 2, output_padding=stride - 1)]
            layers += [] if cout == 3 else [GDN(cout, inverse=True)]
            layers += [HybridGate(cout)] if len(layers) == 2 else []
        super().__init__(*layers, BlockFilter(width=filter_width))
        self.halo_px = _HALO_PX + BlockFilter.reach_px


class HybridHyperAnalysis(HyperAnalysis):
    """As `HyperAnalysis`, with a gate at 1/32."""

    def __init__(self, m: int, n: int) -> None:
        super().__init__(m, n)
        self.gate = HybridGate(n)

    def forward(self, y: Tensor) -> Tensor:
        x = torch.sign(y) * torch.log1p(y.abs())
        return self.leave(self.gate(F.relu(self.middle(F.relu(self.enter(x))))))

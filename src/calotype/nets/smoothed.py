"""Transforms that look before they leap: a fixed low-pass filter at every change of resolution, and the same without one.

Not here: the transforms of recipes (transforms.py), wavelets, whose filters are low-pass by design (wavelet.py). Both
forms begin with the same principal components (train/closed_form.py), of which filters leave what is smooth.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.transforms import Analysis, Synthesis, halo_px

__all__ = ["Sampled", "Smooth"]

_SIDE = 3


class Smooth(nn.Module):
    """[b, channels, h, w] -> the same, filtered with the binomial 1 2 1 along both axes; zero at half the sampling rate.

    source   Zhang 2019, "Making convolutional networks shift-invariant again", arXiv:1904.11486, section 3.2
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", (line[:, None] * line)[None, None].repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel, padding=_SIDE // 2, groups=x.shape[1])


class Sampled(nn.Module):
    """An `Analysis` or `Synthesis` with a filter before every step down, or behind every step up.

    transform   the chain; its weights stay those of the constructor
    stages      (kernel, stride) of each step, from fine to coarse
    smooth      False: the chain alone, for comparison
    """

    def __init__(
        self, transform: Analysis | Synthesis, stages: Sequence[tuple[int, int]], *, smooth: bool = True
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for layer in transform:
            if smooth and isinstance(layer, nn.Conv2d):
                layers.append(Smooth(layer.in_channels))
            layers.append(layer)
            if smooth and isinstance(layer, nn.ConvTranspose2d):
                layers.append(Smooth(layer.out_channels))
        self.chain = nn.Sequential(*layers)
        strides, fine = [stride for _, stride in stages], [1]
        for stride in strides[:-1]:
            fine.append(fine[-1] * stride)
        self.halo_px = transform.halo_px + (halo_px([(_SIDE, px) for px in fine]) if smooth else 0)

    def forward(self, x: Tensor) -> Tensor:
        return self.chain(x)

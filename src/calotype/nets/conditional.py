"""Transforms whose convolutions depend on the rate, and how they are frozen; unconditional ones are transforms.py."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.transforms import UNIT, entered, left

__all__ = ["Conditional", "ConditionalLatents", "ConditionalPixels"]


class Conditional(nn.Module):
    """A chain of layers; what every convolution gives is multiplied and shifted by numbers of the rate, for each channel.

    forward(x, row [b, conditions, 1, 1]) -> the chain's output; factors are softplus of the row's numbers
    source   conditional convolutions, Choi, El-Khamy, Lee 2019, arXiv:1909.04802, section 3.1
    """

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers, self.halo_px = layers, layers.halo_px
        convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
        self.conditions = 2 * sum(layer.out_channels for layer in convolutions)

    def forward(self, x: Tensor, row: Tensor) -> Tensor:
        first = 0
        for layer in self.layers:
            x = layer(x)
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                middle, last = first + layer.out_channels, first + 2 * layer.out_channels
                x = x * F.softplus(row[:, first:middle]) + row[:, middle:last]
                first = last
        return x


class ConditionalLatents(nn.Module):
    """Frozen: forward(pixels uint8 [b, h, w, 3], row [b, 1 + conditions, 1, 1]) -> latents times exp(the row's first)."""

    def __init__(self, analysis: Conditional) -> None:
        super().__init__()
        self.analysis = analysis

    def forward(self, pixels: Tensor, row: Tensor) -> Tensor:
        return self.analysis(entered(pixels), row[:, 1:]) * torch.exp(row[:, :1])


class ConditionalPixels(nn.Module):
    """Frozen: forward(y [b, c, h, w], row [b, 1 + conditions, 1, 1]) -> pixels uint8 [b, h, w, 3]."""

    def __init__(self, synthesis: Conditional) -> None:
        super().__init__()
        self.synthesis = synthesis

    def forward(self, y: Tensor, row: Tensor) -> Tensor:
        return left(self.synthesis(y * torch.exp(row[:, :1]), row[:, 1:]) * UNIT + 128.5)

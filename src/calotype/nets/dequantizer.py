"""A float network that guesses what rounding took from latents, in the decoder, and how it is frozen with a synthesis."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.transforms import UNIT, left, silenced

__all__ = ["DequantizedToPixels", "Dequantizer"]


class Dequantizer(nn.Module):
    """Restored latents [b, c, h, w], in quantizer steps -> what rounding is expected to have taken, at most half a step.

    It sees signed logarithms, because latents span decades over the rates; its output is zero at first.
    source   inverse quantization module, Bao et al. 2022, doi:10.1155/2022/4926124, section 3.3
    """

    reach = 2  # positions to each side

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, width, 3, padding=1)
        self.leave = silenced(nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, y: Tensor) -> Tensor:
        x = torch.sign(y) * torch.log1p(y.abs())
        return 0.5 * torch.tanh(self.leave(F.leaky_relu(self.enter(x), 0.2)))


class DequantizedToPixels(nn.Module):
    """A synthesis behind a dequantizer: forward(y [b, c, h, w], row [b, c, 1, 1]) -> pixels uint8 [b, h, w, 3]."""

    def __init__(self, dequantizer: Dequantizer, synthesis: nn.Module) -> None:
        super().__init__()
        self.dequantizer, self.synthesis = dequantizer, synthesis

    def forward(self, y: Tensor, row: Tensor) -> Tensor:
        return left(self.synthesis((y + self.dequantizer(y)) * torch.exp(row)) * UNIT + 128.5)

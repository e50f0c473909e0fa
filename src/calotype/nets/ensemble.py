"""Several small transforms that compete for blocks: all of them at once, and what the encoder finds each would cost.

Which one a block takes is walks/modes.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from calotype.nets.transforms import UNIT, entered, left

__all__ = ["EnsembleAnalysis", "EnsembleSynthesis", "ModesToPixels", "PixelsToModes", "errors_of"]


class EnsembleAnalysis(nn.Module):
    """Modes' latents side by side: picture [b, 3, h, w] -> [b, modes * c, h/s, w/s].

    Mode 2 t is transform t as it is, mode 2 t + 1 the same on the transposed picture.
    source   Wang, Liu, Ma, Wu, Gao 2020, doi:10.1109/TCSVT.2020.3000331: boosted transforms, geometric self-ensemble
    """

    def __init__(self, transforms: Sequence[Any]) -> None:
        super().__init__()
        self.transforms = nn.ModuleList(transforms)
        self.halo_px = max(transform.halo_px for transform in transforms)

    def forward(self, x: Tensor) -> Tensor:
        turned = x.transpose(2, 3)
        return torch.cat([y for part in self.transforms for y in (part(x), part(turned).transpose(2, 3))], 1)


class EnsembleSynthesis(nn.Module):
    """The way back: latents of all modes, zero where not chosen, and the mode of every smallest block.

    forward(y [b, modes * c, h/s, w/s], mode [b, 1, h/block_px, w/block_px]) -> picture
    """

    def __init__(self, transforms: Sequence[Any], block_px: int) -> None:
        super().__init__()
        self.block_px = block_px
        self.transforms = nn.ModuleList(transforms)
        self.halo_px = max(transform.halo_px for transform in transforms)

    def pictures(self, y: Tensor) -> list[Tensor]:
        """What each mode makes of its latents."""
        parts = y.chunk(2 * len(self.transforms), 1)
        found = []
        for k, part in enumerate(self.transforms):
            found += [part(parts[2 * k]), part(parts[2 * k + 1].transpose(2, 3)).transpose(2, 3)]
        return found

    def forward(self, y: Tensor, mode: Tensor) -> Tensor:
        mode = nn.functional.interpolate(mode, scale_factor=self.block_px, mode="nearest")
        parts = [picture * ((mode - k).abs() < 0.5).to(y.dtype) for k, picture in enumerate(self.pictures(y))]
        return sum(parts[1:], parts[0])


def errors_of(synthesis: EnsembleSynthesis, x: Tensor, y: Tensor, inverse: Tensor) -> Tensor:
    """What each mode's rounded latents leave of each block: sum over pixels of the mean squared error of 0..255.

    x   pictures in networks' units; y: all modes' latents, times gains; inverse: their inverse, [b, modes * c, 1, 1]
    """
    pictures = synthesis.pictures(torch.floor(y + 0.5) * inverse)
    squares = torch.cat([((picture - x) ** 2).mean(1, keepdim=True) for picture in pictures], 1)
    return nn.functional.avg_pool2d(squares, synthesis.block_px) * (synthesis.block_px**2 * UNIT**2)


class PixelsToModes(nn.Module):
    """Frozen: forward(pixels uint8 [b, h, w, 3], row [b, 2 n + 1, 1, 1]) -> latents of all modes, what they are worth.

    row   logarithms of n gains, of n inverse gains, and of what a unit of error is worth in bits
    """

    def __init__(self, analysis: EnsembleAnalysis, synthesis: EnsembleSynthesis) -> None:
        super().__init__()
        self.analysis, self.synthesis = analysis, synthesis

    def forward(self, pixels: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        x, n = entered(pixels), row.shape[1] // 2
        y = self.analysis(x) * torch.exp(row[:, :n])
        errors = errors_of(self.synthesis, x, y, torch.exp(row[:, n : 2 * n]))
        return y, errors * torch.exp(row[:, 2 * n :])


class ModesToPixels(nn.Module):
    """Frozen: forward(y, mode, row of logarithms of inverse gains) -> pixels uint8 [b, h, w, 3]."""

    def __init__(self, synthesis: EnsembleSynthesis) -> None:
        super().__init__()
        self.synthesis = synthesis

    def forward(self, y: Tensor, mode: Tensor, row: Tensor) -> Tensor:
        return left(self.synthesis(y * torch.exp(row), mode) * UNIT + 128.5)

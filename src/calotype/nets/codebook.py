"""A codebook of vectors with soft and hard assignment, and networks that end or begin with its indices.

How sharp assignments are in training is train/methods/soft.py's; codebooks without networks are codebooks/.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calotype.nets.transforms import UNIT, entered, left

__all__ = ["Codebook", "IndicesToPixels", "PixelsToIndices"]


class Codebook(nn.Module):
    """Centres [count, length]: channels are cut into vectors of `length`, all of which share them.

    source   Agustsson et al. 2017, arXiv:1704.00648, section 3
    """

    def __init__(self, count: int, length: int) -> None:
        super().__init__()
        self.count, self.length = count, length
        generator = torch.Generator().manual_seed(count)
        self.centres = nn.Parameter(0.25 * count ** (1 / length) * torch.randn(count, length, generator=generator))

    def distances(self, z: Tensor) -> Tensor:
        """Squared distances to all centres, less the vector's own square: [b, g * length, h, w] -> [b, g, count, h, w]."""
        b, c, h, w = z.shape
        vectors = z.reshape(b * (c // self.length), self.length, h, w)
        products = nn.functional.conv2d(vectors, -2 * self.centres[:, :, None, None], (self.centres**2).sum(1))
        return products.reshape(b, c // self.length, self.count, h, w)

    def index(self, z: Tensor) -> Tensor:
        """The nearest centre of each vector, the first of equals, [b, g, h, w]."""
        distances = self.distances(z)
        every = torch.arange(float(self.count), device=z.device)[:, None, None]
        nearest = distances <= distances.amin(2, keepdim=True)
        return torch.where(nearest, every, float(self.count)).amin(2)

    def mixed(self, weights: Tensor) -> Tensor:
        """Mixtures of centres, [b, g, count, h, w] -> [b, g * length, h, w]."""
        b, g, _, h, w = weights.shape
        found = nn.functional.conv2d(weights.reshape(b * g, self.count, h, w), self.centres.T[:, :, None, None])
        return found.reshape(b, g * self.length, h, w)

    def values(self, index: Tensor) -> Tensor:
        """The centres of indices [b, g, h, w]."""
        every = torch.arange(float(self.count), device=index.device)[:, None, None]
        return self.mixed((index[:, :, None] == every).float())


class PixelsToIndices(nn.Module):
    """Frozen: forward(pixels uint8 [b, h, w, 3], row [b, c, 1, 1]) -> indices of the nearest centres, [b, g, h, w]."""

    def __init__(self, analysis: nn.Module, codebook: Codebook) -> None:
        super().__init__()
        self.analysis, self.codebook = analysis, codebook

    def forward(self, pixels: Tensor, row: Tensor) -> Tensor:
        return self.codebook.index(self.analysis(entered(pixels)) * torch.exp(row))


class IndicesToPixels(nn.Module):
    """Frozen: forward(indices [b, g, h, w], row [b, c, 1, 1]) -> pixels uint8 [b, h, w, 3]."""

    def __init__(self, synthesis: nn.Module, codebook: Codebook) -> None:
        super().__init__()
        self.synthesis, self.codebook = synthesis, codebook

    def forward(self, y: Tensor, row: Tensor) -> Tensor:
        return left(self.synthesis(self.codebook.values(y) * torch.exp(row)) * UNIT + 128.5)

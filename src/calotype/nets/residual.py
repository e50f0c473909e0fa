"""Float transforms of residual blocks and sub-pixel convolutions, and rotations of latents; GDN's are transforms.py."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from calotype.nets.transforms import halo_px

__all__ = ["PlainAnalysis", "PlainSynthesis", "Residual", "ResidualAnalysis", "ResidualSynthesis", "Rotation"]


class Residual(nn.Module):
    """Two 3x3 convolutions around the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(channels, channels, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.path(x)


class ResidualAnalysis(nn.Sequential):
    """Picture [b, 3, h, w] -> latents [b, latent, h/8, w/8]: two strided convolutions, residual blocks at 1/4, a third.

    source   Theis et al. 2017, arXiv:1703.00395, figure 2
    """

    def __init__(self, widths: Sequence[int], latent: int, blocks: int) -> None:
        fine, middle = widths
        super().__init__(
            nn.Conv2d(3, fine, 5, 2, 2), nn.LeakyReLU(0.2), nn.Conv2d(fine, middle, 5, 2, 2), nn.LeakyReLU(0.2),
            *(Residual(middle) for _ in range(blocks)), nn.Conv2d(middle, latent, 5, 2, 2),
        )  # fmt: skip
        self.halo_px = halo_px([(5, 1), (5, 2), *[(3, 4)] * (2 * blocks), (5, 4)])


class ResidualSynthesis(nn.Sequential):
    """The way back: every step up is a convolution to four times the channels and a shuffle of them (sub-pixels)."""

    def __init__(self, widths: Sequence[int], latent: int, blocks: int) -> None:
        fine, middle = widths
        super().__init__(
            nn.Conv2d(latent, 4 * middle, 3, padding=1), nn.PixelShuffle(2),
            *(Residual(middle) for _ in range(blocks)), nn.Conv2d(middle, 4 * fine, 3, padding=1), nn.PixelShuffle(2),
            nn.LeakyReLU(0.2), nn.Conv2d(fine, 12, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip
        self.halo_px = halo_px([(3, 8), *[(3, 4)] * (2 * blocks), (3, 4), (3, 2)])


class PlainAnalysis(nn.Sequential):
    """Picture -> latents at 1/8: pairs of 3x3 convolutions with PReLU, the second of each pair with stride 2.

    source   Cheng et al. 2018, arXiv:1804.09535, figure 2: consecutive strided convolutions in place of pooling
    """

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        layers: list[nn.Module] = []
        for cin, cout in pairwise((3, *widths, latent)):
            layers += [
                nn.Conv2d(cin, cout, 3, padding=1),
                nn.PReLU(cout),
                nn.Conv2d(cout, cout, 3, 2, 1),
                nn.PReLU(cout),
            ]
        super().__init__(*layers[:-1])
        self.halo_px = halo_px([(3, 1 << stage) for stage in range(len(widths) + 1) for _ in range(2)])


class PlainSynthesis(nn.Sequential):
    """The mirror image: sub-pixel convolutions up, a 3x3 convolution after each."""

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        layers: list[nn.Module] = []
        for cin, cout in pairwise((latent, *reversed(widths))):
            layers += [nn.Conv2d(cin, 4 * cout, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(cout)]
            layers += [nn.Conv2d(cout, cout, 3, padding=1), nn.PReLU(cout)]
        super().__init__(*layers, nn.Conv2d(widths[0], 12, 3, padding=1), nn.PixelShuffle(2))
        coarse = len(widths)
        self.halo_px = halo_px(
            [(3, 1 << (coarse + 1 - k + half)) for k in range(1, coarse + 1) for half in (1, 0)] + [(3, 2)]
        )


class Rotation(nn.Module):
    """A transform followed (or led) by a fixed rotation of the channels: the latents' principal components.

    forward   [b, ...] -> latents, rotated; with `inverse`, latents -> rotated back, then through the transform
    """

    def __init__(self, transform: nn.Module, channels: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.transform, self.inverse, self.halo_px = transform, inverse, transform.halo_px
        self.register_buffer("axes", torch.eye(channels))
        self.register_buffer("middle", torch.zeros(channels))

    def fit(self, latents: Tensor) -> None:
        """Axes from latents [b, c, h, w] as they are now rotated: most energy first, signs such that sums are positive."""
        flat = latents.double().transpose(0, 1).flatten(1)  # c n
        back = self.axes.double().T @ flat + self.middle.double()[:, None]
        middle = back.mean(1)
        _, axes = torch.linalg.eigh((back - middle[:, None]) @ (back - middle[:, None]).T / back.shape[1])
        axes = axes.flip(1).T
        axes = axes * (1 - 2 * (axes.sum(1, keepdim=True) < 0))
        self.axes.copy_(axes.float())
        self.middle.copy_(middle.float())

    def follow(self, other: Rotation) -> None:
        """Take the axes of the other direction."""
        self.axes.copy_(other.axes)
        self.middle.copy_(other.middle)

    def forward(self, x: Tensor) -> Tensor:
        if self.inverse:
            return self.transform(nn.functional.conv2d(x, self.axes.T[:, :, None, None], self.middle))
        y = self.transform(x)
        return nn.functional.conv2d(y - self.middle[:, None, None], self.axes[:, :, None, None])

"""Float parts around a plain transform that begin as if they were not there: fused scales before it, a filter after it.

Both are a path around the identity whose last layer is zero at first, so a transform that begins in closed form
(train/closed_form.py) still does. Not here: swift's filter, which sees a pyramid (postfilter.py), and a deeper one of
residual blocks (enhancement.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.residual import Residual
from calotype.nets.transforms import GDN, Analysis, Synthesis

__all__ = ["BlockFilter", "FilteredSynthesis", "Fusion", "PyramidAnalysis"]


class Fusion(Residual):
    """Latents plus what features of finer scales say: each scale, halved by a convolution, is added to the next one."""

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        nn.Module.__init__(self)  # another path than a residual block's, which nobody needs
        self.path = nn.ModuleList(nn.Conv2d(cin, cout, 3, 2, 1) for cin, cout in pairwise((*widths, latent)))

    def forward(self, x: Tensor, features: Sequence[Tensor]) -> Tensor:  # type: ignore[override]
        side = features[0]
        for step, next_scale in zip(self.path, features[1:], strict=False):
            side = next_scale + F.leaky_relu(step(side), 0.2)
        return x + self.path[-1](side)


class PyramidAnalysis(Analysis):
    """Picture [b, 3, h, w] -> latents [b, latent, h/16, w/16]: features of every scale join in the coarsest.

    They are those behind each normalisation; their convolutions reach less far than the transform's own.
    source   pyramidal feature fusion, Zhou et al. 2018, CVPR Workshops, "Variational autoencoder for low bit-rate image
             compression"
    """

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        super().__init__(widths, latent)
        self.append(Fusion(widths, latent))

    def forward(self, x: Tensor) -> Tensor:
        features = []
        for layer in self:
            x = layer(x, features) if isinstance(layer, Fusion) else layer(x)
            if isinstance(layer, GDN):
                features.append(x)
        return x


class BlockFilter(Residual):
    """A picture plus a correction to its 4x4 blocks from those around them; no unit of it can die, its slopes are leaky."""

    BLOCK = 4
    reach_px = 2 * BLOCK

    def __init__(self, channels: int = 3, width: int = 24) -> None:
        nn.Module.__init__(self)
        self.path = nn.Sequential(
            nn.Conv2d(channels, width, self.BLOCK, self.BLOCK), nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(width, channels, self.BLOCK, self.BLOCK),
        )  # fmt: skip


class FilteredSynthesis(Synthesis):
    """A synthesis with an `BlockFilter` behind it, `width` channels wide."""

    def __init__(self, widths: Sequence[int], latent: int, width: int) -> None:
        super().__init__(widths, latent)
        self.append(BlockFilter(width=width))
        self.halo_px += BlockFilter.reach_px

"""Quality enhancement behind a synthesis: a float network that corrects the decoded picture, trained with everything else.

Not here: the post-filter of the pyramid, which also sees features of the exact path (postfilter.py).
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.residual import Residual
from calotype.nets.transforms import Synthesis

__all__ = ["EnhancedSynthesis", "Enhancement"]

_SIDE = 4  # pixels of a block that becomes channels
_KERNELS = 6  # 3x3 behind each other, in blocks


class Enhancement(Residual):
    """A picture plus a correction of it [b, 3, h, w], worked out on blocks of 4x4: two residual blocks between convolutions.

    Begun in closed form (train/closed_form.py), `path` ends in zeros, so the picture stays as it is.
    """

    def __init__(self, width: int) -> None:
        planes = 3 * _SIDE**2
        super().__init__(planes)
        self.path = nn.Sequential(
            nn.Conv2d(planes, width, 3, padding=1), nn.LeakyReLU(0.2), Residual(width), Residual(width),
            nn.Conv2d(width, planes, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + F.pixel_shuffle(self.path(F.pixel_unshuffle(x, _SIDE)), _SIDE)


class EnhancedSynthesis(Synthesis):
    """As `Synthesis`, with the enhancement behind it; windows begin at multiples of the latents' stride, so of blocks."""

    def __init__(self, *arguments: Any, width: int, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.append(Enhancement(width))
        self.halo_px += _KERNELS * _SIDE

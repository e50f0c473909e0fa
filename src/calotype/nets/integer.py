"""A synthesis that computes in integers from latents to pixels: the same picture on every machine, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.exact import ExactNet
from calotype.nets.hyper import ACTIVATION, BoundedConv
from calotype.nets.transforms import UNIT, halo_px

__all__ = ["FINE", "FINE_TOP", "IntegerPixels", "IntegerSynthesis"]

FINE = 64.0  # integers per natural unit of the latents that enter
FINE_TOP = 2047  # and their largest magnitude
_TOP = 255.0


class IntegerSynthesis(ExactNet):
    """forward(u [b, latent, h/16, w/16], integers -2047..2047) -> picture [b, 3, h, w] in natural units, (0..255 - 128) / 64.

    int8 weights, 8-bit activations, sub-pixel steps of 3x3 convolutions; in exact mode every sum is below 2^22.
    source   Sun et al. 2021, arXiv:2111.09348: weights and activations of 8 bits
    """

    def __init__(self, widths: Sequence[int], latent: int) -> None:
        super().__init__()
        self.steps = nn.ModuleList()
        for place, (cin, cout) in enumerate(pairwise((latent, *reversed(widths)))):
            unit, reach = (FINE, float(FINE_TOP)) if place == 0 else (ACTIVATION, _TOP)
            self.steps.append(BoundedConv(cin, 4 * cout, 3, gain_in=unit, gain_out=ACTIVATION, reach=reach))
        self.leave = BoundedConv(widths[0], 12, 3, gain_in=ACTIVATION, gain_out=UNIT, reach=_TOP)
        self.halo_px = halo_px([(3, 2 << step) for step in range(len(widths) + 1)])

    def levels(self, u: Tensor) -> Tensor:
        """Grey levels less 128, whole in exact mode: [b, 3, h, w]."""
        x = u
        for step in self.steps:
            x = step(x)
            x = self.requantize(x.clamp(max=_TOP) if self.mode == "float" else x, 0, _TOP)
            x = F.pixel_shuffle(x, 2)
        return self.requantize(F.pixel_shuffle(self.leave(x), 2), -128, 127)

    def forward(self, u: Tensor) -> Tensor:
        return self.levels(u) * (1 / UNIT)


class IntegerPixels(nn.Module):
    """The synthesis as it is frozen: forward(y [b, c, h, w], row of zeros [b, c, 1, 1]) -> pixels uint8 [b, h, w, 3]."""

    def __init__(self, synthesis: IntegerSynthesis) -> None:
        super().__init__()
        self.synthesis = synthesis

    def forward(self, y: Tensor, row: Tensor) -> Tensor:
        return (self.synthesis.levels(y + row) + 128).to(torch.uint8).permute(0, 2, 3, 1)

"""The memory of systems that draw a picture step by step; the walk is walks/drawn.py, what it expects is hyper.py's."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from calotype.nets.exact import ExactNet
from calotype.nets.hyper import ACTIVATION, ROW_TOP, BoundedConv
from calotype.walks.features import FEATURE, PARITY

__all__ = ["Memory"]

_TOP = 255.0


class Memory(ExactNet):
    """What is remembered when a group of latents is known as well; exact, the same network at every step.

    forward(memory [b, width, h, w], integers 0..255; seen [b, 2 group + 3, h, w], as walks.features.with_symbols gives it)
    -> memory

    It begins by keeping everything: the old memory goes through the identity.
    source  the recurrent decoder of Gregor et al. 2016, arXiv:1604.08772, without gates
    """

    def __init__(self, width: int, group: int) -> None:
        super().__init__()
        self.keep = BoundedConv(width, width, 3, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=_TOP)
        self.see = BoundedConv(2 * group + PARITY, width, 3, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)
        with torch.no_grad():
            self.keep.weight.mul_(0.1)
            self.keep.weight[:, :, 1, 1] += torch.eye(width)
            nn.init.normal_(self.see.weight, std=0.02)

    def forward(self, memory: Tensor, seen: Tensor) -> Tensor:
        x = self.keep(memory) + self.requantize(self.see(seen), -ROW_TOP, ROW_TOP)
        return self.requantize(x.clamp(max=_TOP) if self.mode == "float" else x, 0, _TOP)

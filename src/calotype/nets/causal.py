"""Exact networks of serial contexts: masked convolutions whose outputs depend on earlier fronts alone.

In training they see whole arrays; as they are frozen they see patches, 5x5 for most, side by side, one for each position of a
front (walks/fronts.py). Both are the same sums over the same integers.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from calotype.nets.hyper import ACTIVATION, ROW_TOP, BoundedConv, Parameters
from calotype.walks.features import FEATURE
from calotype.walks.fronts import Order

__all__ = ["CausalParameters", "MaskedConv"]


class MaskedConv(BoundedConv):
    """A bounded convolution some of whose weights are always zero.

    mask      [cout, cin, k, k] of zeros and ones
    patches   once folded, windows lie side by side and are not moved: the stride is the kernel
    """

    def __init__(self, mask: Tensor, *, patches: bool = False, **named: Any) -> None:
        cout, cin, kernel, _ = mask.shape
        super().__init__(cin, cout, kernel, **named)
        self.patches = patches
        self.register_buffer("mask", mask)
        with torch.no_grad():
            self.weight.mul_(mask)

    def natural(self) -> tuple[Tensor, Tensor]:
        weight, bias = super().natural()
        return weight * self.mask, bias

    def forward(self, x: Tensor) -> Tensor:
        if self.patches and self.mode == "folded":
            assert self.folded is not None
            weight, bias = self.folded
            return F.conv2d(x, weight, bias, stride=self.kernel)
        return super().forward(x)


class CausalParameters(Parameters):
    """Side information and values of earlier fronts -> what the distribution of every position is made of.

    forward(side [b, width, h, w], seen [b, 2m, h, w], row [b, m, 1, 1]) -> as `Parameters`
    order    which positions of the window around a position, and which groups of channels, come before it
    """

    def __init__(self, width: int, m: int, order: Order, **named: Any) -> None:
        super().__init__(width, m, **named)
        sums = self.out.gain_out.clone()
        groups = torch.tensor([order.group(channel, m) for channel in range(m)])
        hidden = torch.tensor([order.group(channel, width) for channel in range(width)])
        reach, side = order.reach, 2 * order.reach + 1
        known = torch.zeros(order.groups, order.groups, side, side)
        for own in range(order.groups):
            for group in range(order.groups):
                for row in range(side):
                    for column in range(side):
                        known[own, group, row, column] = order.before(row - reach, column - reach, group, own)
        inputs = groups.repeat(2)  # both features of every channel
        self.mix = BoundedConv(width, width, 1, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=255.0)
        self.see = MaskedConv(known[hidden][:, inputs], patches=True, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)
        earlier = (hidden[None] <= groups.repeat(len(self.outputs))[:, None]).float()[:, :, None, None]
        self.out = MaskedConv(earlier, gain_in=ACTIVATION, gain_out=sums, reach=255.0)
        torch.nn.init.zeros_(self.out.weight)

    def forward(self, side: Tensor, seen: Tensor, row: Tensor) -> Any:  # type: ignore[override]
        seen = self.requantize(self.see(seen), -ROW_TOP, ROW_TOP)
        return self.predicted(self.mix(side) + seen, row)

"""Exact networks around attention to decoded latents: queries, tokens, and parameters from what was attended to."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from calotype.nets.causal import MaskedConv
from calotype.nets.exact import ExactNet
from calotype.nets.hyper import ACTIVATION, ROW_TOP, BoundedConv, Parameters
from calotype.walks.attended import TOP
from calotype.walks.features import FEATURE
from calotype.walks.fronts import Order

__all__ = ["AttendedParameters", "Query", "Tokens"]


class Query(ExactNet):
    """forward(side [b, width, h, w]) -> integers -127..127 [b, queries, h, w]"""

    def __init__(self, width: int, queries: int) -> None:
        super().__init__()
        self.out = BoundedConv(width, queries, 1, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=255.0)
        torch.nn.init.normal_(self.out.bias, std=0.5)  # a query of zeros would attend to nothing, and never learn to

    def forward(self, side: Tensor) -> Tensor:
        return self.requantize(self.out(side).clamp(-TOP, TOP), -TOP, TOP)


class Tokens(ExactNet):
    """forward(seen [b, 2m, h, w]) -> keys and values of each group, integers -127..127 [b, groups * 2 * width, h, w]"""

    def __init__(self, m: int, order: Order, width: int) -> None:
        super().__init__()
        inputs = torch.tensor([order.group(channel, m) for channel in range(m)]).repeat(2)
        outputs = torch.arange(order.groups).repeat_interleave(2 * width)
        mask = (outputs[:, None] == inputs[None]).float()[:, :, None, None]
        self.out = MaskedConv(mask, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)

    def forward(self, seen: Tensor) -> Tensor:
        return self.requantize(self.out(seen).clamp(-TOP, TOP), -TOP, TOP)


class AttendedParameters(Parameters):
    """forward(side [b, width, h, w], attended [b, groups * n, h, w], row [b, m, 1, 1]) -> as `Parameters`

    What a group's query attended to enters the distributions of that group and of later ones.
    """

    def __init__(self, width: int, m: int, order: Order, attended: int, **named: Any) -> None:
        super().__init__(width, m, **named)
        sums = self.out.gain_out.clone()
        hidden = torch.tensor([order.group(channel, width) for channel in range(width)])
        inputs = torch.arange(order.groups).repeat_interleave(attended)
        own = (hidden[:, None] >= inputs[None]).float()[:, :, None, None]
        groups = torch.tensor([order.group(channel, m) for channel in range(m)]).repeat(len(self.outputs))
        earlier = (hidden[None] <= groups[:, None]).float()[:, :, None, None]
        self.mix = BoundedConv(width, width, 1, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=255.0)
        self.see = MaskedConv(own, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=float(TOP))
        self.out = MaskedConv(earlier, gain_in=ACTIVATION, gain_out=sums, reach=255.0)
        torch.nn.init.zeros_(self.out.weight)
        torch.nn.init.constant_(self.mix.bias, 0.1)

    def forward(self, side: Tensor, attended: Tensor, row: Tensor) -> Any:  # type: ignore[override]
        attended = self.requantize(self.see(attended), -ROW_TOP, ROW_TOP)
        return self.predicted(self.mix(side) + attended, row)

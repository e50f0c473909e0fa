"""Exact networks of serial contexts that also see far: what an earlier position says enters beside the window.

Not here: which position that is, or how many are mixed (walks/references.py), masked windows (causal.py).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from calotype.nets.causal import CausalParameters, MaskedConv
from calotype.nets.exact import ExactNet
from calotype.nets.hyper import ACTIVATION, ROW_TOP, BoundedConv
from calotype.walks.features import FEATURE
from calotype.walks.fronts import REACH, Order
from calotype.walks.references import TOP

__all__ = ["Cross", "Look", "ReferredParameters"]


class Cross(ExactNet):
    """Side information for the second group of channels, from all of the first.

    forward(side [b, width, h, w] integers 0..255, seen [b, 2 known, h, w] features) -> [b, width, h, w] integers 0..255
    """

    def __init__(self, width: int, known: int) -> None:
        super().__init__()
        self.mix = BoundedConv(width, width, 1, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=255.0)
        self.see = BoundedConv(2 * known, width, 3, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)

    def forward(self, side: Tensor, seen: Tensor) -> Tensor:
        # Rounded first, as in `ContextParameters`: two convolutions on grids of their own might leave the bound together.
        h = self.mix(side) + self.requantize(self.see(seen), -ROW_TOP, ROW_TOP)
        return self.requantize(h.clamp(max=255), 0, 255)


class ReferredParameters(CausalParameters):
    """As `CausalParameters`, with what other positions say.

    forward(side, seen, referred [b, references, h, w] integers -127..127, row) -> as `Parameters`
    """

    def __init__(self, width: int, m: int, order: Order, references: int, **named: Any) -> None:
        super().__init__(width, m, order, **named)
        self.refer = BoundedConv(references, width, 1, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)

    def forward(self, side: Tensor, seen: Tensor, referred: Tensor, row: Tensor) -> Any:  # type: ignore[override]
        near = self.requantize(self.see(seen), -ROW_TOP, ROW_TOP)
        far = self.requantize(self.refer(referred), -ROW_TOP, ROW_TOP)
        return self.predicted(self.mix(side) + near + far, row)


class Look(ExactNet):
    """What the surroundings of a position are like, as far as they are known.

    forward(seen [b, 2m, h, w]) -> queries and keys, integers -127..127 [b, 2 * width, h, w]
    """

    def __init__(self, m: int, order: Order, width: int) -> None:
        super().__init__()
        side = range(-REACH, REACH + 1)
        known = torch.tensor([[float(order.before(row, column, 0, 0)) for column in side] for row in side])
        mask = known.expand(2 * width, 2 * m, -1, -1).clone()
        self.out = MaskedConv(mask, patches=True, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)

    def forward(self, seen: Tensor) -> Tensor:
        return self.requantize(self.out(seen).clamp(-TOP, TOP), -TOP, TOP)

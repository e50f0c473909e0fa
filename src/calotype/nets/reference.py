"""Networks of stores of references: what a reference looks like, how one is found, what it says of the rest.

The order of coding is walks/consulted.py's, the store's start train/methods/consulted.py's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.exact import ExactNet
from calotype.nets.hyper import ACTIVATION, ROW_TOP, BoundedConv, Parameters

__all__ = ["FEATURE_TOP", "STORE_UNIT", "Guided", "Importance", "Search", "Store"]

STORE_UNIT = 32.0  # integers of the store per natural unit of the analysis transform
FEATURE_TOP = 2047


class Store(ExactNet):
    """Features of references, as weights: forward(selected [b, entries, h, w], 0 or 1) -> integers [b, m, 2h, 2w]; exact."""

    def __init__(self, entries: int, m: int) -> None:
        super().__init__()
        self.features = BoundedConv(entries, 4 * m, 1, gain_in=1.0, gain_out=STORE_UNIT, reach=1.0)

    def forward(self, selected: Tensor) -> Tensor:
        return self.requantize(F.pixel_shuffle(self.features(selected), 2), -FEATURE_TOP, FEATURE_TOP)


class Search(nn.Module):
    """How like references are to every cell of 2x2: forward(y [b, m, h, w] in integers of the store) -> [b, entries, h/2, w/2].

    Its keys stay what they are when training begins; the encoder alone has them.
    """

    def __init__(self, entries: int, m: int) -> None:
        super().__init__()
        self.register_buffer("keys", torch.randn(entries, 4 * m))

    def forward(self, y: Tensor) -> Tensor:
        scores = F.conv2d(
            F.pixel_unshuffle(y, 2),
            self.keys[:, :, None, None],
            -0.5 * self.keys.square().sum(1),  # type: ignore[arg-type]
        )
        return scores


class Importance(nn.Module):
    """How much a place deserves: forward(y [b, m, h, w]) -> [b, 1, h, w], 0..top; most of it to begin with."""

    def __init__(self, m: int, width: int, top: int) -> None:
        super().__init__()
        self.top = top
        self.enter = nn.Conv2d(m, width, 3, padding=1)
        self.leave = nn.Conv2d(width, 1, 1)
        with torch.no_grad():
            self.leave.weight.mul_(0.1)
            # Half the channels would end early what fine rates could have.
            nn.init.constant_(self.get_parameter("leave.bias"), 1.0)

    def forward(self, y: Tensor) -> Tensor:
        x = torch.sign(y) * torch.log1p(y.abs())
        return self.top * torch.sigmoid(self.leave(F.relu(self.enter(x))))


class Guided(Parameters):
    """Features of references and importance -> table indices; exact.

    forward(features [b, m, h, w], integers within FEATURE_TOP; importance [b, 1, h, w], 0..top; row [b, m, 1, 1]) -> index
    """

    def __init__(self, width: int, m: int, top: int) -> None:
        super().__init__(width, m, ("index",), shapes=1)
        self.see = BoundedConv(m, width, 3, gain_in=STORE_UNIT, gain_out=ACTIVATION, reach=FEATURE_TOP)
        self.weigh = BoundedConv(1, width, 3, gain_in=1.0, gain_out=ACTIVATION, reach=float(top))

    def forward(self, features: Tensor, importance: Tensor, row: Tensor) -> Tensor:  # type: ignore[override]
        seen = self.requantize(self.see(features), -ROW_TOP, ROW_TOP)
        return self.predicted(self.mix(self.bounded(self.weigh(importance) + seen)), row)

"""Networks of tiles that are predicted from decoded tiles and refined in stages; the walk is walks/tiled.py.

Blocks and their transforms are intra.py's. Arrays hold one tile each, [b, c, k, k] for k x k blocks.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.exact import ExactNet
from calotype.nets.families import Family
from calotype.nets.hyper import ACTIVATION, BoundedConv, ContextParameters
from calotype.nets.integer import FINE_TOP
from calotype.walks.features import FEATURE
from calotype.walks.neighbours import LEVEL_TOP

__all__ = ["Refined", "TileContext", "TilePrediction"]

_TOP = 255.0


class TilePrediction(ExactNet):
    """Means at borders of decoded tiles -> what is told of a tile, and the tile as it is predicted; exact.

    forward(seen [b, planes, 1, 1], levels -128..127) -> side [b, width, k, k], integers 0..255;
    prediction [b, m, k, k], levels: what is smooth of it as a linear map to a few waves of each block, beside a hidden layer

    smooth   waves of a block that are predicted by the linear map
    """

    def __init__(self, planes: int, width: int, m: int, cells: int, smooth: int) -> None:
        super().__init__()
        same: dict[str, Any] = {"gain_in": ACTIVATION, "gain_out": ACTIVATION}
        self.cells = cells
        self.linear = BoundedConv(planes, smooth * cells**2, 1, **same, reach=LEVEL_TOP)
        self.see = BoundedConv(planes, width * cells**2, 1, **same, reach=LEVEL_TOP)
        self.mix = BoundedConv(width, width, 3, **same, reach=_TOP)
        self.leave = BoundedConv(smooth + width, m, 1, **same, reach=FINE_TOP)
        with torch.no_grad():
            self.leave.weight[:, smooth:] *= 0.1

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        waves = self.requantize(F.pixel_shuffle(self.linear(seen), self.cells), -FINE_TOP, FINE_TOP)
        side = self._bounded(self.mix(self._bounded(F.pixel_shuffle(self.see(seen), self.cells))))
        return side, self.requantize(self.leave(torch.cat([waves, side], 1)), -LEVEL_TOP, LEVEL_TOP - 1)

    def _bounded(self, x: Tensor) -> Tensor:
        return self.requantize(x.clamp(max=_TOP) if self.mode == "float" else x, 0, _TOP)


class TileContext(ContextParameters):
    """As `ContextParameters`, from magnitudes alone, of a tile's own symbols: seen [b, m, k, k], integers 0..127."""

    def __init__(self, width: int, m: int) -> None:
        super().__init__(width, m, known=0, kernel=3, outputs=("index",), shapes=2)
        self.see = BoundedConv(m, width, 3, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)
        nn.init.normal_(self.out.weight, std=0.02)


class Refined(Family):
    """Two shapes: Laplace, and flat over -1.6..1.6 scales with soft edges, as what is left of a symbol's cell is."""

    shapes = 2
    _HALF, _EDGE = 1.6, 0.1

    def cumulative(self, x: Tensor, shape: Tensor | None) -> Tensor:
        assert shape is not None
        peaked = 0.5 + 0.5 * torch.sign(x) * (1 - torch.exp(-x.abs()))
        low, high = (F.softplus((x + end) / self._EDGE) for end in (self._HALF, -self._HALF))
        flat = (low - high) * (self._EDGE / (2 * self._HALF))
        return torch.where(shape > 0.5, flat, peaked)

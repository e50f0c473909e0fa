"""Networks of blocks that see decoded blocks beside them, and the filter of their seams; the walk is walks/neighbours.py.

Each is applied to vectors, one for a block: arrays [b, c, h, w] hold as many blocks as h * w says, in no particular place.
Samples are levels -128..127. One natural unit of a layer's input or output is ACTIVATION integers, levels too.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.exact import ExactNet
from calotype.nets.hyper import ACTIVATION, ROW_TOP, BoundedConv, Parameters
from calotype.nets.integer import FINE_TOP
from calotype.nets.postfilter import PostFilter
from calotype.nets.transforms import UNIT, silenced
from calotype.walks.neighbours import LEVEL_TOP

__all__ = ["BlockAnalysis", "BlockContext", "BlockPixels", "BlockSynthesis", "BoundaryFilter", "PixelsToBlocks"]

_TOP = 255.0


class BlockContext(Parameters):
    """Decoded neighbours and side information -> what codes a block, and what it is predicted to be.

    forward(seen [b, planes, h, w], side [b, width, h, w], row [b, m, 1, 1]) -> hidden [b, width, h, w], integers 0..255;
    the prediction [b, m, h, w], levels, and the index, or else mean16 and the index
    """

    def __init__(self, planes: int, width: int, m: int, *, predicts: bool) -> None:
        super().__init__(width, m, ("index",) if predicts else ("mean16", "index"))
        same: dict[str, Any] = {"gain_in": ACTIVATION, "gain_out": ACTIVATION}
        self.mix = BoundedConv(width, width, 1, **same, reach=_TOP)
        self.see = BoundedConv(planes, width, 1, **same, reach=LEVEL_TOP)
        self.deep = BoundedConv(width, width, 1, **same, reach=_TOP)
        self.predict = BoundedConv(planes + width, m, 1, **same, reach=_TOP) if predicts else None
        nn.init.normal_(self.out.weight, std=0.02)

    def forward(self, seen: Tensor, side: Tensor, row: Tensor) -> Any:  # type: ignore[override]
        sums = self.mix(side) + self.requantize(self.see(seen), -ROW_TOP, ROW_TOP)
        hidden = self.bounded(self.deep(self.bounded(sums)))
        if self.predict is None:
            return hidden, *self.predicted(hidden, row)
        samples = self.requantize(self.predict(torch.cat([seen, hidden], 1)), -LEVEL_TOP, LEVEL_TOP - 1)
        return hidden, samples, self.predicted(hidden, row)


class BlockAnalysis(nn.Module):
    """A block (or its prediction's error) and what is known -> coefficients, in levels; a linear map to begin with.

    forward(block [b, m, h, w], hidden [b, width, h, w]) -> [b, m, h, w]; last the neighbours, where they are seen
    """

    def __init__(self, m: int, planes: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Conv2d(m + planes, m, 1)
        self.enter = nn.Conv2d(m + planes + width, width, 1)
        self.leave = silenced(nn.Conv2d(width, m, 1))  # with its bias: a unit of it is ACTIVATION grey levels

    def forward(self, block: Tensor, hidden: Tensor, seen: Tensor | None = None) -> Tensor:
        x = block if seen is None else torch.cat([block, seen], 1)
        h = self.enter(torch.cat([x, hidden], 1) * (1 / ACTIVATION))
        return self.linear(x) + self.leave(F.relu(h)) * ACTIVATION


class BlockSynthesis(ExactNet):
    """Coefficients and what is known -> the block, or what its prediction lacks; exact, and linear to begin with.

    forward(u [b, m, h, w] integers within FINE_TOP, hidden [b, width, h, w] integers 0..255) -> levels [b, m, h, w]; last
    the neighbours, where they are seen
    """

    def __init__(self, m: int, planes: int, width: int) -> None:
        super().__init__()
        same: dict[str, Any] = {"gain_in": ACTIVATION, "gain_out": ACTIVATION, "reach": FINE_TOP}
        self.low, self.high = (-LEVEL_TOP, LEVEL_TOP - 1) if planes else (1 - 2 * LEVEL_TOP, 2 * LEVEL_TOP - 1)
        self.enter = BoundedConv(m + width, width, 1, **same)
        self.leave = BoundedConv(m + width, m, 1, **same)
        # Apart: predictions have weights ten times as large, and a channel's weights share a power of two.
        self.beside = BoundedConv(planes, m, 1, **same | {"reach": LEVEL_TOP}) if planes else None
        with torch.no_grad():
            self.leave.weight[:, m:] = 0

    def forward(self, u: Tensor, hidden: Tensor, seen: Tensor | None = None) -> Tensor:
        h = self.enter(torch.cat([u, hidden], 1))
        h = self.requantize(h.clamp(max=_TOP) if self.mode == "float" else h, 0, _TOP)
        sums = self.leave(torch.cat([u, h], 1))
        if self.beside is not None:
            sums = sums + self.requantize(self.beside(seen), -ROW_TOP, ROW_TOP)
        return self.requantize(sums, self.low, self.high)


class PixelsToBlocks(nn.Module):
    """Picture [b, 3, h, w] in natural units -> levels of blocks [b, 3 side^2, h / side, w / side], not rounded."""

    halo_px = 0

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(x, self.side) * UNIT


class BlockPixels(ExactNet):
    """Levels of blocks -> picture [b, 3, h, w] in natural units; nothing else, so pixels are exact as well."""

    halo_px = 0

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def levels(self, u: Tensor) -> Tensor:
        """Grey levels less 128: [b, 3, h, w]."""
        return self.requantize(F.pixel_shuffle(u, self.side), -LEVEL_TOP, LEVEL_TOP - 1)

    def forward(self, u: Tensor) -> Tensor:
        return self.levels(u) * (1 / UNIT)


class BoundaryFilter(nn.Module):
    """As `BlockPixels`, and a correction by a network that knows where in its block every pixel lies; float.

    The correction's network is that of a pyramid (nets/postfilter.py). Its features come from weights of their own for
    each 4x4 cell of a block: how far a border is, and how much is left of the block, is what they can say.
    source   boundary-aware post-processing, Wu et al. 2021, arXiv:2012.09550, section III
    """

    def __init__(self, side: int, features: int, width: int) -> None:
        super().__init__()
        self.side = side
        self.place = nn.Conv2d(3 * side**2, features * (side // 4) ** 2, 1)
        self.post = PostFilter(features, width)
        self.halo_px = 4 * 4  # four 3x3 convolutions on cells of 4x4 pixels

    def forward(self, u: Tensor) -> Tensor:
        x = u * (1 / UNIT)
        blocks = F.pixel_unshuffle(F.pixel_shuffle(x, self.side), 4)
        features = F.pixel_shuffle(F.relu(self.place(x)), self.side // 4)
        return F.pixel_shuffle(blocks + self.post(blocks, features, x.new_zeros(1, 1, 1, 1)), 4)

"""The trainable whole of tiles that are refined in stages: steps by stage instead of gains by rate; its start is computed.

Not here: the walk (walks/tiled.py), networks (nets/tiles.py), what closed loops share (closed_loop.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from calotype.nets.transforms import UNIT
from calotype.train.freeze import Frozen
from calotype.train.methods.closed_loop import ClosedLoopSystem, basis_of
from calotype.train.system import Row
from calotype.walks.tiled import LOG_UNIT, Places, framed

__all__ = ["TiledSystem"]

_RIDGE = 20.0  # variance, in squared levels, of what decoding adds to neighbours
_FINEST = -6.0  # of squared errors, as a power of two: what bounds the row


class TiledSystem(ClosedLoopSystem):
    """As `ClosedLoopSystem`, with the walk "tiled": a stage has a step, the rate a squared error that tiles must reach.

    targets   that error at the rate anchors, squared levels
    step      of the first stage, levels; each later one begins with half of the one before
    """

    def __init__(self, *, targets: Sequence[float], step: float, **named: Any) -> None:
        rows = {
            **named.pop("rows"),
            "count.target": Row(1, LOG_UNIT, fixed=[[math.log2(target)] for target in targets]),
        }
        super().__init__(**named, rows=rows)
        m, self.stages, self.step = self.inverse.shape[1], self.walk.stages, step
        self.row_kinds["y.inverse"] = replace(self.row_kinds["y.inverse"], channels=self.stages * m)
        self.inverse = torch.nn.Parameter(torch.zeros(1, self.stages * m))

    def row_anchors(self, name: str) -> Tensor:
        found = super().row_anchors(name)
        return found.expand(self.rate_anchors, -1) if name == "y.inverse" else found

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        """The closed form: cosines by variance, the best linear prediction of the first of them, steps that halve."""
        levels = self.analysis((crops - 128) / UNIT)
        m, cells, predict = levels.shape[1], self.walk.cells, self.nets["predict"]
        whole = framed((levels + 0.5).floor())
        places = Places.everywhere(levels.shape[2] // cells, levels.shape[3] // cells, cells)
        basis = basis_of(crops, self.walk.cell).to(levels)
        tiles = torch.einsum("km,bmyx->bkyx", basis, places.cut(whole))
        order = tiles.square().mean((0, 2, 3)).argsort(descending=True)
        basis, tiles = basis[order], tiles[:, order]
        x = self.walk.seen(whole, places)[:, :, 0, 0].double()
        smooth = predict.leave.weight.shape[1] - predict.mix.weight.shape[0]
        gram = x.T @ x / len(x) + _RIDGE * torch.eye(x.shape[1]).to(x)
        linear = torch.linalg.solve(gram, x.T @ tiles[:, :smooth].flatten(1).double() / len(x)).float()  # planes, waves
        tiles[:, :smooth] -= (x.float() @ linear).unflatten(1, (smooth, cells, cells))
        predict.linear.weight.copy_(linear.T[:, :, None, None])
        predict.leave.weight[:, :smooth, 0, 0] = basis[:smooth].T
        self.nets["block_analysis"].linear.bias.zero_()
        self.nets["block_analysis"].linear.weight[:, :m, 0, 0] = basis
        self.nets["block_synthesis"].leave.weight[:, :m, 0, 0] = basis.T
        for stage in range(self.stages):
            own, step = slice(stage * m, (stage + 1) * m), self.step / 2**stage
            self.inverse[:, own] = math.log(step / UNIT)
            size = torch.log((tiles / step).abs().mean((0, 2, 3)).clamp_min(1e-3)).clamp(-2.5, 5)
            self.rows["y_scale"][:, own] = size
            tiles = tiles - (tiles / step + 0.5).floor() * step
        self.follow()

    def frozen(self) -> Frozen:
        zeros = self.gain.detach().cpu().numpy()
        return replace(super().frozen(), floats={"anchors/row.synthesis": zeros})

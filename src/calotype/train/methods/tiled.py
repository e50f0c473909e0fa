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
from calotype.walks.tiled import LOG_UNIT, THIRD, Places, framed

__all__ = ["TiledSystem"]

_RIDGE = 20.0  # variance, in squared levels, of what decoding adds to neighbours
_FEW = 12  # tiles are too few for scales of their own


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
        """The closed form: cosines by variance, the best linear prediction of the first, scales by number of stages."""
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
        left, sizes, errors = tiles, [], []
        for stage in range(self.stages):
            step = self.step / THIRD**stage
            self.inverse[:, stage * m : (stage + 1) * m] = math.log(step / UNIT)
            errors.append(left.square().mean((1, 2, 3)))
            sizes.append((left / step).abs().mean((2, 3)))
            left = left - (left / step + 0.5).floor() * step
        rows = self.rows["y_scale"].unflatten(1, (self.stages, self.stages, m))
        targets = 2.0 ** (self.row_anchors("count.target") / LOG_UNIT)
        for anchor, target in enumerate(targets):
            count = torch.stack([error > target for error in errors]).cumprod(0).sum(0)
            for stage, size in enumerate(sizes):
                for last in range(stage, self.stages):  # of tiles that need last + 1 stages; of all, where few do
                    few = int((count == last + 1).sum()) < _FEW
                    seen = size[(count > stage) | (count == self.stages)] if few else size[count == last + 1]
                    seen = size if len(seen) < _FEW else seen
                    rows[anchor, stage, last] = torch.log(seen.mean(0).clamp_min(1e-3)).clamp(-2.5, 5)
        self.follow()

    def frozen(self) -> Frozen:
        made, zeros = super().frozen(), self.gain.detach().cpu().numpy()
        banks = {name: bank for name, bank in made.banks.items() if name != "laplace"}  # nothing is coded by it
        return replace(made, floats={"anchors/row.synthesis": zeros}, banks=banks)

"""The trainable whole of a system of blocks in a closed loop; its start is computed from pictures, not drawn.

Not here: the walk (walks/neighbours.py), networks (nets/intra.py), what all systems of integers share (integer_system.py).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calotype import blocks
from calotype.nets.intra import BlockPixels
from calotype.nets.transforms import UNIT
from calotype.train.freeze import FrozenNet
from calotype.train.integer_system import IntegerSystem
from calotype.train.system import System

__all__ = ["ClosedLoopSystem", "basis_of"]

_RIDGE = 20.0  # variance, in squared levels, of what decoding adds to neighbours


class ClosedLoopSystem(IntegerSystem):
    """As `IntegerSystem`: latents are levels of blocks, and what is coded is `q`, in steps of the row "y.inverse".

    The start: the best linear prediction from neighbours, a cosine transform of what it lacks in rotated colours, steps
    of high rates, scales as the pictures have them.
    """

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        del self.gain
        self.register_buffer("gain", torch.zeros_like(self.inverse))

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        """The closed form."""
        levels = self.analysis((crops - 128) / UNIT)
        m, context = levels.shape[1], self.nets["context"]
        seen = self.walk.seen((levels + 0.5).floor())
        x, target = (part.permute(0, 2, 3, 1).reshape(-1, part.shape[1]).double() for part in (seen, levels))
        gram = x.T @ x / len(x) + _RIDGE * torch.eye(x.shape[1]).to(x)
        linear = torch.linalg.solve(gram, x.T @ target / len(x)).T.float()  # m planes
        basis = basis_of(crops, round((m // 3) ** 0.5)).to(levels)
        coefficients = (target.float() - x.float() @ linear.T) @ basis.T
        analysis, synthesis = self.nets["block_analysis"].linear, self.nets["block_synthesis"]
        analysis.bias.zero_()
        analysis.weight[:, :m, 0, 0] = basis
        synthesis.leave.weight[:, :m, 0, 0] = basis.T
        if context.predict is None:
            analysis.weight[:, m:, 0, 0] = -basis @ linear
            synthesis.beside.weight[:, :, 0, 0] = linear
        else:
            context.predict.weight[:, : len(linear.T), 0, 0] = linear
            context.predict.weight[:, len(linear.T) :] *= 0.1
        log_step = 0.5 * (math.log(26) - self.log_lambdas)[:, None]  # of the least loss at high rates, in levels
        self.inverse.copy_((log_step - math.log(UNIT)).expand_as(self.inverse))
        size = torch.log(coefficients.abs().mean(0).clamp_min(1e-3))
        self.rows["y_scale"].copy_((size[None] - log_step).clamp(-2.5, 5))
        self.follow()

    def _transforms(self) -> dict[str, FrozenNet]:
        return super()._transforms() if isinstance(self.synthesis, BlockPixels) else System._transforms(self)


def basis_of(crops: Tensor, side: int) -> Tensor:
    """Orthonormal rows [3 side^2, 3 side^2]: cosines of each of three colours that pictures do not correlate."""
    flat = (crops - 128).permute(0, 2, 3, 1).reshape(-1, 3).double()
    colours = torch.linalg.eigh(flat.T @ flat / len(flat))[1].flip(1).T.float().cpu().numpy()
    return torch.from_numpy(np.kron(colours, blocks.cosines(side).reshape(side**2, -1)).astype(np.float32))

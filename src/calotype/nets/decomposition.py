"""A transform that decomposes a picture into codes of several scales: at each some channels leave, the others go on.

Not here: one code that takes from all resolutions (multiscale.py), wavelets (wavelet.py, lifted.py).
source   Cai, Chen, Zhang, Gao 2019, doi:10.1109/TCSVT.2018.2880492 (multi-scale decomposition transform)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.residual import Residual
from calotype.nets.transforms import halo_px, silenced

__all__ = ["Decomposition", "Recomposition"]


class Decomposition(nn.Module):
    """Picture [b, 3, h, w] -> codes [b, sum of groups, h/16, w/16], coarsest scale first, finer ones as cells.

    on      channels that go on from 1/2, 1/4 and 1/8
    sent    channels that leave there and at 1/16: four numbers, the first of them may be 0
    """

    def __init__(self, on: Sequence[int], sent: Sequence[int]) -> None:
        super().__init__()
        self.on, self.sent = (*on, 0), tuple(sent)
        self.scales = len(self.sent)
        kept = [some + leaves for some, leaves in zip(self.on, self.sent, strict=True)]
        given = [4 * channels for channels in (3, *on)]
        self.blocks = nn.ModuleList(Residual(channels) for channels in given)
        self.turns = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(given, kept, strict=True))
        groups = [leaves << 2 * (self.scales - 1 - level) for level, leaves in enumerate(self.sent) if leaves]
        self.groups = tuple(groups[::-1])
        self.halo_px = halo_px([(3, 2 << level) for level in range(self.scales) for _ in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        return self._decomposed(x, None)

    @torch.no_grad()
    def start(self, synthesis: Recomposition, pictures: Tensor) -> None:
        """Principal components of cells, scale by scale: those of most energy go on, the next ones leave."""
        for block in (*self.blocks, *synthesis.blocks):
            silenced(block.path[-1])
        self._decomposed(pictures, synthesis)

    def _decomposed(self, x: Tensor, follower: Recomposition | None) -> Tensor:
        codes = []
        for level, (block, turn) in enumerate(zip(self.blocks, self.turns, strict=True)):
            x = block(F.pixel_unshuffle(x, 2))
            if follower is not None:
                flat = x.movedim(1, -1).reshape(-1, x.shape[1]).double()
                axes = torch.linalg.eigh(flat.T @ flat / len(flat))[1].flip(1)[:, : turn.out_channels].float()
                turn.weight.copy_(axes.T[:, :, None, None])
                follower.turns[level].weight.copy_(axes[:, :, None, None])
                nn.init.zeros_(turn.bias)
                nn.init.zeros_(follower.turns[level].bias)
            x, leaves = turn(x).split([self.on[level], self.sent[level]], 1)
            if self.sent[level]:
                side = 1 << (self.scales - 1 - level)
                codes.append(F.pixel_unshuffle(leaves, side) if side > 1 else leaves)
        return torch.cat(codes[::-1], 1)


class Recomposition(nn.Module):
    """The way back: each scale's code joins what came from the coarser one."""

    def __init__(self, like: Decomposition) -> None:
        super().__init__()
        self.on, self.sent, self.scales, self.groups = like.on, like.sent, like.scales, like.groups
        self.blocks = nn.ModuleList(Residual(turn.in_channels) for turn in like.turns)
        self.turns = nn.ModuleList(nn.Conv2d(turn.out_channels, turn.in_channels, 1) for turn in like.turns)
        self.halo_px = like.halo_px

    def forward(self, y: Tensor) -> Tensor:
        codes = iter(y.split(self.groups, 1))
        x = y[:, :0]
        for level in reversed(range(self.scales)):
            if self.sent[level]:
                side, code = 1 << (self.scales - 1 - level), next(codes)
                code = F.pixel_shuffle(code, side) if side > 1 else code
                x = code if level == self.scales - 1 else torch.cat([x, code], 1)
            x = F.pixel_shuffle(self.blocks[level](self.turns[level](x)), 2)
        return x

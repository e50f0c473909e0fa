"""Learned compressive sensing: a learned matrix measures blocks, its transpose begins a recovery that convolutions finish.

    picture -> blocks of 32x32x3 -> learned rows, no bias -> * gain(rate) -> round -> y (1/32)   tables(channel, rate)
                                                                               |
    picture <- + <- conv3 ReLU conv3 ReLU ... conv3 <-- blocks <- learned columns <- * inverse gain(rate) <-

Shi, Jiang, Zhang, Zhao 2017, "Deep networks for compressed image sensing": sampling, linear start and five convolutions
in one training. The share of samples is the number of rows; size "ratio25" has as many as a quarter of the luma samples.
Differs from the paper: colour, with half as many rows for both chroma planes together as for luma; rows begin as the
lowest cosines, which are good already (docs/systems/compressive-sensing.md); measurements are rounded and entropy coded,
and the rate is in the loss.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0067, 0.0250, 0.0932)
TYPICAL_BPP = (0.15, 0.25, 0.40, 0.60)
SIDE = 32
ROWS = 154  # 102 of luma, a tenth of 1024, and 52 of chroma


def system(rows: int = ROWS, side: int = SIDE, width: int = 32, layers: int = 5) -> Any:
    """The trainable system; sizes as the figure above has them."""
    import numpy as np
    import torch
    from torch import nn

    from calotype import blocks
    from calotype.model.manifest import Latent
    from calotype.train.system import System

    luma, chroma = rows - rows // 3, rows // 3
    colours = [0] * luma + [1 + k % 2 for k in range(chroma)]
    ranks = [*range(luma), *(k // 2 for k in range(chroma))]
    cosines, axes = blocks.cosines(side)[ranks], blocks.LUMA_CHROMA.T[colours]
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    start = torch.from_numpy((axes[:, :, None] * cosines[:, None]).reshape(rows, 3, side, side).astype(np.float32))
    # Cb and Cr are not at right angles to each other in R G B, so columns are the pseudo-inverse of rows.
    back = torch.linalg.pinv(start.reshape(rows, -1)).T.reshape(rows, 3, side, side).contiguous()

    class Sampling(nn.Conv2d):
        halo_px = 0

        def __init__(self) -> None:
            super().__init__(3, rows, side, side, bias=False)
            self.weight.data.copy_(start)

    class Recovery(nn.Module):
        halo_px = layers  # blocks need none, each convolution a pixel

        def __init__(self) -> None:
            super().__init__()
            self.columns = nn.ConvTranspose2d(rows, 3, side, side, bias=False)
            self.columns.weight.data.copy_(back)
            sizes = [3, *[width] * (layers - 1), 3]
            parts: list[nn.Module] = []
            for inner, outer in pairwise(sizes):
                parts += [nn.Conv2d(inner, outer, 3, 1, 1), nn.ReLU()]
            self.residual = nn.Sequential(*parts[:-1])
            last = parts[-2]
            assert isinstance(last, nn.Conv2d) and last.bias is not None
            last.weight.data *= 0.1  # the residual begins small
            last.bias.data.zero_()

        def forward(self, y: torch.Tensor) -> torch.Tensor:
            first = self.columns(y)
            return first + self.residual(first)

    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Sampling(),
        synthesis=Recovery(),
        latents={"y": Latent(rows, side, -1023, 1023)},
        walk="factorized",
        priors=("y",),
        align_px=side,
    )


RECIPE = Recipe(
    name="shi2017-csnet",
    title="learned block sampling, linear start, convolutions that finish the recovery",
    paper="Shi, Jiang, Zhang, Zhao 2017, doi:10.1109/ICME.2017.8019428",
    walk="factorized",
    build=system,
    sizes={"ratio25": {"rows": 384}, "tiny": {"rows": 24, "side": 16, "width": 6, "layers": 3}},
    phases=(Phase(name="everything"),),
)

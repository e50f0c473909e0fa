"""Networks of hyperpriors: the float hyper-analysis, and the exact hyper-synthesis and parameter networks.

Not here: the order of coding (walks/hyperprior.py, walks/checkerboard.py), priors (train/priors.py). In exact networks
one natural unit is worth ACTIVATION integers, so activations reach 255 / ACTIVATION; float training keeps that bound,
and the switch to integers needs no calibration.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.coding.densities import LAPLACE_PER_LOG, LAPLACE_STEPS
from calotype.nets.exact import ExactConv, ExactNet, round_ste
from calotype.walks.features import FEATURE, PARITY

__all__ = [
    "ACTIVATION",
    "INDEX_FINE",
    "ROW_TOP",
    "BoundedConv",
    "ContextParameters",
    "HyperAnalysis",
    "HyperSynthesis",
    "Parameters",
]

ACTIVATION = 32.0
INDEX_FINE = 16.0  # rows added to table indices are in sixteenths of an index
ROW_TOP = 1000.0  # integers that are added to sums stay within this
_TOP = 255.0
_FINEST = 12  # of a grid, as a power of two: ROW_TOP stays below 2^22 units


class BoundedConv(ExactConv):
    """An exact convolution that chooses its grid so coarse that no sum can leave 2^22, whatever its weights.

    reach   largest magnitude of an integer at the input
    """

    def __init__(self, *arguments: int, reach: float, **named: object) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        self.reach = reach

    def integers(self) -> tuple[Tensor, Tensor, Tensor]:
        """As `ExactConv.integers`; a channel with an unusually large sum of weights loses some bits of them."""
        weight, bias = self.natural()
        size = weight.detach().abs()
        top, mass = size.amax((1, 2, 3)).clamp_min(2.0**-20), size.sum((1, 2, 3)) * self.reach + bias.detach().abs() + 1
        k = torch.minimum(torch.log2(127.49 / top), torch.log2(2.0**22 / mass)).floor().clamp(-_FINEST, _FINEST)
        step = 2.0**k
        whole = round_ste(weight * step[:, None, None, None]).clamp(-127, 127)
        return whole, round_ste((bias + self.rounding) * step) / step, k


class HyperAnalysis(nn.Module):
    """y [b, m, h, w] -> z [b, n, h/4, w/4]: three convolutions on signed logarithms, for y spans decades over the rates."""

    def __init__(self, m: int, n: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(m, n, 3, padding=1)
        self.middle = nn.Conv2d(n, n, 5, 2, 2)
        self.leave = nn.Conv2d(n, n, 5, 2, 2)

    def forward(self, y: Tensor) -> Tensor:
        x = torch.sign(y) * torch.log1p(y.abs())
        return self.leave(F.relu(self.middle(F.relu(self.enter(x)))))


class _Exact(ExactNet):
    def bounded(self, x: Tensor) -> Tensor:
        """ReLU with the upper bound of 8 bits in every mode."""
        return self.requantize(x.clamp(max=_TOP) if self.mode == "float" else x, 0, _TOP)


class HyperSynthesis(_Exact):
    """z and the rate -> what the parameter networks start from.

    forward(z [b, n, h, w] integers -127..127, row [b, width, 1, 1] integers) -> [b, width, 4h, 4w] integers 0..255
    """

    def __init__(self, n: int, width: int) -> None:
        super().__init__()
        same = {"gain_in": ACTIVATION, "gain_out": ACTIVATION, "reach": _TOP}
        self.enter = BoundedConv(n, width, 3, gain_in=1.0, gain_out=ACTIVATION, reach=127.0)
        self.up = BoundedConv(width, 4 * width, 1, **same)
        self.leave = BoundedConv(width, 4 * width, 3, **same)

    def forward(self, z: Tensor, row: Tensor) -> Tensor:
        x = self.bounded(self.enter(z) + row)
        x = F.pixel_shuffle(self.bounded(self.up(x)), 2)
        return F.pixel_shuffle(self.bounded(self.leave(x)), 2)


class Parameters(_Exact):
    """Side information -> mean and table of every position.

    forward(side [b, width, h, w], row [b, m, 1, 1]) -> mean16, index, both [b, m, h, w]
    row    per rate, added to the index, in sixteenths of an index
    """

    def __init__(self, width: int, m: int) -> None:
        super().__init__()
        self.m = m
        self.mix = BoundedConv(width, width, 3, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=_TOP)
        out = torch.cat([torch.full((m,), 16.0), torch.full((m,), LAPLACE_PER_LOG)])
        self.out = BoundedConv(width, 2 * m, 1, gain_in=ACTIVATION, gain_out=out, reach=_TOP)
        with torch.no_grad():
            self.out.weight.zero_()

    def forward(self, side: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        return self.predicted(self.mix(side), row)

    def predicted(self, h: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and index from the sums of the hidden layer."""
        mean, index = self.out(self.bounded(h)).split(self.m, 1)
        mean, index = self.requantize(mean, -2048, 2047), index + row * (1 / INDEX_FINE)
        if self.mode == "float":
            return mean, index.clamp(0, LAPLACE_STEPS - 1)
        index = self.requantize(index, 0, LAPLACE_STEPS - 1)
        if self.mode == "exact":
            return mean, index
        return mean.to(torch.int16), index.to(torch.uint8)  # an eighth of the memory between network and coder


class ContextParameters(Parameters):
    """As `Parameters`, from the values known so far as well: 5x5 around each position, zero where nothing is coded.

    forward(side [b, width, h, w], seen [b, 2m + 3, h, w], row [b, m, 1, 1]); seen as walks.features.with_symbols gives it
    """

    def __init__(self, width: int, m: int) -> None:
        super().__init__(width, m)
        self.see = BoundedConv(2 * m + PARITY, width, 5, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)

    def forward(self, side: Tensor, seen: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        # Rounded first: two convolutions on grids of their own might leave the bound together.
        seen = self.requantize(self.see(seen), -ROW_TOP, ROW_TOP)
        return self.predicted(self.mix(side) + seen, row)

"""Networks of hyperpriors: the float hyper-analysis, and the exact hyper-synthesis and parameter networks.

Not here: the order of coding (walks/hyperprior.py, walks/checkerboard.py), priors (train/priors.py). In exact networks
one natural unit is worth ACTIVATION integers, so activations reach 255 / ACTIVATION; float training keeps that bound,
and the switch to integers needs no calibration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.coding.densities import LAPLACE_PER_LOG, LAPLACE_STEPS
from calotype.coding.shapes import SHAPED_PER_LOG, SHAPED_STEPS
from calotype.nets.exact import ExactConv, ExactNet, round_ste
from calotype.walks.features import FEATURE, PARITY

__all__ = [
    "ACTIVATION",
    "INDEX_FINE",
    "ROW_TOP",
    "BoundedConv",
    "ContextParameters",
    "FoldingAnalysis",
    "HyperAnalysis",
    "HyperSynthesis",
    "Parameters",
    "ResidualPrediction",
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


class FoldingAnalysis(nn.Module):
    """Coarser side information without losing any on the way: samples of 2x2 cells become channels, then 1x1 convolutions.

    forward(y [b, m, h, w]) -> [b, n, h/2, w/2]
    source   Hu, Yang, Liu 2020: signal-preserving hyper transform (arXiv:2002.03711, section V)
    """

    def __init__(self, m: int, n: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(m, n, 3, padding=1)
        self.mix = nn.Conv2d(4 * n, 2 * n, 1)
        self.leave = nn.Conv2d(2 * n, n, 1)

    def forward(self, y: Tensor) -> Tensor:
        x = self.enter(torch.sign(y) * torch.log1p(y.abs()))
        return self.leave(F.relu(self.mix(F.pixel_unshuffle(F.relu(x), 2))))


class _Exact(ExactNet):
    def bounded(self, x: Tensor) -> Tensor:
        """ReLU with the upper bound of 8 bits in every mode."""
        return self.requantize(x.clamp(max=_TOP) if self.mode == "float" else x, 0, _TOP)


class HyperSynthesis(_Exact):
    """z and the rate -> what the parameter networks start from.

    forward(z [b, n, h, w] integers -127..127, row [b, width, 1, 1] integers) -> [b, width, 4h, 4w] integers 0..255
    fine       z in sixteenths, integers -2032..2032: of side information that has means itself
    doublings  2, or 1 for [b, width, 2h, 2w]
    """

    def __init__(self, n: int, width: int, *, fine: bool = False, doublings: int = 2) -> None:
        super().__init__()
        same = {"gain_in": ACTIVATION, "gain_out": ACTIVATION, "reach": _TOP}
        unit = 16.0 if fine else 1.0
        self.enter = BoundedConv(n, width, 3, gain_in=unit, gain_out=ACTIVATION, reach=127.0 * unit)
        self.up = BoundedConv(width, 4 * width, 1, **same) if doublings == 2 else None
        self.leave = BoundedConv(width, 4 * width, 3, **same)

    def forward(self, z: Tensor, row: Tensor) -> Tensor:
        x = self.bounded(self.enter(z) + row)
        if self.up is not None:
            x = F.pixel_shuffle(self.bounded(self.up(x)), 2)
        return F.pixel_shuffle(self.bounded(self.leave(x)), 2)


class Parameters(_Exact):
    """Side information -> what the distribution of every position is made of.

    forward(side [b, width, h, w], row [b, m, 1, 1]) -> `outputs`, each [b, m, h, w]; one alone is no tuple
    row       per rate, added to the index, in sixteenths of an index
    outputs   of "mean16", "index" and "shape", in this order
    shapes    0: indices are of Laplace tables (coding/densities.py); else of a family with so many (coding/shapes.py)
    """

    def __init__(self, width: int, m: int, outputs: Sequence[str] = ("mean16", "index"), shapes: int = 0) -> None:
        super().__init__()
        self.m, self.outputs, self.shapes = m, tuple(outputs), shapes
        self.top = (SHAPED_STEPS if shapes else LAPLACE_STEPS) - 1
        self.mix = BoundedConv(width, width, 3, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=_TOP)
        unit = {"mean16": 16.0, "index": SHAPED_PER_LOG if shapes else LAPLACE_PER_LOG, "shape": 1.0}
        out = torch.cat([torch.full((m,), unit[name]) for name in self.outputs])
        self.out = BoundedConv(width, len(self.outputs) * m, 1, gain_in=ACTIVATION, gain_out=out, reach=_TOP)
        if "mean16" in self.outputs:
            nn.init.zeros_(self.out.weight)
        else:  # scales alone learn from noise: from zero they would not see what z says for long
            nn.init.normal_(self.out.weight, std=0.1)

    def forward(self, side: Tensor, row: Tensor) -> Any:
        return self.predicted(self.mix(side), row)

    def predicted(self, h: Tensor, row: Tensor) -> Any:
        """The outputs from the sums of the hidden layer."""
        sums = self.out(self.bounded(h)).split(self.m, 1)
        found = [self._finished(name, x, row) for name, x in zip(self.outputs, sums, strict=True)]
        return tuple(found) if len(found) > 1 else found[0]

    def _finished(self, name: str, x: Tensor, row: Tensor) -> Tensor:
        if name == "mean16":
            mean = self.requantize(x, -2048, 2047)
            return mean.to(torch.int16) if self.mode == "folded" else mean
        top, x = (self.top, x + row * (1 / INDEX_FINE)) if name == "index" else (self.shapes - 1, x + self.shapes // 2)
        if self.mode == "float":
            return x.clamp(0, top)
        whole = self.requantize(x, 0, top)
        return whole.to(torch.uint8) if self.mode == "folded" else whole  # less memory between network and coder


class ContextParameters(Parameters):
    """As `Parameters`, from the values known so far as well: 5x5 around each position, zero where nothing is coded.

    forward(side [b, width, h, w], seen [b, 2n + 3, h, w], row [b, m, 1, 1]); seen as walks.features.with_symbols gives it
    known   n, channels of the values that are seen; m where left out
    """

    def __init__(self, width: int, m: int, *, known: int | None = None, kernel: int = 5, **named: Any) -> None:
        super().__init__(width, m, **named)
        planes = 2 * (m if known is None else known) + PARITY
        self.see = BoundedConv(planes, width, kernel, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)

    def forward(self, side: Tensor, seen: Tensor, row: Tensor) -> Any:  # type: ignore[override]
        # Rounded first: two convolutions on grids of their own might leave the bound together.
        seen = self.requantize(self.see(seen), -ROW_TOP, ROW_TOP)
        return self.predicted(self.mix(side) + seen, row)


class ResidualPrediction(_Exact):
    """What rounding took from m channels, at most half a step, from side information and all values known so far.

    forward(side [b, width, h, w], seen [b, 2 known + 3, h, w]) -> sixteenths of a step, -8..8, [b, m, h, w]
    source   latent residual prediction, Minnen and Singh 2020, arXiv:2007.08739, section 3.2
    """

    def __init__(self, width: int, m: int, known: int) -> None:
        super().__init__()
        self.mix = BoundedConv(width, width, 1, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=_TOP)
        self.see = BoundedConv(2 * known + PARITY, width, 3, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)
        self.out = BoundedConv(width, m, 1, gain_in=ACTIVATION, gain_out=16.0, reach=_TOP)
        nn.init.zeros_(self.out.weight)

    def forward(self, side: Tensor, seen: Tensor) -> Tensor:
        h = self.mix(side) + self.requantize(self.see(seen), -ROW_TOP, ROW_TOP)
        residual = self.out(self.bounded(h))
        return residual.clamp(-8, 8) if self.mode == "float" else self.requantize(residual, -8, 8)

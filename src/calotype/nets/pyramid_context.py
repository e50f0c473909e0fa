"""The exact context networks of a coarse-to-fine pyramid: what predicts a band from coarser bands and known symbols.

Not here: the order of steps (walks/pyramid.py), the wavelet (pyramid.py), the float post-filter (nets/postfilter.py).
All tensors are integer-valued float32. One natural unit is worth FEATURE integers in symbol features, ACTIVATION in
hidden activations, FINE times as much in sums that are kept between steps, 16 in means, 7 in table indices.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.coding.densities import LAPLACE_PER_LOG, LAPLACE_STEPS
from calotype.nets.exact import ExactConv, ExactNet
from calotype.walks.features import FEATURE, PARITY

__all__ = ["ACTIVATION", "FINE", "INDEX_FINE", "V_TOP", "Carry", "Lift", "Step"]

ACTIVATION = (
    16.0  # hidden activations reach 255 / 16 natural units; calibrated per layer at the start of exact training
)
FINE = 16.0  # sums between steps keep four more bits than activations
INDEX_FINE = 16.0  # rows added to table indices are in sixteenths of an index
_TOP = 255.0
V_TOP = 2.0**13  # 512 activations: what the bounds of the sums leave, and twice what an activation may be
_SUMMED = 13  # finest grid of outputs that are summed with others


class Lift(ExactNet):
    """Features of the coarser level to this level: u = relu(shuffle(conv1x1)), v = conv3x3(u) + rate row.

    forward(coarse [b, cin, h, w], row [b, c, 1, 1] in 1/FINE activations) -> v, u, both [b, c, 2h, 2w], or [b, c, h, w]
    where `shuffle` is off; v in activations, a multiple of 1/FINE. The last band needs no u: `alone`, and v is all.
    """

    def __init__(self, cin: int, width: int, *, shuffle: bool, alone: bool) -> None:
        super().__init__()
        self.shuffle, self.alone = shuffle, alone
        self.up = ExactConv(cin, 4 * width if shuffle else width, 1, gain_in=ACTIVATION, gain_out=ACTIVATION)
        self.spread = ExactConv(width, width, 3, gain_in=ACTIVATION, gain_out=ACTIVATION * FINE)

    def set_gains(self, coarse: float, u: float, h: float) -> None:
        """Integers per natural unit of the coarser features, of u and of the hidden activations."""
        self.up.set_gains(coarse, u)
        self.spread.set_gains(u, h * FINE)

    def forward(self, coarse: Tensor, row: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        u = self.requantize(self.up(coarse), 0, _TOP, "u")
        if self.shuffle:
            u = F.pixel_shuffle(u, 2)
        v = (self.requantize(self.spread(u), -V_TOP, V_TOP) + row) * (1 / FINE)
        return v if self.alone else (v, u)


class Step(ExactNet):
    """One step of a band: mean and table index of every position, from v and the symbols known so far.

    forward(v [b, width, h, w], known [b, f, h, w], row [b, c, 1, 1]) -> mean16, index, both [b, c, h, w]
    known   symbol features (2c channels, absent in the first step) then the parity planes of value FEATURE
    row     per rate, added to the index, in sixteenths of an index
    """

    def __init__(self, channels: int, width: int, *, first: bool) -> None:
        super().__init__()
        self.channels, self.first = channels, first
        seen = 0 if first else 2 * channels
        self.see = ExactConv(
            seen + PARITY, width, 1 if first else 3, gain_in=FEATURE, gain_out=ACTIVATION, finest=_SUMMED
        )
        self.mix = ExactConv(width, width, 1, gain_in=ACTIVATION, gain_out=ACTIVATION)
        out = torch.cat([torch.full((channels,), 16.0), torch.full((channels,), LAPLACE_PER_LOG)])
        self.out = ExactConv(width, 2 * channels, 1, gain_in=ACTIVATION, gain_out=out, finest=_SUMMED)
        with torch.no_grad():
            self.see.weight[:, seen:] = 0
            self.out.weight.zero_()

    def set_gains(self, h: float) -> None:
        """Integers per natural unit of the hidden activations."""
        self.see.set_gains(None, h)
        self.mix.set_gains(h, h)
        self.out.set_gains(h, None)

    def forward(self, v: Tensor, known: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.see(known)
        h = self.requantize(seen + v, 0, _TOP, "h")
        h = h + self.requantize(self.mix(h), 0, _TOP, "h")
        mean, index = self.out(h).split(self.channels, 1)
        mean = self.requantize(mean, -2048, 2047)
        index = index + row * (1 / INDEX_FINE)
        if self.mode == "float":
            return mean, index.clamp(0, LAPLACE_STEPS - 1)
        return mean, self.requantize(index, 0, LAPLACE_STEPS - 1)


class Carry(ExactNet):
    """Features of a finished band for the next finer level: relu(conv3x3(symbols) + conv1x1(u)), then a residual block.

    forward(known [b, 2c + 3, h, w], u [b, width, h, w]) -> [b, width, h, w], integers in [-255, 255]
    """

    def __init__(self, channels: int, width: int, *, has_u: bool, residual: bool) -> None:
        super().__init__()
        same = {"gain_in": ACTIVATION, "gain_out": ACTIVATION}
        self.own = ExactConv(2 * channels + PARITY, width, 3, gain_in=FEATURE, gain_out=ACTIVATION, finest=_SUMMED)
        self.lifted = ExactConv(width, width, 1, **same, rounding=0.0, finest=_SUMMED) if has_u else None
        self.first = ExactConv(width, width, 3, **same) if residual else None
        self.second = ExactConv(width, width, 3, **same, finest=_SUMMED) if residual else None
        with torch.no_grad():
            self.own.weight[:, 2 * channels :] = 0
            if self.second is not None:
                nn.init.zeros_(self.second.weight)

    def set_gains(self, u: float, f: float) -> None:
        """Integers per natural unit of u and of the features."""
        self.own.set_gains(None, f)
        for conv, gain_in in ((self.lifted, u), (self.first, f), (self.second, f)):
            if conv is not None:
                conv.set_gains(gain_in, f)

    def forward(self, known: Tensor, u: Tensor | None = None) -> Tensor:
        f = self.own(known)
        if self.lifted is not None:
            f = f + self.lifted(u)
        f = self.requantize(f, 0, _TOP, "f")
        if self.first is not None:
            assert self.second is not None
            inner = self.requantize(self.first(f), 0, _TOP, "f")
            f = self.requantize(f + self.second(inner), -_TOP, _TOP, "f")
        return f

"""Non-local attention: masks of float transforms within a bounded neighbourhood, and the exact networks of a masked prior.

Not here: the integers of attention itself (walks/references.py), the order of coding (walks/volume.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.attention import Gate
from calotype.nets.exact import ExactNet
from calotype.nets.hyper import ACTIVATION, BoundedConv, ContextParameters, HyperAnalysis
from calotype.nets.residual import Residual
from calotype.nets.transforms import Analysis, Synthesis
from calotype.walks.features import FEATURE
from calotype.walks.references import TOP
from calotype.walks.volume import GATE

__all__ = ["Mask", "NonLocal", "NonLocalAnalysis", "NonLocalGate", "NonLocalHyperAnalysis", "NonLocalSynthesis",
           "Spread", "Tokens", "VolumeParameters"]  # fmt: skip

REACH = 4  # positions that a neighbourhood extends to each side: 9x9, at 1/16 a square of 144 pixels


class NonLocal(nn.Module):
    """x + W softmax(q k / sqrt d) v, from [b, c, h, w] to the same shape.

    reach   keys lie within so many positions of a query, zeros beyond the edges: windows of a picture then see what the
            whole picture does (law L5). None: all positions, for networks that see a tile
    source  Wang et al. 2018, arXiv:1711.07971, figure 2 (embedded Gaussian), where every position is a key
    """

    def __init__(self, channels: int, reach: int | None = REACH) -> None:
        super().__init__()
        self.reach, self.width = reach, max(2, channels // 2)
        self.enter = nn.Conv2d(channels, 3 * self.width, 1)
        self.leave = nn.Conv2d(self.width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.enter(x).split(self.width, 1)
        query = query * self.width**-0.5
        if self.reach is None:
            query, key, value = (part.flatten(2) for part in (query, key, value))
            found = value @ torch.softmax(query.transpose(1, 2) @ key, 2).transpose(1, 2)
            return x + self.leave(found.reshape(x.shape[0], self.width, x.shape[2], x.shape[3]))
        scores = [(query[:, :, None] * keys).sum(1) for keys in self._rows(key)]
        weights = torch.softmax(torch.cat(scores, 1), 1).split(2 * self.reach + 1, 1)  # b k h w
        parts = [(some[:, None] * values).sum(2) for some, values in zip(weights, self._rows(value), strict=True)]
        return x + self.leave(sum(parts[1:], parts[0]))

    def _rows(self, x: Tensor) -> Iterator[Tensor]:
        """[b, c, h, w] -> neighbours by rows, each [b, c, columns, h, w]: one row at a time, for the whole takes memory."""
        reach, height, width = int(self.reach or 0), x.shape[2], x.shape[3]
        wide, side = F.pad(x, (reach,) * 4), range(2 * reach + 1)
        for row in side:
            band = wide[:, :, row : row + height]
            yield torch.stack([band[..., column : column + width] for column in side], 2)


class Bottleneck(Residual):
    """x + conv1x1(conv3x3(conv1x1(x))), half as wide in the middle."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        half = max(2, channels // 2)
        self.path = nn.Sequential(
            nn.Conv2d(channels, half, 1), nn.LeakyReLU(0.2), nn.Conv2d(half, half, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(half, channels, 1),
        )  # fmt: skip


class NonLocalGate(Gate):
    """x + trunk(x) * sigmoid(mask(x)), whose mask sees far: a non-local block and a convolution.

    source   Chen et al. 2021, arXiv:1910.06244, figure 3 (NLAM), with one narrow residual block on the trunk instead of
             three wide ones, and none behind the non-local block
    """

    def __init__(self, channels: int, reach: int | None = REACH) -> None:
        super().__init__(channels)
        self.trunk = Bottleneck(channels)
        self.mask = nn.Sequential(NonLocal(channels, reach), nn.Conv2d(channels, channels, 1))


class NonLocalAnalysis(Analysis):
    """As `Analysis`, the latents gated by what is like them, near and far."""

    def __init__(self, *arguments: Any, reach: int = REACH, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.append(NonLocalGate(self[-1].out_channels, reach))  # type: ignore[arg-type]
        self.halo_px += 16 * (reach + 1)


class NonLocalSynthesis(Synthesis):
    """The mirror image."""

    def __init__(self, *arguments: Any, reach: int = REACH, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.insert(0, NonLocalGate(self[0].in_channels, reach))  # type: ignore[arg-type]
        self.halo_px += 16 * (reach + 1)


class NonLocalHyperAnalysis(HyperAnalysis):
    """As `HyperAnalysis`, with a gate at 1/32 whose mask sees the whole tile: only encoders run it."""

    def __init__(self, m: int, n: int) -> None:
        super().__init__(m, n)
        self.middle = nn.Sequential(self.middle, NonLocalGate(n, None))  # type: ignore[assignment]


class Tokens(ExactNet):
    """forward(z [b, n, h, w] integers -127..127) -> queries, keys and values, integers -127..127 [b, 3 * width, h, w]"""

    def __init__(self, n: int, width: int) -> None:
        super().__init__()
        self.out = BoundedConv(n, 3 * width, 1, gain_in=1.0, gain_out=ACTIVATION, reach=127.0)

    def forward(self, z: Tensor) -> Tensor:
        return self.requantize(self.out(z).clamp(-TOP, TOP), -TOP, TOP)


class Mask(ExactNet):
    """forward(own values and what was mixed [b, 2 * width, h, w]) -> masks 0..128 [b, channels, 4h, 4w]

    They begin near 64, which leaves what is masked as it is.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.out = BoundedConv(2 * width, 16 * channels, 1, gain_in=ACTIVATION, gain_out=GATE, reach=float(TOP))
        nn.init.normal_(self.out.weight, std=0.05)
        nn.init.constant_(self.out.bias, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.requantize(self.out(x).clamp(0, 2 * GATE), 0, 2 * GATE), 4)


class Spread(ExactNet):
    """forward(side [b, width, h, w] integers 0..255) -> `sides` integers for each symbol, -127..127 [b, sides * m, h, w]"""

    def __init__(self, width: int, m: int, sides: int) -> None:
        super().__init__()
        self.out = BoundedConv(width, sides * m, 1, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=255.0)

    def forward(self, side: Tensor) -> Tensor:
        return self.requantize(self.out(side).clamp(-TOP, TOP), -TOP, TOP)


class VolumeParameters(ContextParameters):
    """Integers of symbols and the earlier symbols around them -> distributions, with the same weights for all channels.

    forward(side [b, sides, h, w], seen [b, 2 taps, h, w], row [b, 1, h, w]) -> as `Parameters`, each [b, 1, h, w]
    """

    def __init__(self, width: int, sides: int, taps: int, **named: Any) -> None:
        super().__init__(width, 1, kernel=1, **named)
        self.mix = BoundedConv(sides, width, 1, gain_in=ACTIVATION, gain_out=ACTIVATION, reach=float(TOP))
        self.see = BoundedConv(2 * taps, width, 1, gain_in=FEATURE, gain_out=ACTIVATION, reach=127.0)

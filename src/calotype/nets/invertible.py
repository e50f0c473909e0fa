"""A transform that can be run backwards: squeezes, principal axes, coupling layers; only what is left out is lost.

Integers that come back bit for bit are another matter (lifted.py). What is mirrored but not invertible: transforms.py.
source   Xie, Cheng, Chen 2021, arXiv:2108.03690, section 3; couplings as Dinh et al. 2017, arXiv:1605.08803
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.transforms import halo_px, silenced

__all__ = ["Coupling", "Enhanced", "Flow", "FlowAnalysis", "FlowSynthesis", "Mixing", "Squeeze"]


class Mixing(nn.Module):
    """A 1x1 convolution whose inverse is its transpose: the principal axes of what it is fitted to, most energy first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("axes", torch.eye(channels))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Axes of [b, c, h, w], about zero: middle grey."""
        flat = x.movedim(1, -1).reshape(-1, x.shape[1]).double()
        self.axes.copy_(torch.linalg.eigh(flat.T @ flat / len(flat))[1].flip(1).T.float())

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.axes[:, :, None, None])

    def back(self, x: Tensor) -> Tensor:
        """The inverse."""
        return F.conv2d(x, self.axes.T[:, :, None, None])


class Coupling(nn.Module):
    """Each half of the channels is scaled and moved by what a network says of the other half; first nothing is.

    forward(x [b, 2c, h, w]) -> the same shape: a <- a exp(tanh s(b)) + t(b), then b from a likewise; `back` undoes it
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        half = channels // 2
        self.first, self.second = (
            nn.Sequential(nn.Conv2d(half, width, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * half, 1))
            for _ in range(2)
        )
        for net in (self.first, self.second):
            silenced(net[-1])

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, 1)
        s, t = self.first(b).chunk(2, 1)
        a = a * torch.exp(torch.tanh(s)) + t
        s, t = self.second(a).chunk(2, 1)
        return torch.cat([a, b * torch.exp(torch.tanh(s)) + t], 1)

    def back(self, x: Tensor) -> Tensor:
        """The inverse."""
        a, b = x.chunk(2, 1)
        s, t = self.second(a).chunk(2, 1)
        b = (b - t) * torch.exp(-torch.tanh(s))
        s, t = self.first(b).chunk(2, 1)
        return torch.cat([(a - t) * torch.exp(-torch.tanh(s)), b], 1)


class Squeeze(nn.Module):
    """Fewer channels, and back: the first ones stay, and gated by attention some of the others goes with them.

    Backwards what was left out is guessed from what is there, gated likewise. The one place where something is lost.
    """

    def __init__(self, channels: int, kept: int) -> None:
        super().__init__()
        self.kept = kept
        self.fold, self.mask = nn.Conv2d(channels - kept, kept, 1), nn.Conv2d(channels - kept, kept, 1)
        self.guess, self.doubt = nn.Conv2d(kept, channels - kept, 1), nn.Conv2d(kept, channels - kept, 1)
        for conv in (self.fold, self.guess):
            silenced(conv)

    def forward(self, x: Tensor) -> Tensor:
        first, others = x[:, : self.kept], x[:, self.kept :]
        return first + self.fold(others) * torch.sigmoid(self.mask(others))

    def back(self, x: Tensor) -> Tensor:
        """What `forward` had, as nearly as can be told."""
        return torch.cat([x, self.guess(x) * torch.sigmoid(self.doubt(x))], 1)


class Enhanced(nn.Module):
    """Feature enhancement: a small residual network on cells of 2x2 samples, before the flow or behind it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(12, width, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(width, 12, 3, padding=1)
        )
        silenced(self.path[-1])

    def forward(self, cells: Tensor) -> Tensor:
        return cells + self.path(cells)


class Flow(nn.Module):
    """Cells [b, 12, h/2, w/2] -> latents, one level for each entry of `kept`: mixing, couplings, squeeze, coarser cells.

    kept        channels that a level hands on, at most four times those it was given
    widths      hidden channels of its couplings
    couplings   of each level
    """

    def __init__(self, kept: Sequence[int], widths: Sequence[int], couplings: int) -> None:
        super().__init__()
        self.mixings, self.couplings, self.squeezes = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.count = couplings
        channels = 3
        for keep, width in zip(kept, widths, strict=True):
            channels *= 4
            self.mixings.append(Mixing(channels))
            self.couplings.extend(Coupling(channels, width) for _ in range(couplings))
            self.squeezes.append(Squeeze(channels, keep) if keep < channels else nn.Identity())
            channels = keep
        # Each half of a coupling sees the other half's neighbours: two samples a coupling, of 2, 4, 8 ... pixels.
        self.kernels = [(3, 2 << level) for level in range(len(kept)) for _ in range(2 * couplings)]

    def _couplings(self, level: int) -> list[nn.Module]:
        return list(self.couplings[level * self.count : (level + 1) * self.count])

    def forward(self, cells: Tensor, *, fit: bool = False) -> Tensor:
        x = cells
        for level, mixing in enumerate(self.mixings):
            x = F.pixel_unshuffle(x, 2) if level else x
            if fit:
                mixing.fit(x)
            x = mixing(x)
            for coupling in self._couplings(level):
                x = coupling(x)
            x = self.squeezes[level](x)
        return x

    def back(self, y: Tensor) -> Tensor:
        """The inverse but for squeezes."""
        x = y
        for level in reversed(range(len(self.mixings))):
            squeeze = self.squeezes[level]
            x = squeeze.back(x) if isinstance(squeeze, Squeeze) else x
            for coupling in self._couplings(level)[::-1]:
                x = coupling.back(x)
            x = self.mixings[level].back(x)
            x = F.pixel_shuffle(x, 2) if level else x
        return x


class FlowAnalysis(nn.Module):
    """Picture [b, 3, h, w] -> latents: enhancement, then the flow."""

    def __init__(self, flow: Flow, width: int) -> None:
        super().__init__()
        self.flow, self.enhance = flow, Enhanced(width)
        self.halo_px = halo_px([(3, 2), (3, 2), *flow.kernels])

    def forward(self, x: Tensor) -> Tensor:
        return self.flow(self.enhance(F.pixel_unshuffle(x, 2)))

    def start(self, _: nn.Module, pictures: Tensor) -> None:
        """Principal axes level by level; `FlowSynthesis` of the same flow goes back along them."""
        with torch.no_grad():
            self.flow(self.enhance(F.pixel_unshuffle(pictures, 2)), fit=True)


class FlowSynthesis(nn.Module):
    """Latents -> picture: the same flow backwards, the same weights, then an enhancement of its own."""

    def __init__(self, flow: Flow, width: int) -> None:
        super().__init__()
        self.flow, self.enhance = flow, Enhanced(width)
        self.halo_px = halo_px([(3, 2), (3, 2), *flow.kernels])

    def forward(self, y: Tensor) -> Tensor:
        return F.pixel_shuffle(self.enhance(self.flow.back(y)), 2)

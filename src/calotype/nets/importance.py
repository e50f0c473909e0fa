"""Codes of few levels and maps of how many of them a place deserves: centres, the map's network, and what starts contexts.

Which channels a map keeps is walks/masked.py; transforms are residual.py and transforms.py.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from calotype.nets.exact import ExactNet
from calotype.nets.hyper import ACTIVATION, BoundedConv
from calotype.nets.transforms import entered

__all__ = ["Centred", "Centres", "Guide", "Important", "PixelsToMasked", "Scales"]


class Centres(nn.Module):
    """Scalar centres in ascending order; a value's place among them is a real number, whole at each centre.

    forward(values) -> places -(levels - 1) // 2 .. levels // 2, of which the nearest integer is the nearest centre's
    sharpness   of the soft assignment whose gradient the places have
    source      Mentzer et al. 2018, arXiv:1801.04260, section 3.2; Agustsson et al. 2017, arXiv:1704.00648
    """

    def __init__(self, levels: int, sharpness: float = 2.0) -> None:
        super().__init__()
        self.levels, self.middle, self.sharpness = levels, (levels - 1) // 2, sharpness
        self.first = nn.Parameter(torch.tensor([-float(self.middle)]))  # what is not coded is zero, not a step
        self.log_gaps = nn.Parameter(torch.zeros(levels - 1))

    def centres(self) -> Tensor:
        """The centres, [levels]."""
        return torch.cat([self.first, self.first + torch.cumsum(torch.exp(self.log_gaps), 0)])

    def forward(self, values: Tensor) -> Tensor:
        centres = self.centres()
        places = torch.zeros_like(values)
        for k in range(self.levels - 1):
            places = places + ((values - centres[k]) / (centres[k + 1] - centres[k])).clamp(0, 1)
        if self.training:
            soft = torch.softmax(-self.sharpness * (values[..., None] - centres) ** 2, -1)
            soft = (soft * torch.arange(float(self.levels), device=values.device)).sum(-1)
            places = soft + (places - soft).detach()
        return places - self.middle

    def values(self, places: Tensor) -> Tensor:
        """The way back: centres of whole places, what lies between them elsewhere."""
        gaps = torch.exp(self.log_gaps)
        steps = ((places + self.middle - k).clamp(0, 1) * gaps[k] for k in range(self.levels - 1))
        return self.first + sum(steps)


class Important(nn.Module):
    """An analysis with centres behind it and a map of importance beside them.

    forward(picture [b, 3, h, w], shift [b, 1, 1, 1]) -> places [b, c, h/s, w/s], importance [b, 1, h/s, w/s] 0..top
    shift   of the map before its sigmoid: what a rate adds everywhere
    head    the map's network from what the analysis found; two convolutions where left out
    source  Li et al. 2018, arXiv:1703.10553, section 3.2
    """

    def __init__(
        self, analysis: Any, channels: int, stride: int, *, levels: int, top: int, head: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.analysis, self.centres, self.top = analysis, Centres(levels), top
        self.head = head or nn.Sequential(nn.Conv2d(channels, 24, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(24, 1, 1))
        self.halo_px = analysis.halo_px + stride * getattr(head, "reach", 1)

    def forward(self, x: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        y = self.analysis(x)
        return self.centres(y), self.top * torch.sigmoid(self.head(y) + shift)


class Centred(nn.Module):
    """A synthesis that is led by the values of centres: forward(places) -> picture."""

    def __init__(self, synthesis: Any, levels: int) -> None:
        super().__init__()
        self.synthesis, self.centres, self.halo_px = synthesis, Centres(levels), synthesis.halo_px

    def forward(self, places: Tensor) -> Tensor:
        return self.synthesis(self.centres.values(places))


class PixelsToMasked(nn.Module):
    """`Important` as it is frozen: forward(pixels uint8 [b, h, w, 3], row [b, 1, 1, 1]) -> places, importance."""

    def __init__(self, important: Important) -> None:
        super().__init__()
        self.important = important

    def forward(self, pixels: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        return self.important(entered(pixels), row)


class Guide(ExactNet):
    """What contexts know of a place before any of its symbols: forward(map [b, 1, h, w] 0..top) -> [b, width, h, w] 0..255."""

    def __init__(self, width: int, top: int) -> None:
        super().__init__()
        self.enter = BoundedConv(1, width, 3, gain_in=1.0, gain_out=ACTIVATION, reach=float(top))

    def forward(self, importance: Tensor) -> Tensor:
        x = self.enter(importance)
        return self.requantize(x.clamp(max=255.0) if self.mode == "float" else x, 0, 255)


class Scales(nn.Module):
    """A map's network that looks at what the analysis found at three scales: [b, c, h, w] -> [b, 1, h, w]."""

    reach = 10  # cells: 1 + 1 + 2, and 3 each for where in its cell of 2 or 4 a place lies

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.fine = nn.Conv2d(channels, width, 3, padding=1)
        self.middle = nn.Conv2d(width, width, 3, 2, 1)
        self.coarse = nn.Conv2d(width, width, 3, 2, 1)
        self.leave = nn.Conv2d(3 * width, 1, 1)

    def forward(self, y: Tensor) -> Tensor:
        fine = nn.functional.leaky_relu(self.fine(y), 0.2)
        middle = nn.functional.leaky_relu(self.middle(fine), 0.2)
        coarse = nn.functional.leaky_relu(self.coarse(middle), 0.2)
        up = (
            nn.functional.interpolate(part, scale_factor=by, mode="nearest") for part, by in ((middle, 2), (coarse, 4))
        )
        return self.leave(torch.cat([fine, *up], 1))

"""The normalized Laplacian pyramid as a distance of pictures, and the trainable whole of what is trained in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from calotype.train.system import System

__all__ = ["PerceptualSystem", "blurred", "normalized", "pyramid_distance"]

_TAPS = (0.05, 0.25, 0.4, 0.25, 0.05)
GAMMA, SIGMA = 1 / 2.6, 0.17  # of the front end, and what amplitudes are divided by at least
_AS_SQUARED = 0.0003  # units of distance for one of squared error


def blurred(x: Tensor) -> Tensor:
    """Each plane of [b, c, h, w] by the kernel 1 5 8 5 1 both ways, edges repeated."""
    taps = x.new_tensor(_TAPS)
    kernel = (taps[:, None] * taps).expand(x.shape[1], 1, 5, 5)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), kernel, groups=x.shape[1])


def normalized(picture: Tensor, levels: int = 5) -> list[Tensor]:
    """What early vision makes of a picture: differences between scales, each over the amplitude around it.

    picture   [b, c, h, w] in 0..255, sides of 2**levels and more
    returns   levels arrays, finest first, the last of them the blurred picture's
    source    Laparra et al. 2016, Electronic Imaging HVEI, "Perceptual image quality assessment using a normalized
              Laplacian pyramid"; here amplitudes are averaged over the blur's 5x5 window without its centre
    """
    x = (picture.clamp(0.5, 255) / 255) ** GAMMA
    found = []
    for _ in range(levels - 1):
        coarse = blurred(x)[:, :, ::2, ::2]
        band = x - F.interpolate(coarse, size=x.shape[2:], mode="bilinear", align_corners=False)
        found.append(band)
        x = coarse
    centre = _TAPS[2] ** 2
    amplitudes = ((blurred(band.abs()) - centre * band.abs()) / (1 - centre) for band in [*found, x])
    return [band / (SIGMA + amplitude) for band, amplitude in zip([*found, x], amplitudes, strict=True)]


def pyramid_distance(one: Tensor, other: Tensor, levels: int = 5) -> Tensor:
    """Mean over scales of the root mean square between normalized pyramids, [b]; 0 for equal pictures, 1 is far."""
    pairs = zip(normalized(one, levels), normalized(other, levels), strict=True)
    roots = [torch.sqrt(((a - b) ** 2).mean((1, 2, 3)) + 1e-8) for a, b in pairs]
    return sum(roots[1:], roots[0]) / len(roots)


class PerceptualSystem(System):
    """As `System`; lambdas are bits per pixel that a unit of `pyramid_distance` is worth.

    share   of the loss's distortion that stays plain error, in units of distance per root mean square of 0..255
    """

    def __init__(self, *, share: float = 0.001, **named: Any) -> None:
        super().__init__(**named)
        self.share = share

    def begin(self, crops: Tensor) -> None:
        """As for squared errors that are worth as much: of six grey levels, which are 0.02 units of distance, or so."""
        kept = self.log_lambdas.clone()  # type: ignore[operator]
        self.log_lambdas.add_(math.log(_AS_SQUARED))  # type: ignore[operator]
        super().begin(crops)
        self.log_lambdas.copy_(kept)  # type: ignore[operator]

    def distortion(self, picture: Tensor, crops: Tensor, mse: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        return pyramid_distance(picture, crops) + self.share * torch.sqrt(mse + 1e-4)

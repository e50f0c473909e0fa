"""The trainable whole of regions of interest: a map that learns what stands out, and errors that count more there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from calotype.train.methods.masked import MaskedSystem

__all__ = ["SalientSystem", "saliency"]


def saliency(crops: Tensor, cell: int) -> Tensor:
    """What stands out, 0..1, [b, 1, h / cell, w / cell]: colour and contrast of a cell against a wide surround.

    crops   [b, 3, h, w] in 0..255
    source  centre minus surround, Itti, Koch, Niebur 1998, doi:10.1109/34.730558; no labels are at hand
    """
    mean = F.avg_pool2d(crops, cell)
    contrast = torch.sqrt((F.avg_pool2d(crops**2, cell) - mean**2).clamp_min(0).mean(1, keepdim=True))
    found = torch.cat([mean, contrast], 1)
    reach = min(7, 2 * (min(found.shape[2:]) // 2) - 1)
    wide = F.avg_pool2d(F.pad(found, (reach // 2,) * 4, mode="replicate"), reach, 1)
    away = (found - wide).abs().mean(1, keepdim=True)
    return away / (away + away.mean((1, 2, 3), keepdim=True) + 2)


class SalientSystem(MaskedSystem):
    """As `MaskedSystem`, whose map's network predicts the region of interest, and whose error is weighted by it.

    weight     how much more an error counts inside the region
    teaching   bits per pixel that a wrong prediction of the region costs in training
    """

    def __init__(self, *, weight: float = 3.0, teaching: float = 0.1, **named: Any) -> None:
        super().__init__(**named)
        self.weight, self.teaching = weight, teaching

    def analysed(self, x: Tensor, rate: Tensor) -> dict[str, Tensor]:
        found = super().analysed(x, rate)
        share = (found["map"] / self.walk_parameters["top"]).clamp(1e-4, 1 - 1e-4)
        shift = self.shift.detach().mean() - self._shift_at(rate)
        return found | {"region": torch.sigmoid(torch.logit(share) + shift)}

    def distortion(self, picture: Tensor, crops: Tensor, mse: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        wanted = saliency(crops, crops.shape[2] // given["region"].shape[2])
        region = given["region"]
        squares = F.avg_pool2d(((picture - crops) ** 2).mean(1, keepdim=True), crops.shape[2] // region.shape[2])
        weights = 1 + self.weight * region.detach()
        weighted = (squares * weights / weights.mean((1, 2, 3), keepdim=True)).mean((1, 2, 3))
        wrong = F.binary_cross_entropy(region, wanted, reduction="none").mean((1, 2, 3))
        return weighted + self.teaching * wrong * weighted.detach() if self.training else weighted

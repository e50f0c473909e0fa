"""Structural similarity in several scales as a distance of pictures, and masked codes that are trained for it as well.

As a measure of results it is metrics/structure.py, exact and in NumPy; this one is made for gradients and small crops.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from calotype.train.methods.masked import MaskedSystem
from calotype.train.methods.perceptual import blurred

__all__ = ["StructuredSystem", "structure_distance"]

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363)  # of the first four scales; small crops have no fifth
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def structure_distance(one: Tensor, other: Tensor) -> Tensor:
    """1 - the weighted product of contrast and structure over four scales, [b]; pictures [b, c, h, w] in 0..255.

    source   Wang, Simoncelli, Bovik 2003, doi:10.1109/ACSSC.2003.1292216; a window of 5x5 instead of 11x11
    """
    logs: Tensor | None = None
    for scale, weight in enumerate(_WEIGHTS):
        if scale:
            one, other = F.avg_pool2d(one, 2), F.avg_pool2d(other, 2)
        mean, mean_2 = blurred(one), blurred(other)
        spread, spread_2 = blurred(one**2) - mean**2, blurred(other**2) - mean_2**2
        both = blurred(one * other) - mean * mean_2
        found = (2 * both + _C2) / (spread + spread_2 + _C2)
        if scale + 1 == len(_WEIGHTS):
            found = found * (2 * mean * mean_2 + _C1) / (mean**2 + mean_2**2 + _C1)
        log = weight / sum(_WEIGHTS) * torch.log(found.mean((1, 2, 3)).clamp_min(1e-3))
        logs = log if logs is None else logs + log
    assert logs is not None
    return 1 - torch.exp(logs)


class StructuredSystem(MaskedSystem):
    """As `MaskedSystem`; the distortion is squared error plus `share` times the distance of structure.

    share   squared error of 0..255 that a distance of 1 is worth
    """

    def __init__(self, *, share: float = 400.0, **named: Any) -> None:
        super().__init__(**named)
        self.share = share

    def distortion(self, picture: Tensor, crops: Tensor, mse: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        return mse + self.share * structure_distance(picture, crops)

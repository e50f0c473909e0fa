"""The trainable whole of sparse codes: only winners learn from the picture's error; the rest is train/system.py's."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from calotype.train.anchors import at
from calotype.train.system import System

__all__ = ["WinnersSystem"]


class WinnersSystem(System):
    """As `System`, with the walk "winners". A batch has many rates, so the share of winners is random in training."""

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        y, places = given["y"], values["places"]
        dense = y.shape[1] - places.shape[1]
        kept = torch.cat([torch.ones_like(y[:, :dense]), places], 1)
        inverse = at(self._gains()[1], rate)[:, :, None, None]
        return self.synthesis((values["y"].detach() + (y - y.detach()) * kept) * torch.exp(inverse))

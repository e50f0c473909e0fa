"""The trainable whole of systems that code some latents and expect the others: only what is coded learns from the picture."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from calotype.train.anchors import at
from calotype.train.system import System

__all__ = ["DrawnSystem"]


class DrawnSystem(System):
    """As `System`, with the walk "drawn"; gains that know no rate."""

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        y = given["y"]
        count = at(self.row_anchors("y.kept"), rate)[:, :, None, None]
        coded = (torch.arange(y.shape[1], device=y.device)[:, None, None] < count).to(y.dtype)
        inverse = at(self._gains()[1], rate)[:, :, None, None]
        return self.synthesis((values["y"].detach() + (y - y.detach()) * coded) * torch.exp(inverse))

"""The trainable whole of transforms that know the rate, and of steps that vary beside it; nets/conditional.py has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from calotype.nets.conditional import ConditionalLatents, ConditionalPixels
from calotype.nets.transforms import UNIT
from calotype.train.anchors import at
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.system import System

__all__ = ["ConditionalSystem"]

_ONE = math.log(math.e - 1)  # softplus makes 1 of it


class ConditionalSystem(System):
    """As `System`, with transforms of `nets.conditional.Conditional` and one quantizer step for all channels.

    step_range   in training steps are drawn within this factor of the rate's, up and down, so that between two trained
                 rates the step alone can move
    """

    def __init__(self, *, step_range: float = 1.4, **named: Any) -> None:
        super().__init__(**named)
        self.log_range = math.log(step_range)
        self.to_latents, self.to_pixels = (
            nn.Parameter(torch.zeros(self.rate_anchors, part.conditions)) for part in (self.analysis, self.synthesis)
        )
        with torch.no_grad():
            for conditions, part in ((self.to_latents, self.analysis), (self.to_pixels, self.synthesis)):
                first = 0
                for layer in part.layers:
                    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                        conditions[:, first : first + layer.out_channels] = _ONE
                        first += 2 * layer.out_channels

    def _fitted(self, crops: Tensor) -> Tensor:
        rows = at(self.to_latents, torch.zeros(len(crops), device=crops.device))[:, :, None, None]
        return self.analysis((crops - 128) / UNIT, rows)

    def _steps(self) -> tuple[Tensor, Tensor]:
        """Logarithms of the gain and of its inverse at the anchors, [n, 1] each."""
        return self.gain.mean(1, keepdim=True), self.inverse.mean(1, keepdim=True)

    def analysed(self, x: Tensor, rate: Tensor) -> dict[str, Tensor]:
        y = self.analysis(x, at(self.to_latents, rate)[:, :, None, None]).float()
        moved = torch.zeros_like(rate)
        if self.training:
            moved = (2 * torch.rand_like(rate) - 1) * self.log_range
        log_gain = at(self._steps()[0], rate)[:, :, None, None] + moved[:, None, None, None]
        return {"y": y * torch.exp(log_gain), "moved": moved}

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        inverse = at(self._steps()[1], rate)[:, :, None, None] - given["moved"][:, None, None, None]
        row = at(self.to_pixels, rate)[:, :, None, None]
        return self.synthesis(self.reconstructed(values["y"], given["y"], inverse), row)

    def frozen(self) -> Frozen:
        made = super().frozen()
        gain, inverse = (
            torch.cat([step, rows], 1).detach().cpu().numpy()
            for step, rows in zip(self._steps(), (self.to_latents, self.to_pixels), strict=True)
        )
        return replace(
            made, transform={**made.transform, "scaled": False}, floats={"anchors/row.synthesis": inverse},
            encoder={"anchors/row.analysis": gain},
        )  # fmt: skip

    def _transforms(self) -> dict[str, FrozenNet]:
        nets = super()._transforms()
        ends = {"analysis": (ConditionalLatents(self.analysis), self.to_latents),
                "synthesis": (ConditionalPixels(self.synthesis), self.to_pixels)}  # fmt: skip
        return {
            name: replace(
                nets[name], module=end,
                inputs={**nets[name].inputs, "row": torch.zeros(2, 1 + rows.shape[1], 1, 1)},
            )
            for name, (end, rows) in ends.items()
        }  # fmt: skip

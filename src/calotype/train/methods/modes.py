"""The trainable whole of transforms that compete for blocks: what each would cost is found first, without gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from calotype.nets.ensemble import ModesToPixels, PixelsToModes, errors_of
from calotype.train.anchors import at
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.system import System

__all__ = ["ModesSystem"]


class ModesSystem(System):
    """As `System`, with the transforms of nets/ensemble.py and the walk "modes".

    explore   share of blocks whose mode is drawn in training, so that no transform is left behind
    """

    def __init__(self, *, explore: float = 0.2, **named: Any) -> None:
        super().__init__(**named)
        self.explore = explore

    def analysed(self, x: Tensor, rate: Tensor) -> dict[str, Tensor]:
        gain, inverse = (torch.exp(at(p, rate))[:, :, None, None] for p in self._gains())
        y = self.analysis(x).float() * gain
        with torch.no_grad():
            worth = errors_of(self.synthesis, x, y, inverse).float()
            worth = worth * torch.exp(at(self.log_lambdas, rate))[:, None, None, None]  # type: ignore[arg-type]
            if self.training:
                drawn = (torch.rand_like(worth[:, :1]) < self.explore).to(worth.dtype)
                worth = worth + 1e6 * drawn * torch.rand_like(worth)
        return {"y": y, "worth": worth}

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        y, mode = given["y"], values["mode"]
        modes = self.walk_parameters["modes"]
        side = y.shape[2] // mode.shape[2]
        place = mode.repeat_interleave(side, 2).repeat_interleave(side, 3)
        kept = torch.cat([(place == k).to(y.dtype).expand(-1, y.shape[1] // modes, -1, -1) for k in range(modes)], 1)
        inverse = at(self._gains()[1], rate)[:, :, None, None]
        return self.synthesis((values["y"].detach() + (y - y.detach()) * kept) * torch.exp(inverse), mode)

    def frozen(self) -> Frozen:
        made = super().frozen()
        gain, inverse = (part.detach().cpu() for part in self._gains())
        row = torch.cat([gain, inverse, self.log_lambdas.cpu()[:, None]], 1)  # type: ignore[index,union-attr]
        halo = self.analysis.halo_px + self.synthesis.halo_px
        transform = {**made.transform, "latents": ["y", "mode"], "outputs": ["y", "worth"], "encoder_halo": halo}
        return replace(made, transform=transform, encoder={"anchors/row.analysis": row.numpy()})

    def _transforms(self) -> dict[str, FrozenNet]:
        nets, n = super()._transforms(), self.gain.shape[1]
        pixels, y, row = (nets["analysis"].inputs["pixels"], nets["synthesis"].inputs["y"], torch.zeros(2, n, 1, 1))
        cells = y.shape[2] * self.latents["y"].stride // self.latents["mode"].stride
        mode = torch.zeros(2, 1, cells, cells)
        return {
            "analysis": replace(
                nets["analysis"], module=PixelsToModes(self.analysis, self.synthesis), outputs=("y", "worth"),
                inputs={"pixels": pixels, "row": torch.zeros(2, 2 * n + 1, 1, 1)},
            ),
            "synthesis": replace(
                nets["synthesis"], module=ModesToPixels(self.synthesis), inputs={"y": y, "mode": mode, "row": row}
            ),
        }  # fmt: skip

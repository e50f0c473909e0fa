"""The trainable whole of a reversible pyramid: learned lifting, integer steps, contexts as those of `swift`, and its loss.

Not here: the walk (walks/lifted.py), the transform (nets/lifted.py), contexts and what freezes them (pyramid_system.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG, LAPLACE_STEPS
from calotype.coding.frequencies import laplace_bank
from calotype.model.manifest import Latent
from calotype.nets.exact import set_mode
from calotype.nets.lifted import BAND_TOP, PARTS, BandsToPixels, Lifting, PixelsToBands
from calotype.train import pyramid_system
from calotype.train.anchors import at, rounded, weighted
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.pyramid_system import PyramidSystem, _Nets
from calotype.walks.lifted import Lifted
from calotype.walks.whole_integer import SHIFT

__all__ = ["LiftedSystem"]

_FINE = 1024.0  # so much that of 1024 rates the last one alone has less than one


class LiftedSystem(PyramidSystem):
    """As `PyramidSystem`; the last rate anchor has steps of one, where nothing is lost.

    lifting   hidden channels of each lifting step
    low       coding steps of the low-pass band
    """

    def __init__(
        self, *, lambdas: Sequence[float], typical: Sequence[float], widths: Sequence[int], steps: Sequence[int],
        lifting: int, low: int = 4,
    ) -> None:  # fmt: skip
        super().__init__(lambdas=lambdas, typical=typical, widths=widths, steps=steps, low=low, post=False)
        for name in ("branch", "branch_rate", "gain", "colour"):
            delattr(self, name)
        self.lifting = Lifting(self.levels, lifting)
        self.walk = Lifted(**self._walk_parameters())
        self.bands = [f"l{level}" for level in range(1, self.levels + 1)] + ["ll"]

    def _walk_parameters(self) -> dict[str, Any]:
        return {
            "bands": [[name, self.steps[name]] for name in self.names],
            "share": self.shared,
            "top": BAND_TOP,
            "parts": PARTS,
        }

    def _fineness(self) -> Tensor:
        """At the anchors, [n, 1]: whether steps of the lifting round to parts; at the last one to integers."""
        return torch.tensor([[_FINE]] * (self.rate_anchors - 1) + [[0.0]])

    def row_anchors(self, name: str) -> Tensor:
        band, kind = name.split(".")
        if kind != "inverse":
            return super().row_anchors(name)
        steps = torch.exp(self.inverse[band]).clamp(1, BAND_TOP)
        return torch.cat([steps[:-1], torch.ones_like(steps[-1:])]) * 2.0**SHIFT

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        """Steps of the least loss at high rates, scales as the bands have them."""
        log_step = 0.5 * (math.log(26) - self.log_lambdas)[:, None]
        for name, band, norm in zip(
            self.bands,
            self.lifting.split(crops - 128, crops.new_ones(1, 1, 1, 1)),
            self.lifting.squared_norms(),
            strict=True,
        ):
            self.inverse[name].copy_((log_step - 0.5 * torch.log(norm.to(crops))[None]).clamp_min(0))
            self.inverse[name][-1] = 0
            size = torch.log(band.abs().mean((0, 2, 3)).clamp_min(1e-3))
            self.scale[name].copy_((size[None] - self.inverse[name]).clamp(-2.5, 5))
        self.follow()

    def forward(self, crops: Tensor, rate: Tensor) -> dict[str, Tensor]:
        with torch.autocast(crops.device.type, enabled=False):
            fine = torch.floor(at(self._fineness().to(crops), rate))[:, :, None, None]
            given = dict(zip(self.bands, self.lifting.split(crops.float() - 128, fine), strict=True))
        inverse = {name: self.integer_row(f"{name}.inverse", rate) for name in self.bands}
        targets = {name: band / (inverse[name] * 2.0**-SHIFT) for name, band in given.items()}
        shapes = {name: (int(t.shape[0]), *map(int, t.shape[1:])) for name, t in targets.items()}
        port = pyramid_system.TrainingPort(shapes, hard=not self.training)  # type: ignore[arg-type]
        known = self.walk(_Nets(self, rate), port, targets)
        with torch.autocast(crops.device.type, enabled=False):
            # Towards gradients values are not rounded, and steps are what multiplies them.
            values = {name: t + (known[name] - t).detach() for name, t in targets.items()}
            bands = [self.walk.restored(values[name], inverse[name]) for name in self.bands]
            picture = self.lifting.join(*bands, fine=fine) + 128
        bpp = sum(port.bits().values()) / (crops.shape[-2] * crops.shape[-1])
        if not self.training:
            picture = picture.round().clamp(0, 255)
        mse = ((picture - crops) ** 2).mean((1, 2, 3))
        loss = weighted(bpp, mse, rate, self.log_lambdas, self.log_typical)  # type: ignore[arg-type]
        return {"loss": loss, "bpp": bpp, "mse": mse, "picture": picture}  # type: ignore[dict-item]

    def frozen(self) -> Frozen:
        """The system as a model: folds the exact networks, so afterwards it can no longer be trained."""
        set_mode(self, "folded")
        kinds = ("rate", "scale", "inverse")
        rows = {f"{name}.{kind}": rounded(self.row_anchors(f"{name}.{kind}")) for name in self.names for kind in kinds}
        strides = {name: 1 << (self.levels if name == "ll" else int(name[1:])) for name in self.names}
        latents = {name: Latent(self.channels[name], strides[name], -2047, 2047) for name in self.names} | {
            f"b{name}": Latent(self.channels[name], strides[name], -BAND_TOP, BAND_TOP, coded=False)
            for name in self.bands
        }
        unit, row = 1 << self.levels, torch.zeros(2, 1, 1, 1)
        side = 8 * unit
        bands = {
            f"b{name}": torch.zeros(2, self.channels[name], side // strides[name], side // strides[name])
            for name in self.bands
        }
        nets = self.frozen_contexts(rows) | {
            "analysis": FrozenNet(
                module=PixelsToBands(self.lifting), part="encoder", outputs=tuple(bands),
                inputs={"pixels": torch.zeros(2, side, side, 3, dtype=torch.uint8), "row": row},
            ),
            "synthesis": FrozenNet(
                module=BandsToPixels(self.lifting), exact=True, inputs=bands | {"row": row}, outputs=("pixels",),
                ranges=dict.fromkeys(bands, (-BAND_TOP, BAND_TOP, 4)) | {"row": (0, _FINE, 12)},
            ),
        }  # fmt: skip
        fine = self._fineness().numpy()
        return Frozen(
            walk="lifted",
            walk_parameters=self._walk_parameters(),
            transform={"kind": "networks", "analysis": "analysis", "synthesis": "synthesis", "latents": list(bands),
                       "encoder_halo": self.lifting.halo_px, "scaled": False},
            latents=latents,
            nets=nets,
            rate_anchors=self.rate_anchors,
            halo=self.lifting.halo_px,
            align_px=unit,
            banks={"laplace": laplace_bank(LAPLACE_STEPS, LAPLACE_PER_LOG, LAPLACE_LOW)},
            rows=rows,
            floats={"anchors/row.synthesis": fine},
            encoder={"anchors/row.analysis": fine},
        )  # fmt: skip

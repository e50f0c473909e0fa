"""The trainable whole of soft-to-hard vector quantization: assignments to centres that harden from phase to phase."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from calotype.nets.codebook import Codebook, IndicesToPixels, PixelsToIndices
from calotype.nets.transforms import UNIT
from calotype.train import closed_form
from calotype.train.anchors import at
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.port import TrainingPort
from calotype.train.system import SPREAD, System

__all__ = ["SoftSystem"]


class SoftSystem(System):
    """As `System`, whose y are indices of centres: in training mixtures of them, softmax(-sharpness * distance).

    vectors   (how many centres, channels of a vector)
    Bits in training are those of soft assignments under the learned histogram, which is what the paper's entropy is.
    The option `sharpness` of a phase sets it; in evaluation the nearest centre is taken, as in the codec.
    """

    def __init__(self, *, vectors: tuple[int, int], **named: Any) -> None:
        super().__init__(**named)
        self.codebook = Codebook(*vectors)
        channels = self.latents[self.main].channels * self.codebook.length
        self.gain, self.inverse = (nn.Parameter(torch.zeros(self.rate_anchors, channels)) for _ in range(2))
        self.register_buffer("sharpness", torch.ones(()))

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        """Principal components where the transforms can be them; few centres at the least rate, most at the greatest."""
        orthonormal = closed_form.start(self.analysis, self.synthesis, (crops - 128) / UNIT)
        self.is_closed_form.fill_(orthonormal)  # type: ignore[operator]
        y = self.analysis((crops - 128) / UNIT)
        spread = y.std((0, 2, 3)).clamp_min(1e-4)
        rise = 0.5 * (self.log_lambdas - self.log_lambdas[0])[:, None]  # type: ignore[index]
        self.gain.copy_(torch.log(SPREAD / spread) + rise)
        self.inverse.copy_(-self.gain)
        for anchor, gain in enumerate(self.gain):
            index = self.codebook.index(y[:32] * torch.exp(gain)[:, None, None])
            self.priors[self.main].begin(anchor, index)  # type: ignore[operator]
        self.follow()

    def enter(self, phase: Any, batches: Callable[[], Tensor]) -> None:
        super().enter(phase, batches)
        if "sharpness" in phase.options:
            self.sharpness.fill_(phase.options["sharpness"])  # type: ignore[operator]

    def analysed(self, x: Tensor, rate: Tensor) -> dict[str, Tensor]:
        z = self.analysis(x).float() * torch.exp(at(self.gain, rate)[:, :, None, None])
        with torch.autocast(x.device.type, enabled=False):  # distances are differences of larger numbers
            found = {self.main: self.codebook.index(z.detach())}
            if self.training:
                found["soft"] = torch.softmax(-self.sharpness * self.codebook.distances(z), 2)
        return found

    def counted(self, port: TrainingPort, given: Mapping[str, Tensor], rate: Tensor) -> dict[str, Tensor]:
        if "soft" not in given:
            return port.bits()
        bits: Tensor = self.priors[self.main].bits(rate)  # type: ignore[operator]
        return {self.main: (given["soft"].sum((3, 4)) * bits).sum((1, 2))}

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        hard = "soft" not in given
        z = self.codebook.values(values[self.main]) if hard else self.codebook.mixed(given["soft"])
        return self.synthesis(z * torch.exp(at(self.inverse, rate)[:, :, None, None]))

    def frozen(self) -> Frozen:
        made = super().frozen()
        return replace(made, transform={**made.transform, "scaled": False})

    def _transforms(self) -> dict[str, FrozenNet]:
        nets, row = super()._transforms(), torch.zeros(2, self.gain.shape[1], 1, 1)
        ends = {"analysis": PixelsToIndices(self.analysis, self.codebook),
                "synthesis": IndicesToPixels(self.synthesis, self.codebook)}  # fmt: skip
        return {k: replace(nets[k], module=end, inputs={**nets[k].inputs, "row": row}) for k, end in ends.items()}

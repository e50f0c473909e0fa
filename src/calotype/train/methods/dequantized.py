"""The trainable whole of a decoder that first guesses what rounding took; nets/dequantizer.py has the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from calotype.nets.dequantizer import DequantizedToPixels, Dequantizer
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.system import System

__all__ = ["DequantizedSystem"]


class DequantizedSystem(System):
    """As `System`; `dequantizer` adds to restored latents before their inverse gain."""

    def __init__(self, *, dequantizer: Dequantizer, **named: Any) -> None:
        super().__init__(**named)
        self.dequantizer = dequantizer

    def reconstructed(self, known: Tensor, y: Tensor, inverse: Tensor) -> Tensor:
        return super().reconstructed(known + self.dequantizer(known), y, inverse)

    def frozen(self) -> Frozen:
        made = super().frozen()
        return replace(made, halo=made.halo + self.dequantizer.reach * self.latents[self.main].stride)

    def _transforms(self) -> dict[str, FrozenNet]:
        nets = super()._transforms()
        whole = DequantizedToPixels(self.dequantizer, self.synthesis)
        return nets | {"synthesis": replace(nets["synthesis"], module=whole)}

"""The trainable whole of stores of references: they begin as what pictures have, and only what matters learns from errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from calotype.nets.reference import STORE_UNIT
from calotype.nets.transforms import UNIT
from calotype.train.anchors import at
from calotype.train.freeze import Frozen
from calotype.train.system import Row, System
from calotype.walks.masked import kept
from calotype.walks.whole_integer import SHIFT

__all__ = ["ConsultedSystem"]

_ROUNDS = 6  # of Lloyd's algorithm


class ConsultedSystem(System):
    """As `System`, with the walk "consulted"."""

    def __init__(self, **named: Any) -> None:
        channels = named["latents"]["y"].channels
        gains = Row(channels, 16 * 2.0**SHIFT / STORE_UNIT, top=2.0**22)
        rows = {**named.pop("rows"), "y.gain": gains}
        super().__init__(**named, rows=rows)

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        """Transforms as ever; then references are the means of what cells of 2x2 look like, found by Lloyd's algorithm."""
        super().begin(crops)
        self.rows["y_gain"].copy_(torch.exp(self.gain))
        y = self.analysis((crops - 128) / UNIT)
        cells = F.pixel_unshuffle(y, 2).movedim(1, -1).flatten(0, 2)
        entries = len(self.nets["search"].keys)
        keys = cells[torch.linspace(0, len(cells) - 1, entries).long()].clone()
        for _ in range(_ROUNDS):
            nearest = (cells @ keys.T - 0.5 * keys.square().sum(1)).argmax(1)
            for entry in nearest.unique():
                keys[entry] = cells[nearest == entry].mean(0)
        self.nets["search"].keys.copy_(keys * STORE_UNIT)
        self.nets["store"].features.weight.copy_(keys.T[:, :, None, None])
        self.nets["store"].features.bias.zero_()
        found, importance = self.priors["ref"], self.priors["map"]
        for anchor in range(self.rate_anchors):
            gain = torch.exp(self.gain[anchor])[:, None, None]
            found.begin(anchor, nearest.reshape(len(y), 1, -1, 1).float())
            importance.begin(anchor, self.nets["importance"](y * gain))

    def synthesised(self, values: Mapping[str, Tensor], given: Mapping[str, Tensor], rate: Tensor) -> Tensor:
        """What is coded learns as if not rounded; importance learns what coding brings beyond the reference."""
        y, known = given["y"], values["y"].detach()
        mask = kept(values["map"], y.shape[1], self.walk_parameters["top"])
        beyond = (y - values["expected"]).detach()
        learnt = mask.detach() * (y - y.detach()) + (1 - mask.detach()) * (
            values["expected"] - values["expected"].detach()
        )
        inverse = at(self._gains()[1], rate)[:, :, None, None]
        return self.synthesis((known + learnt + beyond * (mask - mask.detach())) * torch.exp(inverse))

    def frozen(self) -> Frozen:
        made = super().frozen()
        return replace(made, banks={name: bank for name, bank in made.banks.items() if name != "laplace"})

"""The trainable whole of a system that is integers from the file to the pixels; everything else is system.py's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from calotype.nets.integer import FINE, FINE_TOP, IntegerPixels
from calotype.train.freeze import Frozen, FrozenNet
from calotype.train.system import Row, System
from calotype.walks.whole_integer import SHIFT

__all__ = ["IntegerSystem"]

_TOP = 2.0**22  # of integer inverse gains; their products with values in sixteenths stay below 2^38


class IntegerSystem(System):
    """As `System`, with the walk "whole-integer": what synthesis gets are integers, so its inverse gains are, too."""

    def __init__(self, **named: Any) -> None:
        channels = named["latents"]["y"].channels
        rows = {**named.pop("rows", {}), "y.inverse": Row(channels, FINE * 2**SHIFT, top=_TOP, fixed=())}
        super().__init__(**named, rows=rows)

    def row_anchors(self, name: str) -> Tensor:
        if name != "y.inverse":
            return super().row_anchors(name)
        return (torch.exp(self.inverse) * self.row_kinds[name].unit).clamp(1, _TOP)

    def reconstructed(self, known: Tensor, y: Tensor, inverse: Tensor) -> Tensor:
        return known

    def frozen(self) -> Frozen:
        made = super().frozen()
        zeros = {"anchors/row.synthesis": torch.zeros_like(self.inverse).cpu().numpy()}
        return replace(made, floats=zeros)

    def _transforms(self) -> dict[str, FrozenNet]:
        nets = super()._transforms()
        exact = replace(
            nets["synthesis"], module=IntegerPixels(self.synthesis), exact=True,
            ranges={"y": (-FINE_TOP, FINE_TOP, 0), "row": (0, 0, 0)},
        )  # fmt: skip
        return nets | {"synthesis": exact}

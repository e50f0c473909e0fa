"""The trainable whole of transforms that know no rate: one gain for each channel, and a step that scales them all."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from calotype.train.system import System

__all__ = ["SteppedSystem"]


class SteppedSystem(System):
    """As `System` with `one_gain`; the quantizer's step falls with the rate by itself, as 1 / sqrt(lambda)."""

    def __init__(self, **named: Any) -> None:
        super().__init__(one_gain=True, **named)

    def _gains(self) -> tuple[Tensor, Tensor]:
        finer = 0.5 * (self.log_lambdas - self.log_lambdas[0])[:, None]  # type: ignore[index]
        return self.gain + finer, self.inverse - finer

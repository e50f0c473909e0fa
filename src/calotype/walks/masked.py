"""The walk of maps of importance: how many channels a place keeps is coded first, then those channels alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import constant
from calotype.walks import fronts
from calotype.walks.families import distribution

__all__ = ["Masked", "kept"]


@lru_cache(maxsize=16)
def _order(channels: int) -> np.ndarray:
    return np.arange(channels, dtype=np.float32).reshape(1, channels, 1, 1)


def kept(importance: Any, channels: int, top: int) -> Any:
    """Which channels places keep, 0 or 1, [b, channels, h, w]: channel k where k < importance * channels / top.

    importance   whole numbers 0..top, [b, 1, h, w]; its gradient is that of a ramp as wide as a level's channels
    source       Li et al. 2018, arXiv:1703.10553, equation 4
    """
    width = channels / top
    order = _order(channels)
    order = order if isinstance(importance, np.ndarray) else importance.new_tensor(order)
    ahead = importance * width - order - 0.5  # a half, so that rounding of the product decides nothing
    ramp = (ahead / width + 0.5).clip(0, 1)
    return 1.0 * (constant(ahead) > 0) + (ramp - constant(ramp))


class Masked:
    """Codes masked by importance (Li et al. 2018, arXiv:1703.10553; Mentzer et al. 2018, arXiv:1801.04260).

        map --port--> which channels of each place are kept
        kept channels --port--> y, with a table per channel; or
        guide(map), y in earlier fronts within 5x5 --context--> shape, scale --port--> a front of y     (as "joint")

    top      the map's largest value, at which all channels are kept
    levels   of y: -(levels - 1) // 2 .. levels // 2
    order    of the context, see `fronts.Order`; None: no context
    """

    domain = "latents"

    def __init__(self, top: int, levels: int, order: Sequence[int] | None = None) -> None:
        self.top, self.levels = int(top), int(levels)
        self.order = None if order is None else fronts.Order(*(int(step) for step in order))

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        y, importance = given.get("y"), given.get("map")
        middle = (self.levels - 1) // 2
        if y is not None and importance is not None:
            y, importance = y.clip(-middle, self.levels - 1 - middle), importance.clip(0, self.top)
        importance = port.code("map", importance, nets.prior("map"))
        mask = kept(importance, port.shape("y")[1], self.top)
        if self.order is None:
            return {"map": importance, "y": port.code("y", y, replace(nets.prior("y"), kept=mask))}
        family = {"outputs": ("index", "shape"), "shapes": self.levels}

        def make(arrays: Any) -> Any:
            index, shape = arrays
            return replace(distribution(nets, "y", family, (index.clip(1, 31), shape)), kept=mask)

        side, row = nets.guide(constant(importance)), nets.rows("y.scale")
        return {"map": importance, "y": fronts.code(port, "y", y, self.order, nets.context, side, row, make)}

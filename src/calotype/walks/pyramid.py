"""The walk of a wavelet pyramid: bands from coarse to fine, a few interleaved steps in each, context from all before.

Not here: the wavelet (pyramid.py), the networks (nets/pyramid_context.py), the post-filter (float, in the transform).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks.features import parity_planes, with_symbols
from calotype.walks.orders import Lattice

__all__ = ["Pyramid", "step_pattern"]


@lru_cache(maxsize=16)
def step_pattern(channels: int, steps: int) -> np.ndarray:
    """The step in which each channel codes each place of a 2x2 cell: int [c, 2, 2], channel = 3 orientation + colour.

    Channels are shifted against each other, so that every step sees other channels at the same place and the same
    channel around it (docs/training.md, "Steps").
    """
    orientation, colour = np.arange(channels) // 3, np.arange(channels) % 3
    if steps == 1:
        return np.zeros((channels, 2, 2), np.int64)
    if steps == 2:
        return np.stack([np.array([[0, 1], [1, 0]]) ^ shift for shift in (orientation + colour) % 2])
    shifts = (orientation + 2 * colour) % 4 if channels > 3 else colour
    return np.stack([np.array([[0, 2], [3, 1]]) ^ shift for shift in shifts])


@lru_cache(maxsize=64)
def _lattice(channels: int, steps: int, step: int) -> Lattice:
    return Lattice.from_steps(step_pattern(channels, steps), step)


class Pyramid:
    """Bands "ll", "l6" ... "l1" in this order; each `steps[name]` times: networks look, the port codes.

    Recipe `swift` (zoo/swift.py). Networks of a band: `lift` brings the coarser features up, `step0` ... predict mean
    and table, `carry` makes the features that the next finer band starts from.

    bands      names with their number of steps, coarse to fine
    share      the band whose carried features the synthesis gets as "f2" too, integers in 0..255
    """

    domain = "latents"

    def __init__(self, bands: Sequence[Sequence[Any]], share: str) -> None:
        self.bands = tuple((str(name), int(steps)) for name, steps in bands)
        self.share = share

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        values: dict[str, Any] = {}
        carried: Any = None
        for place, (name, steps) in enumerate(self.bands):
            last = place + 1 == len(self.bands)
            _, channels, height, width = port.shape(name)
            row = nets.rows(f"{name}.rate")
            if carried is None:
                v, u = row * (1 / 16), None
            elif last:
                v = nets[f"{name}_lift"](carried, row)
            else:
                v, u = nets[f"{name}_lift"](carried, row)
            parity = parity_planes(row, height, width)
            scale, known, seen = nets.rows(f"{name}.scale"), None, parity
            for step in range(steps):
                mean16, index = nets[f"{name}_step{step}"](v, seen, scale)
                lattice = _lattice(channels, steps, step)
                known = port.code(name, given.get(name), Laplace(mean16, index), lattice, onto=known)
                if step + 1 < steps or not last:
                    seen = with_symbols(known, parity, seen if step else None, lattice)
            if not last:
                carry = nets[f"{name}_carry"]
                carried = carry(seen) if u is None else carry(seen, u)
            values[name] = known
            if name == self.share:
                values["f2"] = carried
        return values

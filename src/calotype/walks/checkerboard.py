"""The walk of the checkerboard context: a hyperprior, then y in two passes, the second sees the first around it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks.features import parity_planes, with_symbols
from calotype.walks.orders import Lattice

__all__ = ["Checkerboard"]


@lru_cache(maxsize=64)
def _lattice(channels: int, step: int) -> Lattice:
    """The anchors (step 0, row + column even) or the others (step 1), the same in every channel."""
    return Lattice.from_steps(np.broadcast_to(np.array([[0, 1], [1, 0]]), (channels, 2, 2)), step)


class Checkerboard:
    """Parallel context model in two passes (He et al. 2021, arXiv:2103.15306, figure 4).

        z --hyper_synthesis--> side --anchors--> mean, table --port--> anchors of y
                               side, anchors --others--> mean, table --port--> the other half of y

    Where nothing is coded yet `known` is zero, so a plain convolution is the checkerboard-masked one of the paper.
    """

    domain = "latents"

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        _, channels, height, width = port.shape("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        row, scale = nets.rows("y.rate"), nets.rows("y.scale")
        side = nets.hyper_synthesis(z, row)
        known = port.code("y", y, Laplace(*nets.anchors(side, scale)), _lattice(channels, 0))
        seen = with_symbols(known, parity_planes(row, height, width))
        known = port.code("y", y, Laplace(*nets.others(side, seen, scale)), _lattice(channels, 1), onto=known)
        return {"z": z, "y": known}

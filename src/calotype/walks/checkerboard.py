"""The walk of the checkerboard context: a hyperprior, then y in two or four passes that see those before."""

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
def _lattice(channels: int, steps: int, step: int) -> Lattice:
    """The positions of a step: of two, row + column even or odd, the same in every channel; of four, a phase of 2x2
    cells, another one in each quarter of the channels."""
    if steps == 2:
        return Lattice.from_steps(np.broadcast_to(np.array([[0, 1], [1, 0]]), (channels, 2, 2)), step)
    quarters = np.arange(channels)[:, None, None] * 4 // channels
    return Lattice.from_steps(np.array([[0, 2], [3, 1]]) ^ quarters, step)


class Checkerboard:
    """Parallel context model in two passes (He et al. 2021, arXiv:2103.15306, figure 4), or in four.

        z --hyper_synthesis--> side --anchors--> mean, table --port--> anchors of y
                               side, anchors --others--> mean, table --port--> the other half of y

    Where nothing is coded yet `known` is zero, so a plain convolution is the checkerboard-masked one of the paper.

    steps   2; or 4 (the quad-tree of Li, Li, Lu 2023, arXiv:2302.14402), with networks others, others2, others3
    """

    domain = "latents"

    def __init__(self, steps: int = 2) -> None:
        self.steps = int(steps)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        _, channels, height, width = port.shape("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        row, scale = nets.rows("y.rate"), nets.rows("y.scale")
        side, parity, seen = nets.hyper_synthesis(z, row), parity_planes(row, height, width), None
        lattices = [_lattice(channels, self.steps, step) for step in range(self.steps)]
        known = port.code("y", y, Laplace(*nets.anchors(side, scale)), lattices[0])
        for step in range(1, self.steps):
            seen = with_symbols(known, parity, seen, lattices[step - 1])
            net = nets["others" if step == 1 else f"others{step}"]
            known = port.code("y", y, Laplace(*net(side, seen, scale)), lattices[step], onto=known)
        return {"z": z, "y": known}

"""The walk of latents in steps of a recurrent memory: the first steps are coded, the rest are what the memory expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace, constant
from calotype.walks.features import parity_planes, with_symbols
from calotype.walks.slices import bounds, lattice_of, placed

__all__ = ["Drawn"]


class Drawn:
    """Conceptual compression (Gregor et al. 2016, arXiv:1604.08772, section 3), with means in place of samples.

        z, the upper layer --port--> hyper_synthesis --> memory
        step 1 .. n:  memory --expect--> mean, table --port--> a group of y;  memory, group --remember--> memory

    The row "y.kept" says how many channels of y, from the first, are coded at each rate; the others are their means, which
    the memory expects from all that was coded. The same two networks serve all steps.

    steps   n
    """

    domain = "latents"

    def __init__(self, steps: int) -> None:
        self.steps = int(steps)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        y, z = given.get("y"), given.get("z")
        _, channels, height, width = port.shape("y")
        z = port.code("z", nets.hyper_analysis(y) if z is None and y is not None else z, nets.prior("z"))
        row, scale, count = nets.rows("y.rate"), nets.rows("y.scale"), nets.rows("y.kept")
        memory, parity = nets.hyper_synthesis(z, row), parity_planes(row, height, width)
        kept, known = _below(count, channels), None
        values = None if y is None else y * kept
        for step, (first, stop) in enumerate(bounds(channels, self.steps)):
            mean16, index = nets.expect(memory, scale[:, first:stop])
            mean16, index = (placed(part, first, channels) for part in (mean16, index * kept[:, first:stop]))
            if values is not None:  # where nothing is coded a value is its mean: in training it costs nothing
                values = values + mean16 * (1 / 16) * (1 - kept)
            known = port.code("y", values, Laplace(mean16, index), lattice_of(channels, self.steps, step), onto=known)
            if step + 1 < self.steps:
                memory = nets.remember(memory, with_symbols(constant(known)[:, first:stop], parity))
        return {"z": z, "y": known}


def _below(count: Any, channels: int) -> Any:
    """Which channels are below `count` [b, 1, 1, 1]: [b, channels, 1, 1] of 0 and 1."""
    order = np.arange(channels, dtype=np.float32).reshape(1, -1, 1, 1)
    return 1.0 * ((order if isinstance(count, np.ndarray) else count.new_tensor(order)) < count)

"""The walk of channel slices: latents in groups of channels, each predicted from those before it; no serial positions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks.features import parity_planes, with_symbols
from calotype.walks.orders import Lattice

__all__ = ["Slices", "bounds", "lattice_of", "placed"]


def bounds(channels: int, slices: int) -> tuple[tuple[int, int], ...]:
    """First channel of each slice, and the one behind its last."""
    return tuple((channels * k // slices, channels * (k + 1) // slices) for k in range(slices))


@lru_cache(maxsize=64)
def lattice_of(channels: int, slices: int, step: int) -> Lattice:
    """All positions of the channels of one slice."""
    steps = np.zeros((channels, 2, 2), np.int64)
    for k, (first, stop) in enumerate(bounds(channels, slices)):
        steps[first:stop] = k
    return Lattice.from_steps(steps, step)


class Slices:
    """Channel-wise autoregression with latent residual prediction (Minnen and Singh 2020, arXiv:2007.08739, figure 1).

        z --hyper_synthesis--> side
        side, slices 0 .. k - 1 --slice<k>--> mean, table --port--> slice k --residual<k>--> + r, at most half a step

    The residual is predicted in integers too, sixteenths of a step, so that later slices may see what it corrected.
    """

    domain = "latents"

    def __init__(self, slices: int, low: int, high: int) -> None:
        self.slices, self.low, self.high = int(slices), int(low), int(high)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        _, channels, height, width = port.shape("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        row, scale = nets.rows("y.rate"), nets.rows("y.scale")
        side, parity = nets.hyper_synthesis(z, row), parity_planes(row, height, width)
        known = corrections = values = None
        for k, (first, stop) in enumerate(bounds(channels, self.slices)):
            part = slice(first, stop)
            seen = () if values is None else (with_symbols(values[:, :first], parity),)
            mean16, index = (placed(array, first, channels) for array in nets[f"slice{k}"](side, *seen, scale[:, part]))
            known = port.code("y", y, Laplace(mean16, index), lattice_of(channels, self.slices, k), onto=known)
            before = known if corrections is None else known + corrections
            residual = nets[f"residual{k}"](side, with_symbols(before[:, :stop], parity))
            residual = placed(residual, first, channels) * (1 / 16)
            corrections = residual if corrections is None else corrections + residual
            values = (known + corrections).clip(self.low, self.high)
        return {"z": z, "y": values}


def placed(part: Any, first: int, channels: int) -> Any:
    """Channels of a slice among zeros: [b, n, h, w] -> [b, channels, h, w]."""
    b, n, h, w = part.shape
    if not hasattr(part, "new_zeros"):
        return np.pad(np.asarray(part), ((0, 0), (first, channels - first - n), (0, 0), (0, 0)))
    whole = part.new_zeros((b, channels, h, w))
    whole[:, first : first + n] = part
    return whole

"""The walk of universal quantization: a hyperprior whose y is rounded to a lattice that a shared generator moves about."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace

__all__ = ["Dithered", "dither"]


@lru_cache(maxsize=16)
def dither(channels: int, height: int, width: int) -> np.ndarray:
    """Sixteenths -8..7 for every position of a tile, float32 [1, c, h, w]: integer arithmetic, the same everywhere.

    A position's number, row after row of channel after channel, through the finalizer of MurmurHash3; its top 4 bits.
    """
    x = np.arange(channels * height * width, dtype=np.uint32) + np.uint32(1)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return (x >> np.uint32(28)).astype(np.float32).reshape(1, channels, height, width) - 8


class Dithered:
    """Mean-and-scale hyperprior with dithered quantization (Choi, El-Khamy, Lee 2019, arXiv:1909.04802, section 3.2).

    y --hyper_analysis--> z --port--> z --hyper_synthesis--> side --entropy_parameters--> mean, table
    y --port(mean + dither, table)--> y: the error is uniform and knows nothing of y, whatever the step is
    """

    domain = "latents"

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        mean16, index = nets.entropy_parameters(nets.hyper_synthesis(z, nets.rows("y.rate")), nets.rows("y.scale"))
        moved = dither(*port.shape("y")[1:])
        mean16 = mean16 + (moved if isinstance(mean16, np.ndarray) else mean16.new_tensor(moved))
        return {"z": z, "y": port.code("y", y, Laplace(mean16, index))}

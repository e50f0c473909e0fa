"""The walk of a chain of side information: the coarsest first, each level says how the next finer one is distributed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calotype.coding.densities import Laplace

__all__ = ["CoarseToFine"]


class CoarseToFine:
    """Three levels (Hu, Yang, Liu 2020, AAAI; arXiv:2002.03711), each coded in one pass.

        y --hyper_analysis--> z --coarse_analysis--> w --port--> w --coarse_synthesis, coarse_parameters--> port(z)
                                                      z --hyper_synthesis, entropy_parameters--> port(y)

    z has means of its own, so the networks that see it get sixteenths.
    """

    domain = "latents"

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        z = None if y is None else nets.hyper_analysis(y)
        w = port.code("w", None if z is None else nets.coarse_analysis(z), nets.prior("w"))
        side = nets.coarse_synthesis(w, nets.rows("z.rate"))
        z = port.code("z", z, Laplace(*nets.coarse_parameters(side, nets.rows("z.scale")), straight_through=True))
        side = nets.hyper_synthesis(z * 16, nets.rows("y.rate"))
        mean16, index = nets.entropy_parameters(side, nets.rows("y.scale"))
        return {"w": w, "z": z, "y": port.code("y", y, Laplace(mean16, index))}

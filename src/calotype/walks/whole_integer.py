"""The walk whose values reach the synthesis as integers: a hyperprior, and integer gains behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace, constant, namespace

__all__ = ["SHIFT", "WholeInteger", "scaled"]

SHIFT = 10  # inverse gains are in units of 2^-10


class WholeInteger:
    """Mean-and-scale hyperprior whose restored values q become integers y = round(q * gain * 2^-10), clipped.

    The row "y.inverse" has the gains of the rate; products stay below 2^38 and are computed in double precision, where
    they are exact. The synthesis computes on y in integers too.

    top   largest magnitude of y
    """

    domain = "latents"

    def __init__(self, top: int) -> None:
        self.top = int(top)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        y = given.get("y", given.get("q"))
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        side = nets.hyper_synthesis(z, nets.rows("y.rate"))
        q = port.code("q", y, Laplace(*nets.entropy_parameters(side, nets.rows("y.scale")), straight_through=True))
        return {"z": z, "q": q, "y": scaled(q, nets.rows("y.inverse"), self.top)}


def scaled(q: Any, inverse: Any, top: int) -> Any:
    """round(q * inverse * 2^-10), within `top`; the same integers on every machine, towards gradients not rounded."""
    exact = q.astype(np.float64) if isinstance(q, np.ndarray) else q
    fine = (exact * inverse * 2.0**-SHIFT).clip(-top, top)
    whole = fine + constant(namespace(fine).floor(fine + 0.5) - fine)
    return whole.astype(np.float32) if isinstance(q, np.ndarray) else whole

"""The walk of hyperpriors: coarse side information z first, then y with what z predicts: scales, means, shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calotype.walks.families import distribution

__all__ = ["Hyperprior"]


class Hyperprior:
    """Mean-and-scale hyperprior (Minnen et al. 2018, arXiv:1809.02736, without the context model).

    A model's align_px is a multiple of z's stride, so y is a whole number of z's cells and nothing is padded here.

        y --hyper_analysis--> z --port--> z --hyper_synthesis(rate row)--> side --entropy_parameters(scale row)--> mean, table
        y --port(mean, table)--> y

    family   what entropy_parameters predicts, as `walks.families.distribution` has it; Laplace with means by default
    """

    domain = "latents"

    def __init__(self, family: Mapping[str, Any] | None = None) -> None:
        self.family = dict(family or {})

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        side = nets.hyper_synthesis(z, nets.rows("y.rate"))
        predicted = nets.entropy_parameters(side, nets.rows("y.scale"))
        return {"z": z, "y": port.code("y", y, distribution(nets, "y", self.family, predicted))}

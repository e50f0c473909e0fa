"""The walk of a hyperprior joined with a serial context: every position knows those before it in its neighbourhood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calotype.walks import fronts
from calotype.walks.families import distribution

__all__ = ["Joint"]


class Joint:
    """Joint autoregressive and hierarchical prior (Minnen et al. 2018, arXiv:1809.02736), and its code-divided kin.

        z --hyper_synthesis--> side
        side, values of y in earlier fronts around --context--> mean, table --port--> a front of y

    order    [down, across, groups] and, where it is not 2, the reach; see `fronts.Order`
    family   as `walks.families.distribution` has it
    """

    domain = "latents"

    def __init__(self, order: list[int], family: Mapping[str, Any] | None = None) -> None:
        self.order, self.family = fronts.Order(*(int(step) for step in order)), dict(family or {})

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        side = nets.hyper_synthesis(z, nets.rows("y.rate"))
        scale = nets.rows("y.scale")
        known = fronts.code(
            port, "y", y, self.order, nets.context, side, scale,
            lambda arrays: distribution(nets, "y", self.family, arrays),
        )  # fmt: skip
        return {"z": z, "y": known}

"""The walk of two groups of channels: the second sees the first, and the earlier position most like its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calotype.coding.densities import Laplace, namespace
from calotype.walks import fronts
from calotype.walks.features import parity_planes, with_symbols
from calotype.walks.references import nearest

__all__ = ["Referred"]


class Referred:
    """Causal contexts across channels and a causal global reference (Guo et al. 2021, arXiv:2011.09704, figure 3).

        z --hyper_synthesis--> side
        side, y1 in earlier fronts within 5x5 --first--> mean, table --port--> a front of y1
        side, all of y1 within 3x3 --cross--> side of y2
        y1 at a position and its four neighbours: which position of earlier fronts looks most like it?
        side of y2, y2 in earlier fronts within 5x5, y2 at that position --second--> mean, table --port--> a front of y2

    The reference costs no bits: both sides know y1 everywhere before y2 begins. y is y1 and y2, and is not coded itself.

    order    [down, across] of both, see `fronts.Order`
    """

    domain = "latents"

    def __init__(self, order: list[int]) -> None:
        self.order = fronts.Order(*(int(step) for step in order))

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given, (_, channels, h, w) = latents or {}, port.shape("y1")
        first, second = given.get("y1"), given.get("y2")
        if (y := given.get("y")) is not None:
            first, second = y[:, :channels], y[:, channels:]
        elif first is not None:
            y = namespace(first).concatenate([first, second], 1)
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        side, row = nets.hyper_synthesis(z, nets.rows("y.rate")), nets.rows("y.scale")

        def make(found: Any) -> Laplace:
            return Laplace(*found)

        y1 = fronts.code(port, "y1", first, self.order, nets.first, side, row[:, :channels], make)
        seen = with_symbols(y1, parity_planes(row, h, w))[:, : 2 * channels]
        looks = _around(seen[:, channels:])
        y2 = fronts.code(
            port, "y2", second, self.order, nets.second, nets.cross(side, seen), row[:, channels:], make,
            lambda _, content, at: nearest(looks, content, self.order, at),
        )  # fmt: skip
        return {"z": z, "y1": y1, "y2": y2, "y": namespace(y1).concatenate([y1, y2], 1)}


def _around(x: Any) -> Any:
    """[b, c, h, w] -> [b, 5c, h, w]: each position and its four neighbours, at edges itself again."""
    up, down = (
        namespace(x).concatenate(parts, 2) for parts in ([x[:, :, :1], x[:, :, :-1]], [x[:, :, 1:], x[:, :, -1:]])
    )
    left, right = (
        namespace(x).concatenate(parts, 3) for parts in ([x[..., :1], x[..., :-1]], [x[..., 1:], x[..., -1:]])
    )
    return namespace(x).concatenate([x, up, down, left, right], 1)

"""The walk of a local context and a non-local one: what was decoded anywhere before, where its surroundings were alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.walks import fronts
from calotype.walks.families import distribution
from calotype.walks.references import asked, mixed

__all__ = ["Recalled"]


class Recalled:
    """Non-local entropy model (Li et al. 2021, arXiv:2005.04661, section III): a masked window, and all decoded positions.

        z --hyper_synthesis--> side
        y in earlier fronts within 5x5 --look--> query, key of a position
        features of all positions in earlier fronts, weighted by how well their keys fit the query: what is recalled
        side, the 5x5, what is recalled --context--> mean, table --port--> a front of y

    What a position is like is not known before it is decoded; how its surroundings are like those of others is, on both
    sides (the paper's proxy similarity).

    order    [down, across], see `fronts.Order`
    width    of queries and keys
    family   as `walks.families.distribution` has it
    """

    domain = "latents"

    def __init__(self, order: list[int], width: int, family: Mapping[str, Any] | None = None) -> None:
        self.order, self.width = fronts.Order(*(int(step) for step in order)), int(width)
        self.family = dict(family or {})

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        side = nets.hyper_synthesis(z, nets.rows("y.rate"))
        known = fronts.code(
            port, "y", y, self.order, nets.context, side, nets.rows("y.scale"),
            lambda arrays: distribution(nets, "y", self.family, arrays), _Memory(nets.look, self.order, self.width),
        )  # fmt: skip
        return {"z": z, "y": known}


class _Memory:
    """What `fronts.code` refers to; keys are kept as they come to be known."""

    def __init__(self, look: Any, order: fronts.Order, width: int) -> None:
        self.look, self.order, self.width = look, order, width
        self.keys: Any = None

    def __call__(self, seen: Any, content: Any, at: Any) -> Any:
        tokens, (b, c, h, w) = self.look(seen), content.shape
        tokens = (tokens if at is None else np.asarray(tokens)).reshape(b, 2 * self.width, -1)
        query, keys = tokens[:, : self.width], tokens[:, self.width :]
        asking, points, earlier = asked(self.order, h, w, at, content)
        if at is None:
            content = content.reshape(b, c, h * w)
            return mixed(query, keys[:, :, points], content[:, :, points], earlier).reshape(b, c, h, w)
        if self.keys is None:
            self.keys = np.zeros((b, self.width, h * w), np.float32)
        self.keys[:, :, asking] = keys
        rows, columns = np.divmod(points, w)
        return mixed(query, self.keys[:, :, points], content[:, :, rows, columns])[:, :, None]

"""The walk of a store of references: which one is like the picture here, how much more deserves to be said, and that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calotype.coding.densities import constant, namespace
from calotype.coding.shapes import Shaped
from calotype.walks.masked import kept
from calotype.walks.whole_integer import SHIFT, scaled

__all__ = ["MEAN_TOP", "Consulted"]

MEAN_TOP = 2047  # largest magnitude of a mean, sixteenths of a step


class Consulted:
    """Features of references, and what the picture's own have beyond them, where it matters (`yin2018-reference`).

        y / gain --search--> which reference, one for a cell of 2x2 --port--> store (exact) --> features, integers
        y --importance--> how many channels of a place are coded --port--> kept
        features, importance --guide--> tables;  features * integer gain(rate) = means
        y, kept channels --port(means, tables)--> y;  the others are their means: the reference's

    The store is a network of the model; so a file that was written with another store names another model. Files hold
    indices; how they are found is the encoder's business.

    entries   references in the store
    top       the map's largest value, at which all channels are kept
    """

    domain = "latents"

    def __init__(self, entries: int, top: int) -> None:
        self.entries, self.top = int(entries), int(top)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        y, which, importance = given.get("y"), given.get("ref"), given.get("map")
        gain = nets.rows("y.gain")
        if y is not None and which is None:
            likeness = 1.0 * nets.search(y * (16.0 * 2**SHIFT) / constant(gain))
            which, importance = 1.0 * namespace(likeness).argmax(likeness, 1)[:, None], nets.importance(y)
        which = port.code("ref", which, nets.prior("ref"))
        importance = port.code("map", importance, nets.prior("map"))
        features = nets.store(self._selected(constant(which)))
        index = nets.guide(features, constant(importance), nets.rows("y.scale"))
        mean16 = scaled(features, gain, MEAN_TOP)
        mask = kept(importance, port.shape("y")[1], self.top)
        distribution = Shaped(mean16, index, None, "y", 1, nets.density("y"), mask)
        return {"ref": which, "map": importance, "y": port.code("y", y, distribution), "expected": mean16 * (1 / 16)}

    def _selected(self, which: Any) -> Any:
        """Indices [b, 1, h, w] as 0 and 1, [b, entries, h, w]: what a store of weights is asked with."""
        order = np.arange(self.entries, dtype=np.float32).reshape(1, -1, 1, 1)
        return 1.0 * (which == order) if isinstance(which, np.ndarray) else (which == which.new_tensor(order)).float()

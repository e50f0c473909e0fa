"""The walk of codes at several scales whose bits are allotted by content: so much for each scale, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calotype.coding.densities import LAPLACE_STEPS, Laplace, constant, namespace
from calotype.walks.modes import beside, wide

__all__ = ["Allocated"]


class Allocated:
    """Levels of bits for every scale and cell, chosen by cost (Cai et al. 2019, doi:10.1109/TCSVT.2018.2880492).

        y of a scale in a cell: bits by each level's tables + worth of its error -> least -> "share": 0, nothing, to levels - 1
        share --port(counted table)-->; y --port(table of the channel and rate, moved by the share)-->

    groups   channels of each scale, which lie one behind the other in y
    cells    positions of y along a cell's side
    levels   how many there are; the first one codes nothing
    apart    tables between neighbouring levels
    worth    bits that a squared step of error is worth to an encoder
    """

    domain = "latents"

    def __init__(self, groups: Sequence[int], cells: int, levels: int, apart: int, worth: float) -> None:
        self.groups, self.cells = tuple(int(channels) for channels in groups), int(cells)
        self.levels, self.apart, self.worth = int(levels), int(apart), float(worth)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        y, share = given.get("y"), given.get("share")
        index = nets.rows("y.index")
        if share is None and y is not None:
            share = self._least(constant(y), constant(index))
        share = constant(port.code("share", share, nets.prior("share")))
        allotted = wide(beside([share[:, k : k + 1] for k, c in enumerate(self.groups) for _ in range(c)]), self.cells)
        kept = 1.0 * (allotted > 0.5)
        known = port.code("y", None if y is None else y * kept, Laplace(None, self._table(index, allotted) * kept))
        return {"share": share, "y": known}

    def _table(self, index: Any, level: Any) -> Any:
        """The table of a channel at a level above the first one; levels lie around that of the row."""
        return (index + (level - self.levels // 2) * self.apart).clip(1, LAPLACE_STEPS - 1)

    def _least(self, y: Any, index: Any) -> Any:
        """The cheapest level for every scale and cell, [b, scales, h, w] of cells."""
        symbols = Laplace(None, index).hard(y)[0]
        costs = [self._over_cells(self.worth * y * y)]
        error = self._over_cells(self.worth * (y - symbols) ** 2)
        for level in range(1, self.levels):
            bits = Laplace(None, self._table(index, level)).bits(symbols)
            costs.append(self._over_cells(bits) + error)
        best, share = costs[0], 0 * costs[0]
        for level, cost in enumerate(costs[1:], 1):
            share = share + (level - share) * (1.0 * (cost < best))
            best = namespace(best).minimum(best, cost)
        return share

    def _over_cells(self, values: Any) -> Any:
        """Sums over the channels of each scale and the positions of each cell."""
        b, _, height, width = values.shape
        ends = [sum(self.groups[: k + 1]) for k in range(len(self.groups))]
        parts = [values[:, end - channels : end].sum(1) for end, channels in zip(ends, self.groups, strict=True)]
        squares = (b, 1, height // self.cells, self.cells, width // self.cells, self.cells)
        return beside([part.reshape(squares).sum(5).sum(3) for part in parts])

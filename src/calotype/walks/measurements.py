"""The walk of compressive measurements: means of blocks predicted, the others told by those of the same block before.

Not here: the measurement matrix and the recovery (sensing.py, recovery.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks import interlaced
from calotype.walks.blocks import LARGEST, UNIT, around, bin_of
from calotype.walks.orders import Lattice

__all__ = ["Measurements", "groups"]

_FIRST = 8  # measurements of the first group; each further one has as many as there were before


def groups(count: int) -> tuple[int, ...]:
    """The group of each measurement beside the mean: 8, 8, 16, 32, ... of them."""
    return tuple(0 if k < _FIRST else (k // _FIRST).bit_length() for k in range(count - 1))


@lru_cache(maxsize=64)
def _lattice(counts: tuple[int, ...], step: int) -> Lattice:
    steps = np.concatenate([groups(count) for count in counts])
    return Lattice.from_steps(np.broadcast_to(steps[:, None, None], (len(steps), 2, 2)), step)


class Measurements:
    """Random measurements "m" [b, sum of counts, h, w]: of each plane the mean, then projections of equal variance.

        means ---- interlaced passes, each predicted from its neighbours ------------> port
        others, group after group: mean magnitude so far in the block -> normal table -> port
        (of the first group: how far the block's mean is from its neighbours')

    Random projections of one block have one variance, that of its pixels: what was seen of it tells the rest.

    counts   the most measurements of a block of each plane; how many a rate has, the rows "count" say: luma, chroma
    """

    domain = "latents"

    def __init__(self, counts: Sequence[int]) -> None:
        self.counts = tuple(int(count) for count in counts)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = None if latents is None else np.asarray(latents["m"])
        firsts = np.cumsum([0, *self.counts[:-1]])
        b, _, height, width = port.shape("ac")
        means = interlaced.code(port, "dc", None if y is None else y[:, firsts], nets.table("dc.scale"))
        values = None if y is None else np.ascontiguousarray(np.delete(y, firsts, 1), np.float32)
        found = self._code(nets, port, values, means)
        whole = np.empty((b, sum(self.counts), height, width), np.float32)
        whole[:, firsts] = means
        whole[:, np.setdiff1d(np.arange(sum(self.counts)), firsts)] = found
        return {"m": whole}

    def _code(self, nets: Any, port: Any, values: np.ndarray | None, means: np.ndarray) -> np.ndarray:
        shape = port.shape("ac")
        kept = nets.rows("count")[:, :, 0, 0].astype(np.int64)  # b, luma and chroma
        tables, bins = nets.table("ac.bins"), bin_of()
        ends = np.cumsum([count - 1 for count in self.counts])
        step_of = [np.array(groups(count)) for count in self.counts]
        index, known = np.zeros(shape, np.int32), None
        near = np.maximum(around(np.ones_like(means[:1, :1])), 1)
        sums = np.abs(means * near - around(means)) * np.int64(UNIT // 32) // near
        for step in range(1 + max(int(steps.max(initial=0)) for steps in step_of)):
            for plane, steps in enumerate(step_of):
                (these,) = np.nonzero(steps == step)
                if not these.size:
                    continue
                channels = ends[plane] - len(steps) + these
                done = int(these[0])
                told = sums[:, plane] if step == 0 else sums[:, plane] * UNIT // done
                kind = min(plane, 1) * len(tables) // 2 + step
                table = tables[kind, bins[np.minimum(told, len(bins) - 1)]][:, None]
                used = these + 1 < kept[:, min(plane, 1), None]  # b, these; the mean is the first measurement
                index[:, channels] = np.where(used[:, :, None, None], table, 0)
            lattice = _lattice(self.counts, step)
            known = port.code("ac", values, Laplace(None, index, "normal"), lattice, onto=known)
            for plane, steps in enumerate(step_of):
                (these,) = np.nonzero(steps <= step)
                part = known[:, ends[plane] - len(steps) + these]
                sums[:, plane] = np.minimum(np.abs(part), LARGEST).sum(1)
        assert known is not None
        return known

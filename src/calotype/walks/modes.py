"""The walk of competing transforms: a quad-tree of blocks says which one codes each, the encoder tries all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from calotype.coding.densities import LAPLACE_STEPS, Laplace, constant, namespace

__all__ = ["Modes", "beside", "wide"]

_SPLIT_BITS = 6.0  # what a split is taken to cost, about: its flag and four modes instead of one


class Modes:
    """Modes chosen by rate and distortion for blocks and their quarters (Wang et al. 2020, doi:10.1109/TCSVT.2020.3000331).

        bits of each mode by its tables + worth (what its error costs, in bits) -> least -> "choice": a mode, or split
                                                                                 -> "finer": four modes where split
        y of the chosen mode --port(table per mode, channel and rate)--> y, zero elsewhere

    modes    how many compete
    cells    values of y along a quarter's side
    """

    domain = "latents"

    def __init__(self, modes: int, cells: int) -> None:
        self.modes, self.cells = int(modes), int(cells)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        y, choice, finer = (given.get(name) for name in ("y", "choice", "finer"))
        index = nets.rows("y.index").clip(1, LAPLACE_STEPS - 1)
        if choice is None and y is not None:
            choice, finer = self._least(constant(y), constant(index), constant(given["worth"]))
        choice = constant(port.code("choice", choice, nets.prior("choice")))
        split = wide(1.0 * (choice > self.modes - 0.5), 2)
        finer = constant(port.code("finer", finer, replace(nets.prior("finer"), kept=split)))
        mode = finer * split + wide(choice, 2) * (1 - split)
        place = wide(mode, self.cells)
        width = port.shape("y")[1] // self.modes
        kept = beside([beside([1.0 * (place == k)] * width) for k in range(self.modes)])
        known = port.code("y", None if y is None else y * kept, Laplace(None, index * kept))
        return {"choice": choice, "finer": finer, "mode": mode, "y": known}

    def _least(self, y: Any, index: Any, worth: Any) -> tuple[Any, Any]:
        """Modes of blocks, or `modes` for a split one, and those of their quarters; arrays of y's kind."""
        b, _, height, width = y.shape
        made = Laplace(None, index)
        bits = made.bits(made.hard(y)[0])
        blocks = bits.reshape(b, self.modes, -1, height // self.cells, self.cells, width // self.cells, self.cells)
        fine = blocks.sum((2, 4, 6)) + worth
        coarse = fine[:, :, ::2, ::2] + fine[:, :, 1::2, ::2] + fine[:, :, ::2, 1::2] + fine[:, :, 1::2, 1::2]
        finer, few = _first_least(fine)
        choice, whole = _first_least(coarse)
        apart = few[:, :, ::2, ::2] + few[:, :, 1::2, ::2] + few[:, :, ::2, 1::2] + few[:, :, 1::2, 1::2] + _SPLIT_BITS
        split = 1.0 * (apart < whole)
        return choice + split * (self.modes - choice), finer * wide(split, 2)


def _first_least(costs: Any) -> tuple[Any, Any]:
    """Which of [b, n, h, w] along n is least, the first of equals, and its cost; [b, 1, h, w] each."""
    least, best = 0 * costs[:, :1], costs[:, :1]
    for k in range(1, costs.shape[1]):
        cost = costs[:, k : k + 1]
        better = 1.0 * (cost < best)
        least, best = least + better * (k - least), best + better * (cost - best)
    return least, best


def wide(array: Any, side: int) -> Any:
    """Every value of [b, c, h, w] as a square of so many."""
    if isinstance(array, np.ndarray):
        return array.repeat(side, 2).repeat(side, 3)
    return array.repeat_interleave(side, 2).repeat_interleave(side, 3)


def beside(parts: list[Any]) -> Any:
    """Arrays next to each other along their channels."""
    return np.concatenate(parts, 1) if isinstance(parts[0], np.ndarray) else namespace(parts[0]).cat(parts, 1)

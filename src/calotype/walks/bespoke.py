"""The walk of a fitted picture: bands of a pyramid from coarse to fine, four passes each, by networks that the file brings.

Not here: the networks' arithmetic (walks/fitted.py), pixels (bespoke.py), fitting (fit/).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks import fitted
from calotype.walks.fitted import CODED, SEEN, STEPS, FittedWalk, Layout
from calotype.walks.orders import Lattice

__all__ = ["Bespoke", "luma_known"]

LOW_STEPS = np.array([[0, 2], [3, 1]])  # of the low-pass; each later one lies between neighbours of earlier ones
_BLOCK = 8192  # positions at once: their activations stay in the cache of a core


class Bespoke(FittedWalk):
    """Bands "ll", "l6" ... "l1"; context networks are the model's start plus what the picture's payload adds to it.

        ll (4 passes: mean of known neighbours) -> l6 -> ... -> l1, each in four passes over all its positions:
          0: half of the luma channels' places      <- state of the coarser level
          1: the other half                         <- and the first half around
          2: first chroma, all places               <- and luma around
          3: second chroma                          <- and first chroma around
        state of a level <- sizes of its nine channels around, activations of its last pass

    The number of passes does not depend on the picture. The idea of a context network that is fitted to one picture and
    sent with it: Ladune et al. 2023 (COOL-CHIC, arXiv:2212.05458), Kim et al. 2023 (C3, arXiv:2312.02753); there positions
    are coded one by one, here in passes.

    width, state, filters   channels of context, of what is carried, of the post-filter (walks/fitted.py)
    """

    def __init__(self, width: int = 16, state: int = 12, filters: int = 24) -> None:
        self.layout = Layout(int(width), int(state), int(filters))
        self.bands = [f"l{level}" for level in range(self.layout.levels, 0, -1)]

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        vector = self.layout.whole(nets.table("start")[0], nets.shared)
        w = self.layout.named(vector)
        base = {name: nets.rows(f"{name}.base") for name in ("ll", *self.bands)}
        values = {"ll": _low_pass(port, given.get("ll"), base["ll"])}
        carried: list[Any] = []
        for level in range(self.layout.levels, 0, -1):
            name = f"l{level}"
            carried, values[name] = self._level(w, port, level, carried, base[name], given.get(name))
        return values

    def _level(
        self, w: Mapping[str, Any], port: Any, level: int, carried: list[Any], base: Any, given: Any
    ) -> tuple[list[Any], Any]:
        name = f"l{level}"
        b, _, height, width = port.shape(name)
        lifted = [fitted.lift(fitted.Numpy, w, level, state) for state in carried] or [None] * b
        seen = np.zeros((b, 9, height + 2, width + 2), np.float32)  # sizes of what is known, with a margin
        hidden = np.zeros((b, self.layout.width, height, width), np.float32) if level > 1 else None
        known = None
        for k in range(STEPS):
            index = np.zeros((b, 9, height, width), np.uint8)
            coded, inputs = list(CODED[k]), list(SEEN[k])
            for row in range(b):
                own = np.broadcast_to(base, (b, *base.shape[1:]))[row, coded]
                for rows in _blocks(height, width):
                    cut = seen[row, inputs, rows.start : rows.stop + 2] if inputs else None
                    above = None if lifted[row] is None else lifted[row][:, rows]
                    if cut is None and above is None:
                        above = np.zeros((self.layout.width, rows.stop - rows.start, width), np.float32)
                    active, found = fitted.step(fitted.Numpy, w, level, k, above, cut, own)
                    index[row, coded, rows] = found
                    if hidden is not None and k == STEPS - 1:
                        hidden[row, :, rows] = active
            lattice = _lattice(k)
            known = port.code(name, given, Laplace(None, index), lattice, onto=known)
            inner = seen[:, :, 1:-1, 1:-1]
            inner[:, coded] = fitted.sizes(np.asarray(known)[:, coded])
        if hidden is None:
            return [], known
        states = []
        for row in range(b):
            state = np.empty((self.layout.state, height, width), np.float32)
            for rows in _blocks(height, width):
                cut = seen[row, :, rows.start : rows.stop + 2]
                state[:, rows] = fitted.carry(fitted.Numpy, w, level, cut, hidden[row, :, rows])
            states.append(state)
        return states, known


def luma_known(height: int, width: int) -> np.ndarray:
    """Which luma channels (HL, LH, HH) are known where after the first pass: bool [3, h, w], a board of two colours."""
    board = (np.arange(height)[:, None] + np.arange(width)) % 2
    return np.stack([board == 0, board == 1, board == 0])


@lru_cache(maxsize=8)
def _lattice(k: int) -> Lattice:
    """The positions of a pass: luma channels on two colours of a board, LH against the others; then whole planes."""
    steps = np.empty((9, 2, 2), np.int64)
    board = np.array([[0, 1], [1, 0]])
    for orientation, shift in enumerate((0, 1, 0)):
        steps[3 * orientation] = board ^ shift
    for orientation in range(3):
        steps[3 * orientation + 1], steps[3 * orientation + 2] = 2, 3
    return Lattice.from_steps(steps, k)


def _blocks(height: int, width: int) -> list[slice]:
    step = max(1, _BLOCK // width)
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def _low_pass(port: Any, given: Any, base: Any) -> Any:
    """The low-pass, each position predicted by the mean of its eight neighbours that are known.

    base   tables in sixteenths: of the first pass for each plane, then of the others
    """
    b, planes, height, width = port.shape("ll")
    index = np.floor(np.broadcast_to(base, (b, *base.shape[1:])) / 16 + 0.5).clip(1, 63).astype(np.int64)
    pattern = np.broadcast_to(LOW_STEPS, (planes, 2, 2))
    order = LOW_STEPS[np.arange(height)[:, None] % 2, np.arange(width) % 2]
    known = None
    for k in range(4):
        mean16: Any = np.zeros((b, planes, 1, 1), np.int64)
        if known is not None:
            sums, count = _around(known, order < k)
            mean16 = np.where(count > 0, (16 * sums + count // 2) // np.maximum(count, 1), 0)
        table = index[:, :planes] if k == 0 else index[:, planes:]
        known = port.code("ll", given, Laplace(mean16, table), Lattice.from_steps(pattern, k), onto=known)
    return known


def _around(known: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of the known values among the eight neighbours, in integers, and how many they are."""
    height, width = mask.shape
    values = np.pad(np.asarray(known).astype(np.int64) * mask, ((0, 0), (0, 0), (1, 1), (1, 1)))
    there = np.pad(mask.astype(np.int64), 1)
    cuts = [(slice(y, y + height), slice(x, x + width)) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    return sum(values[:, :, y, x] for y, x in cuts), sum(there[y, x] for y, x in cuts)  # type: ignore[return-value]

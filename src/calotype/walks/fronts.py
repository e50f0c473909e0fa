"""Serial contexts: positions in fronts, each predicted from what lies in the fronts before it, in a window around it.

Not here: the network (nets/causal.py), what a position's distribution is made of. Training codes all fronts at once,
which `port.settle` does; everybody else goes front by front, with patches of the values known so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.walks.features import features_of, parity_planes, with_symbols
from calotype.walks.orders import Listed

__all__ = ["REACH", "Front", "Order", "code"]

REACH = 2  # positions that a context sees to each side where nothing else is said: windows of 5x5


@dataclass(frozen=True)
class Order:
    """Front number of a position: down * row + across * column + group, where channels are `groups` equal groups.

    reach   positions that a window shows to each side; what of them comes before, the numbers say
    (3, 1, 1)    raster order with a 5x5 window, as a wavefront: no position waits for more than it sees
    (4, 1, 1, 3) the same with 7x7
    (1, 1, n)    the diagonals of a code divided into n groups of channels
    """

    down: int
    across: int
    groups: int = 1
    reach: int = REACH

    def group(self, channel: int, channels: int) -> int:
        """The group of a channel."""
        return channel * self.groups // channels

    def count(self, height: int, width: int) -> int:
        """How many fronts there are."""
        return self.down * (height - 1) + self.across * (width - 1) + self.groups

    def before(self, rows: int, columns: int, group: int, own: int) -> bool:
        """Whether what lies so many rows and columns further, in `group`, is coded before a position of group `own`."""
        return self.down * rows + self.across * columns + group - own < 0


@dataclass(frozen=True)
class Front(Listed):
    """The positions of one front, as a lattice: channels ascending, in each the rows, in each the columns ascending
    (normative, docs/format-entropy.md)."""

    order: Order
    step: int

    def columns(self, c: int, h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns at which it has any channel, in raster order: int [n] each."""
        rows, columns = np.divmod(np.unique(self.places(c, h, w) % (h * w)), w)
        return rows, columns

    def places(self, c: int, h: int, w: int) -> np.ndarray:
        starts, places = _all(self.order, c, h, w)
        return places[starts[self.step] : starts[self.step + 1]]


@lru_cache(maxsize=16)
def _all(order: Order, c: int, h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """(first of each front in the second array, flat positions front by front)."""
    groups = np.array([order.group(channel, c) for channel in range(c)])
    step = order.down * np.arange(h)[:, None] + order.across * np.arange(w)
    step = (groups[:, None, None] + step).reshape(-1)
    places = np.argsort(step, kind="stable")
    return np.searchsorted(step[places], np.arange(order.count(h, w) + 1)), places


def code(
    port: Any, name: str, values: Any, order: Order, net: Callable[..., Any], side: Any, row: Any,
    make: Callable[[Any], Any], refer: Callable[..., Any] | None = None,
) -> Any:  # fmt: skip
    """Code all positions of a name in fronts; returns the restored values [b, c, h, w].

    net     (side, seen, row) -> arrays; side [b, s, 1, n] and seen [b, 2c, k, kn] of n positions of a front give
            [b, m, 1, n]; whole arrays [b, s, h, w] and [b, 2c, h, w] give [b, m, h, w]; k is the side of a window
    make    those arrays, of all positions -> distribution
    refer   (seen, features of all that is known [b, 2c, h, w], (rows, columns) of the front) -> what earlier positions
            say to these, [b, r, 1, n], which `net` takes after `seen`; for whole arrays there are no rows and columns,
            and it is for `refer` to look at earlier fronts only (walks/references.py)
    """
    b, c, h, w = shape = port.shape(name)
    if hasattr(port, "settle"):
        parity, fronts = parity_planes(row, h, w), order.count(h, w)

        def predict(known: Any) -> Any:
            features = with_symbols(known, parity)[:, : 2 * c]
            return make(net(side, features, *(() if refer is None else (refer(features, features, None),)), row))

        return port.settle(name, values, predict, fronts)
    known, side = np.zeros(shape, np.float32), np.asarray(side)
    reach = order.reach
    seen = np.zeros((b, 2 * c, h + 2 * reach, w + 2 * reach), np.int8)
    window = np.arange(2 * reach + 1)
    whole: list[np.ndarray] = []
    for step in range(order.count(h, w)):
        front = Front(order, step)
        rows, columns = front.columns(c, h, w)
        down = np.broadcast_to(rows[:, None] + window[:, None, None], (len(window), len(rows), len(window)))
        right = np.broadcast_to((columns[:, None] + window)[None], down.shape)
        patches = seen[:, :, down, right].reshape(b, 2 * c, len(window), -1)
        inner = seen[:, :, reach : reach + h, reach : reach + w]
        referred = () if refer is None else (refer(patches, inner, (rows, columns)),)
        found = net(side[:, :, rows, columns][:, :, None], patches, *referred, row)
        parts = tuple(np.asarray(part) for part in (found if isinstance(found, tuple) else (found,)))
        whole = whole or [np.zeros((b, part.shape[1], h, w), part.dtype) for part in parts]
        for array, part in zip(whole, parts, strict=True):
            array[:, :, rows, columns] = part[:, :, 0]
        known = port.code(name, values, make(tuple(whole) if len(whole) > 1 else whole[0]), front, onto=known)
        size, sign = features_of(known[:, :, rows, columns])
        seen[:, :c, rows + reach, columns + reach] = size
        seen[:, c:, rows + reach, columns + reach] = sign
    return known

"""The walk of a 3-D context: each symbol knows those before it in rows, columns and channels; side information is masked."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace, namespace
from calotype.errors import UsageError
from calotype.walks.features import features_of, parity_planes, with_symbols
from calotype.walks.fronts import REACH, Front, Order
from calotype.walks.references import floored, mixed

__all__ = ["GATE", "Volume", "masked", "taps"]

GATE = 64  # a mask of this leaves the side information as it is; masks go from 0 to twice as much


class Volume:
    """3-D masked context and masks by non-local attention (Chen et al. 2021, arXiv:1910.06244, sections III.B and III.C).

        z --hyper_synthesis--> side        z --tokens--> queries, keys, values; all of a tile mixed --mask--> 0..128
        side * mask / 64 --spread--> some integers for each symbol of y
        those, symbols of y in earlier fronts within 5x5x5 --volume--> mean, table --port--> a front of y

    The context's weights are the same for all channels: y is a volume, and the window moves along its channels as well.

    order    [down, across, channels of y], see `fronts.Order`: every channel is a group
    width    of queries, keys and values
    sides    integers for each symbol
    """

    domain = "latents"

    def __init__(self, order: list[int], width: int, sides: int) -> None:
        self.order, self.width, self.sides = Order(*(int(step) for step in order)), int(width), int(sides)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        tokens = nets.tokens(z)
        b, _, rows, columns = tokens.shape
        query, keys, values = (
            tokens[:, k * self.width : (k + 1) * self.width].reshape(b, self.width, -1) for k in range(3)
        )
        found = mixed(query, keys, values).reshape(b, self.width, rows, columns)
        mask = nets.mask(namespace(found).concatenate([1.0 * tokens[:, 2 * self.width :], found], 1))
        side = nets.spread(masked(nets.hyper_synthesis(z, nets.rows("y.rate")), mask))
        return {"z": z, "y": _code(port, y, self.order, self.sides, nets.volume, side, nets.rows("y.scale"))}


def masked(side: Any, mask: Any) -> Any:
    """Side information 0..255 times a mask 0..128 over 64: integers 0..255, of the same shape."""
    return floored(1.0 * side * mask * (1 / GATE)).clip(0, 255)


def taps(order: Order) -> list[tuple[int, int, int]]:
    """(channels, rows, columns) to each symbol of the 5x5x5 window that lies in an earlier front."""
    reach = range(-REACH, REACH + 1)
    return [(k, r, c) for k, r, c in itertools.product(reach, repeat=3) if order.before(r, c, k, 0)]


@lru_cache(maxsize=16)
def _windows(order: Order, c: int, h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """Into a volume with margins, flat: (where each symbol of [c, h, w] is, how far its taps are from it)."""
    wide = h + 2 * REACH, w + 2 * REACH
    k, row, column = np.indices((c, h, w)).reshape(3, -1) + REACH
    reach = [(down * wide[0] + r) * wide[1] + right for down, r, right in taps(order)]
    return (k * wide[0] + row) * wide[1] + column, np.array(reach)


def _code(port: Any, values: Any, order: Order, sides: int, net: Any, side: Any, row: Any) -> Any:
    """Code all symbols of y in fronts; returns the restored values [b, c, h, w].

    net    (side [b, s, 1, n], seen [b, 2t, 1, n], row [b, 1, 1, n]) of n symbols -> means and tables [b, 1, 1, n]
    side   [b, s * c, h, w]
    row    [b, c, 1, 1]
    """
    b, c, h, w = shape = port.shape("y")
    if order.groups != c:
        raise UsageError("channel groups of the walk", value=order.groups, allowed=f"{c}, one for each channel")
    centres, reach = _windows(order, c, h, w)
    if hasattr(port, "settle"):
        side = side.reshape(b, sides, 1, c * h * w)
        rows = row.expand(-1, -1, h, w).reshape(b, 1, 1, c * h * w)

        def predict(known: Any) -> Laplace:
            features = with_symbols(known, parity_planes(side, h, w))[:, : 2 * c].reshape(b, 2, c, h, w)
            wide = features.new_zeros((b, 2, *(length + 2 * REACH for length in (c, h, w))))
            wide[:, :, REACH:-REACH, REACH:-REACH, REACH:-REACH] = features
            parts = [
                wide[:, :, k : k + c, r : r + h, right : right + w] for k, r, right in np.array(taps(order)) + REACH
            ]
            seen = namespace(wide).stack(parts, 2).reshape(b, 2 * len(reach), 1, c * h * w)
            return Laplace(*(part.reshape(b, c, h, w) for part in net(side, seen, rows)))

        return port.settle("y", values, predict, order.count(h, w))
    side = np.asarray(side).reshape(b, sides, c * h * w)
    rows = np.asarray(row, np.float32)[:, :, 0]  # b c 1
    known, wide = np.zeros(shape, np.float32), np.zeros((b, 2, (c + 4) * (h + 4) * (w + 4)), np.int8)
    mean16, index = np.zeros((b, c * h * w), np.int16), np.zeros((b, c * h * w), np.uint8)
    places = np.arange(c * h * w).reshape(1, c, h, w)
    for step in range(order.count(h, w)):
        front = Front(order, step)
        here = front.take(places)[0]
        seen = wide[:, :, reach[:, None] + centres[here]].reshape(b, -1, 1, len(here))
        found = net(side[:, :, None, here], seen, rows[:, None, None, here // (h * w), 0])
        mean16[:, here], index[:, here] = (np.asarray(part)[:, 0, 0] for part in found)
        known = port.code("y", values, Laplace(mean16.reshape(shape), index.reshape(shape)), front, onto=known)
        wide[:, :, centres[here]] = np.stack(features_of(known.reshape(b, -1)[:, here]), 1)
    return known

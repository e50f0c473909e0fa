"""The walk of attention to decoded latents: integers throughout, so that every machine attends to the same."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace, namespace
from calotype.walks import fronts
from calotype.walks.references import SCORE, TOP, floored

__all__ = ["SCORE", "TOP", "Attended", "attention"]

_SIDE = 2 * fronts.REACH + 1


class Attended:
    """Spatio-channel attention over a 5x5 window of tokens, one token for a position and a group of channels.

        z --hyper_synthesis--> side --query--> q, one for each group
        values coded before --tokens--> keys, values          (a token sees the values of its group only)
        max(0, q . k) of earlier tokens, as integers -> weights -> sum(w v) / (1 + sum(w)), floor --context--> mean, table

    What softmax does, exponentials and a division, differs between machines in the last bit; ReLU weights are integers,
    and one correctly rounded division of two integers below 2^24 with a floor behind it is the same everywhere.

    order    [down, across, groups], see `fronts.Order`
    width    of queries, keys and values
    """

    domain = "latents"

    def __init__(self, order: list[int], width: int) -> None:
        self.order, self.width = fronts.Order(*(int(step) for step in order)), int(width)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        z = port.code("z", None if y is None else nets.hyper_analysis(y), nets.prior("z"))
        side = nets.hyper_synthesis(z, nets.rows("y.rate"))

        def context(side: Any, seen: Any, row: Any) -> Any:
            query, tokens = 1.0 * nets.query(side), nets.tokens(seen)  # joined, where networks ran by groups of rows
            return nets.context(side, attention(query, tokens, self.order, self.width), row)

        row = nets.rows("y.scale")
        known = fronts.code(port, "y", y, self.order, context, side, row, lambda found: Laplace(*found))
        return {"z": z, "y": known}


def attention(query: Any, tokens: Any, order: fronts.Order, width: int) -> Any:
    """What each position's groups make of the tokens before them.

    query    integers [b, groups * width, h, w]
    tokens   keys and values of each group after each other, [b, groups * 2 * width, h, w]; or of patches of 5x5 side by
             side, [b, ..., 5, 5 w], where h is 1
    returns  integers of query's shape, -127..127
    """
    xp = namespace(query)
    b, _, h, w = query.shape
    windows = _patches(tokens) if tokens.shape[2] != h else _whole(tokens)  # b c 25 hw
    windows = windows.reshape(b, order.groups, 2, width, _SIDE**2, h * w)
    queries = query.reshape(b, order.groups, width, h * w)
    scores = xp.einsum("bgdn,bkdtn->bgktn", 1.0 * queries, 1.0 * windows[:, :, 0])
    earlier = _earlier(order)
    earlier = earlier if isinstance(query, np.ndarray) else query.new_tensor(earlier)
    weights = floored((scores * SCORE).clip(0, 2 * TOP)) * earlier[None, :, :, :, None]
    summed = xp.einsum("bgktn,bkdtn->bgdn", weights, 1.0 * windows[:, :, 1])
    total = 1 + weights.sum(3).sum(2)
    return floored(summed / total[:, :, None]).reshape(b, order.groups * width, h, w)


@lru_cache(maxsize=16)
def _earlier(order: fronts.Order) -> np.ndarray:
    """1 where a token comes before: float32 [own group, group, 25]."""
    offsets = [(row - fronts.REACH, column - fronts.REACH) for row in range(_SIDE) for column in range(_SIDE)]
    groups = range(order.groups)
    before = [[[order.before(*offset, group, own) for offset in offsets] for group in groups] for own in groups]
    return np.array(before, np.float32)


def _patches(tokens: Any) -> np.ndarray:
    """[b, c, 5, 5n] -> [b, c, 25, n]"""
    tokens = np.asarray(tokens, np.float32)
    b, c, side, wide = tokens.shape
    return tokens.reshape(b, c, side, wide // side, side).transpose(0, 1, 2, 4, 3).reshape(b, c, side * side, -1)


def _whole(tokens: Any) -> Any:
    """[b, c, h, w] -> [b, c, 25, h * w], zero beyond the edges."""
    b, c, h, w = tokens.shape
    wide = tokens.new_zeros((b, c, h + _SIDE - 1, w + _SIDE - 1))
    wide[:, :, fronts.REACH : h + fronts.REACH, fronts.REACH : w + fronts.REACH] = tokens
    views = [wide[:, :, row : row + h, column : column + w] for row in range(_SIDE) for column in range(_SIDE)]
    return namespace(tokens).stack(views, 2).reshape(b, c, _SIDE**2, h * w)

"""What positions learn from far ones, in integers: the nearest by content, or all, weighted by likeness.

Not here: the order of coding (walks/fronts.py), the networks (nets/referring.py, nets/non_local.py).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import constant, namespace
from calotype.errors import UsageError
from calotype.walks.fronts import Order

__all__ = ["POINTS", "SCORE", "TOP", "asked", "floored", "mixed", "nearest"]

SCORE = 2.0**-7  # scores become weights after this and a floor
TOP = 127  # of queries, keys, values and weights
POINTS = 1024  # so many may be referred to: TOP * TOP * POINTS stays below 2^24
CLOSE = np.array([4 * 2 ** (k / 2) for k in range(16)]).round()  # squared distances per dimension, of features
SIGN_TOP = 96  # no feature of signs is larger (walks/features.py)


def mixed(query: Any, keys: Any, values: Any, earlier: Any = None) -> Any:
    """Values of points, weighted by how well their keys fit a query: floor(sum(w v) / (1 + sum(w))).

    query    integers -127..127 [b, d, n]; at most 1024 products of two of them, d, stay exact
    keys     of the points, [b, d, m]
    values   [b, v, m]
    earlier  which points a query may see, 0 or 1, [n, m]; None: all
    returns  integers -127..127 [b, v, n], with gradients as if nothing were rounded
    raises   UsageError for more points than sums stay exact with

    Weights are max(0, q k) in integers where a non-local block (Wang et al. 2018, arXiv:1711.07971, section 3.2) has a
    softmax, whose exponentials no two machines share; the division is of two integers below 2^24, with a floor behind it.
    """
    _few_enough(keys)
    scores = (1.0 * query).swapaxes(1, 2) @ (1.0 * keys)
    weights = floored((scores * SCORE).clip(0, TOP))
    weights = weights if earlier is None else weights * earlier
    return floored((1.0 * values) @ weights.swapaxes(1, 2) / (1 + weights.sum(-1))[:, None])


def nearest(looks: Any, content: Any, order: Order, at: Any) -> Any:
    """Content of the position of an earlier front that looks most like the one that asks; the first coded, of equals.

    looks    integers -96..96, known at all positions, [b, d, h, w]
    content  integers -127..127, of what earlier fronts hold, [b, c, h, w]
    at       (rows, columns) that ask, of one front, [n] each; None: all of them
    returns  [b, c + 1, 1, n], or [b, c + 1, h, w] where all ask: the content, times how close it is over 128, and how
             close it is, 0..127; zeros where nothing is earlier
    raises   UsageError where sums of looks, or the number of positions, are beyond what stays exact

    Integers throughout: no machine, order of summation or rule for equals of a library decides what is nearest.
    """
    xp, (b, d, h, w) = namespace(looks), looks.shape
    if d * (2 * SIGN_TOP) ** 2 >= 2**24:
        raise UsageError("dimensions of what positions look like", value=d, allowed=2**24 // (2 * SIGN_TOP) ** 2)
    flat, content = 1.0 * looks.reshape(b, d, h * w), content.reshape(b, -1, h * w)
    _few_enough(flat)
    asking, points, earlier = asked(order, h, w, at, looks)
    if not len(points):
        return np.zeros((b, content.shape[1] + 1, 1, len(asking)), np.float32)
    query, keys = flat[:, :, asking], flat[:, :, points]
    distance = (query**2).sum(1)[:, :, None] + (keys**2).sum(1)[:, None] - 2 * query.swapaxes(1, 2) @ keys
    distance = distance if earlier is None else distance + (1 - earlier) * 2.0**25
    places = np.arange(float(len(points)))  # float64, which holds both numbers of a pair
    pairs = distance * float(POINTS) + places if isinstance(looks, np.ndarray) else distance.double() * POINTS
    pairs = pairs if isinstance(looks, np.ndarray) else pairs + pairs.new_tensor(places)
    least = xp.amin(pairs, -1)  # b n
    distance = xp.floor(least / POINTS)
    chosen = points[_index(least - distance * POINTS)]
    close = 0 * distance
    for limit in CLOSE * d:
        close = close + 8.0 * (distance < float(limit))
    close = close.clip(0, TOP)[:, None]
    rows = _index(xp.arange(b))[:, None]
    found = 1.0 * content[rows, :, chosen]  # b n c
    found = floored(found.swapaxes(1, 2) * close * (1 / (TOP + 1)))
    both = xp.concatenate([found, close], 1)
    both = both.astype(np.float32) if isinstance(looks, np.ndarray) else both.float()
    return both.reshape(b, -1, *((h, w) if at is None else (1, len(asking))))


def asked(order: Order, h: int, w: int, at: Any, like: Any) -> tuple[Any, Any, Any]:
    """Who asks, and who may answer.

    at       (rows, columns) of a front, [n] each; None: all positions
    returns  positions that ask, [n]; points of earlier fronts in the order of coding, [m]; None. Or all positions, all
             points, and which of these lie in earlier fronts than those, 0 or 1, [n, m], in the world of `like`
    """
    step, places, starts = _scan(order, h, w)
    if at is None:
        earlier = (step[places][None] < step[:, None]).astype(np.float32)
        asking = np.arange(h * w)
        if isinstance(like, np.ndarray):
            return asking, places, earlier
        xp = namespace(like)
        return *(xp.from_numpy(part).to(like.device) for part in (asking, places)), like.new_tensor(earlier)
    asking = at[0] * w + at[1]
    return asking, places[: starts[step[asking[0]]]], None


@lru_cache(maxsize=16)
def _scan(order: Order, h: int, w: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(front of every position, positions front by front, first of each front among these)."""
    step = (order.down * np.arange(h)[:, None] + order.across * np.arange(w)).reshape(-1)
    places = np.argsort(step, kind="stable")
    return step, places, np.searchsorted(step[places], np.arange(order.count(h, w) + 1))


def floored(x: Any) -> Any:
    """The floor; towards gradients the identity."""
    whole = namespace(x).floor(constant(x))
    return whole if isinstance(x, np.ndarray) else whole + (x - constant(x))


def _few_enough(points: Any) -> None:
    if points.shape[-1] > POINTS:
        raise UsageError(
            "points to refer to", value=points.shape[-1], allowed=f"up to {POINTS}; smaller tiles have fewer"
        )


def _index(whole: Any) -> Any:
    return whole.astype(np.intp) if isinstance(whole, np.ndarray) else whole.long()

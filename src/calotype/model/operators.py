"""What each operator of an exact network does to the knowledge of intervals.py; proof.py walks the graph.

A function gets the node and its arguments (Values, or arrays for constants, or None where one is left out) and returns
the knowledge of its outputs, or raises Refusal with a reason. Those that only move values are in movements.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from calotype.model.graph import Node
from calotype.model.intervals import Refusal, Values, constant_values, fraction_bits, hull, summed, uniform
from calotype.model.movements import MOVEMENTS

__all__ = ["OPERATORS", "SUMS"]

Argument = Any  # Values | np.ndarray | None
SUMS = ("Conv", "ConvTranspose", "Add", "Sub")


def _pair(node: Node, a: Argument, b: Argument) -> tuple[Values, Values]:
    """Two arguments broadcast against each other; of lower rank means that channels can't be matched."""
    rank = max(part.rank if isinstance(part, Values) else part.ndim for part in (a, b))
    sides = []
    for part in (a, b):
        side = summed(part) if isinstance(part, Values) else constant_values(part, rank)
        side = side if side.rank == rank else uniform(side, rank=rank)
        sides.append(side.each() if (side.channels or 0) > 1 else side)
    known = {side.channels for side in sides if side.channels not in (None, 1)}
    lengths = {len(side.low) for side in sides} - {1}
    if len(known) > 1 or len(lengths) > 1:
        raise Refusal(f"channels do not match: {sorted(known)}")
    channels = known.pop() if known else (1 if all(side.channels == 1 for side in sides) else None)
    return replace(sides[0], channels=channels), replace(sides[1], channels=channels)


def _window(node: Node, kernel: tuple[int, ...]) -> bool:
    """Whether a convolution pads with zeros."""
    auto = node.attributes.get("auto_pad", b"NOTSET")
    return auto in (b"SAME_UPPER", b"SAME_LOWER") or any(node.attributes.get("pads", ()))


def _weights(weight: Argument, bias: Argument) -> tuple[np.ndarray, np.ndarray | None]:
    arrays = []
    for role, array in (("weights", weight), ("bias", bias)):
        if isinstance(array, Values):
            raise Refusal(f"{role} that are computed; only constants can be bounded")
        if array is not None and (array.dtype != np.float32 or not np.isfinite(array).all()):
            raise Refusal(f"{role} of type {array.dtype}, or not finite; finite float32 is allowed")
        arrays.append(None if array is None else array.astype(np.float64))
    if arrays[0] is None or arrays[0].ndim != 4:
        raise Refusal("a convolution that is not two-dimensional")
    return arrays[0], arrays[1]


def _products(weight: np.ndarray, x: Values, inputs: np.ndarray, bias: np.ndarray | None) -> Values:
    """The sums over i and taps of weight[o, i, taps] * x[inputs[o, i]] + bias[o], and all their partial sums."""
    positive, negative = np.maximum(weight, 0).sum(2), np.minimum(weight, 0).sum(2)  # o i
    low, high = x.low[inputs], x.high[inputs]
    base = np.zeros(len(weight)) if bias is None else bias
    top = base + (positive * high + negative * low).sum(1)
    bottom = base + (positive * low + negative * high).sum(1)
    mass = np.abs(base) + ((positive - negative) * x.magnitude[inputs]).sum(1)
    used = np.any(weight, axis=2) & (x.magnitude[inputs] > 0)
    steps = np.where(used, fraction_bits(weight).max(2) + x.bits[inputs], -2000)
    bits = np.maximum(steps.max(1), fraction_bits(base))
    return Values(bottom, top, bits, mass, 4, len(weight))


def conv(node: Node, x: Argument, weight: Argument, bias: Argument = None) -> Values:
    """Convolution: groups, strides, dilations, zero padding."""
    weights, offsets = _weights(weight, bias)
    x, groups = _channels(node, x, weights.shape[1] * node.attributes.get("group", 1)), node.attributes.get("group", 1)
    outputs, inputs = weights.shape[:2]
    if outputs % groups or (offsets is not None and offsets.shape != (outputs,)):
        raise Refusal("weights, bias and groups that do not fit")
    if _window(node, weights.shape[2:]):
        x = _with_zero(x)
    first = np.arange(outputs) // (outputs // groups) * inputs
    return _products(weights.reshape(outputs, inputs, -1), x, first[:, None] + np.arange(inputs), offsets)


def conv_transpose(node: Node, x: Argument, weight: Argument, bias: Argument = None) -> Values:
    """Transposed convolution: an output position sums the taps of its phase alone; at the border, some of them."""
    weights, offsets = _weights(weight, bias)
    groups = node.attributes.get("group", 1)
    fan_in, each, height, width = weights.shape
    x = _with_zero(_channels(node, x, fan_in))
    outputs = each * groups
    if fan_in % groups or (offsets is not None and offsets.shape != (outputs,)):
        raise Refusal("weights, bias and groups that do not fit")
    stride, dilation = (node.attributes.get(key, [1, 1]) for key in ("strides", "dilations"))
    inputs = fan_in // groups
    # [I, O/g, kh, kw] -> [O, I/g, kh, kw]
    turned = weights.reshape(groups, inputs, each, height, width).swapaxes(1, 2).reshape(outputs, inputs, height, width)
    first = np.arange(outputs) // each * inputs
    rows, columns = np.arange(height) * dilation[0] % stride[0], np.arange(width) * dilation[1] % stride[1]
    phases = [
        _products(turned[:, :, rows == p][..., columns == q].reshape(outputs, inputs, -1), x,
                  first[:, None] + np.arange(inputs), offsets)
        for p in set(rows.tolist()) for q in set(columns.tolist())
    ]  # fmt: skip
    base = np.zeros(outputs) if offsets is None else offsets  # a phase without taps has the bias alone
    return hull([*phases, Values(base, base, fraction_bits(base), np.abs(base), 4, outputs)])


def _channels(node: Node, x: Argument, channels: int) -> Values:
    x = summed(x)
    if x.rank != 4 or x.channels not in (None, channels):
        raise Refusal(f"{channels} input channels for a tensor of rank {x.rank} with {x.channels}")
    return replace(x, channels=channels).each()


def _with_zero(x: Values) -> Values:
    return replace(x, low=np.minimum(x.low, 0), high=np.maximum(x.high, 0))


def clip(node: Node, x: Argument, low: Argument = None, high: Argument = None) -> Values:
    """Clip between constants, either of which may be missing."""
    x = summed(x)
    for bound, limit in ((low, np.maximum), (high, np.minimum)):
        if bound is None:
            continue
        if isinstance(bound, Values) or bound.size != 1 or not np.isfinite(bound).all():
            raise Refusal("a limit that is no finite constant")
        value = float(bound.reshape(()))
        # Only where the limit can be reached does its granularity matter.
        reached = limit(x.low, value) != x.low if limit is np.maximum else limit(x.high, value) != x.high
        bits = np.where(reached, np.maximum(x.bits, fraction_bits(np.float64(value))), x.bits)
        x = x.fresh(low=limit(x.low, value), high=limit(x.high, value), bits=bits)
    return x.fresh()


def relu(node: Node, x: Argument) -> Values:
    """max(x, 0)."""
    x = summed(x)
    return x.fresh(low=np.maximum(x.low, 0), high=np.maximum(x.high, 0))


def floor(node: Node, x: Argument) -> Values:
    """Largest integer below: the granularity becomes 1."""
    x = summed(x)
    return x.fresh(low=np.floor(x.low), high=np.floor(x.high), bits=np.minimum(x.bits, 0))


def absolute(node: Node, x: Argument) -> Values:
    """|x|."""
    x = summed(x)
    crosses = (x.low < 0) & (x.high > 0)
    return x.fresh(low=np.where(crosses, 0, np.minimum(np.abs(x.low), np.abs(x.high))), high=x.magnitude)


def multiply(node: Node, a: Argument, b: Argument) -> Values:
    """Multiplication by constants that are powers of two, or zero; any other factor may be folded into weights."""
    x, factor = (a, b) if isinstance(a, Values) else (b, a)
    if isinstance(factor, Values):
        raise Refusal("a product of two computed values; only powers of two are exact")
    mantissa, exponent = np.frexp(factor.astype(np.float64))
    if not (np.isin(np.abs(mantissa), (0.0, 0.5)) & (np.abs(exponent) <= 60)).all():
        raise Refusal(f"a factor that is no power of two: {factor.ravel()[np.abs(mantissa).ravel() != 0.5][:1]}")
    x, scale = _pair(node, x, factor)
    corners = [x.low * scale.low, x.low * scale.high, x.high * scale.low, x.high * scale.high]
    low, high = np.minimum.reduce(corners), np.maximum.reduce(corners)
    bits = np.maximum(x.bits + scale.bits, -2000)
    return replace(x, low=low, high=high, bits=bits, mass=x.mass * scale.magnitude)


def divide(node: Node, a: Argument, b: Argument) -> Values:
    """Division by powers of two, which exporters write for `x / 4`."""
    if isinstance(b, Values) or not isinstance(a, Values):
        raise Refusal("a division by a computed value")
    if not np.asarray(b).all():
        raise Refusal("a division by zero")
    return multiply(node, a, (1 / b.astype(np.float64)))


def add(node: Node, a: Argument, b: Argument) -> Values:
    """Sums; the partial sums of both sides count, since a runtime may fuse them with the convolutions before."""
    x, y = _pair(node, a, b)
    return replace(x, low=x.low + y.low, high=x.high + y.high, bits=np.maximum(x.bits, y.bits), mass=x.mass + y.mass)


def subtract(node: Node, a: Argument, b: Argument) -> Values:
    """Differences, as `add`."""
    x, y = _pair(node, a, b)
    return replace(x, low=x.low - y.high, high=x.high - y.low, bits=np.maximum(x.bits, y.bits), mass=x.mass + y.mass)


def _extreme(pick: Callable[..., np.ndarray]) -> Callable[..., Values]:
    def extreme(node: Node, first: Argument, *others: Argument) -> Values:
        for other in others:
            x, y = _pair(node, first, other)
            bits = np.maximum(x.bits, y.bits)
            first = x.fresh(low=pick(x.low, y.low), high=pick(x.high, y.high), bits=bits)
        return summed(first)

    return extreme


OPERATORS: dict[str, Callable[..., Values | list[Values]]] = {
    **MOVEMENTS, "Abs": absolute, "Add": add, "Clip": clip, "Conv": conv, "ConvTranspose": conv_transpose,
    "Div": divide,
    "Floor": floor, "Max": _extreme(np.maximum), "Min": _extreme(np.minimum), "Mul": multiply, "Relu": relu,
    "Sub": subtract,
}  # fmt: skip

"""Operators that only move or retype values, as operators.py says it of those that calculate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from calotype.model.graph import Node
from calotype.model.intervals import Refusal, Values, constant_values, hull, moved, uniform

__all__ = ["MOVEMENTS"]

Argument = Any  # Values | np.ndarray | None
CASTS = ("uint8", "int8", "int16", "uint16", "int32")


def cast(node: Node, x: Argument) -> Values:
    """To an integer type that holds every possible value, and back to float32."""
    x = moved(x)
    to = node.attributes["to"]
    if to == "float32" or to == x.dtype:
        return x if to == x.dtype else replace(x, dtype=to)
    if to not in CASTS or x.dtype != "float32":
        raise Refusal(f"a cast from {x.dtype} to {to}")
    info = np.iinfo(to)
    if x.bits.max() > 0 or x.low.min() < info.min or x.high.max() > info.max:
        raise Refusal(f"a cast to {to} of values from {x.low.min()} to {x.high.max()}, {x.bits.max()} fraction bits")
    return replace(x, dtype=to)


def axis_of(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise Refusal(f"axis {axis} of a tensor of rank {rank}")
    return axis % rank


def integers(array: Argument) -> list[int | None]:
    """Entries of an integer constant; None where a size of the input is in it."""
    if isinstance(array, Values) or (array.dtype != object and array.dtype.kind not in "iu"):
        raise Refusal("positions that are computed from values")
    return [None if entry is None else int(entry) for entry in array.ravel()]


def concat(node: Node, *parts: Argument) -> Values:
    """Side by side along channels, or any other axis (then each channel keeps the hull)."""
    rank = max(part.rank for part in parts if isinstance(part, Values))
    sides = [part if isinstance(part, Values) else constant_values(part, rank) for part in parts]
    if any(side.rank != rank for side in sides) or len({side.dtype for side in sides}) > 1:
        raise Refusal("parts of different rank or type")
    known = all(side.channels is not None for side in sides)
    if axis_of(node.attributes["axis"], rank) != 1 or not known:
        alike = known and len({side.channels for side in sides}) == 1
        return hull([side.each() if alike else uniform(side) for side in sides])
    each = [side.each() for side in sides]
    arrays = {key: np.concatenate([getattr(side, key) for side in each]) for key in ("low", "high", "bits", "mass")}
    return replace(each[0], channels=sum(side.channels or 0 for side in sides), **arrays)


def cut(
    node: Node, x: Argument, starts: Argument, ends: Argument, axes: Argument = None, steps: Argument = None
) -> Values:
    """Slice: channels are picked; other axes change nothing."""
    x = moved(x)
    lists = [integers(part) if part is not None else None for part in (starts, ends, axes, steps)]
    first, last = lists[0] or [], lists[1] or []
    for start, end, axis, step in zip(
        first, last, lists[2] or range(len(first)), lists[3] or [1] * len(first), strict=True
    ):
        if axis is None or step is None:
            raise Refusal("axes or steps that are computed")
        if axis_of(axis, x.rank) != 1:
            continue
        if x.channels is None or start is None or end is None:
            x = uniform(x)
        else:
            kept = list(range(x.channels))[slice(start, end, step)]
            if not kept:
                raise Refusal("no channels remain")
            x = x.each().map(lambda array, kept=kept: array[kept], channels=len(kept))
    return x


def split(node: Node, x: Argument, sizes: Argument = None) -> list[Values]:
    """Pieces along an axis."""
    x = moved(x)
    count = len(node.outputs)
    if axis_of(node.attributes.get("axis", 0), x.rank) != 1:
        return [x] * count
    if x.channels is None:
        return [uniform(x)] * count
    if sizes is None:
        lengths = [-(-x.channels // count)] * (count - 1)
        lengths.append(x.channels - sum(lengths))
    else:
        lengths = [length or 0 for length in integers(sizes)]
    if sum(lengths) != x.channels or min(lengths) < 1 or len(lengths) != count:
        raise Refusal(f"pieces {lengths} of {x.channels} channels")
    stops = np.cumsum(lengths).tolist()
    return [
        x.each().map(lambda array, a=stop - length, b=stop: array[a:b], channels=length)
        for length, stop in zip(lengths, stops, strict=True)
    ]


def pad(node: Node, x: Argument, pads: Argument, value: Argument = None, axes: Argument = None) -> Values:
    """Zeros, a constant, or repeated edges around the picture; not around the channels."""
    x = moved(x)
    widths = integers(pads)
    where = integers(axes) if axes is not None else list(range(x.rank))
    for axis, *both in zip(where, widths[: len(where)], widths[len(where) :], strict=True):
        if axis is None or (axis_of(axis, x.rank) == 1 and both != [0, 0]):
            raise Refusal("padding of channels")
    if node.attributes.get("mode", b"constant") in (b"edge", b"reflect", b"wrap"):
        return x
    fill = constant_values(np.zeros((), np.float32) if value is None else value.reshape(()), x.rank)
    return hull([x, replace(fill, channels=x.channels)])


def depth_to_space(node: Node, x: Argument) -> Values:
    """Channels become positions: an output channel is any of blocksize**2 input channels."""
    x, square = moved(x), node.attributes["blocksize"] ** 2
    if x.channels is None or x.rank != 4:
        return uniform(x)
    if x.channels % square:
        raise Refusal(f"{x.channels} channels for blocks of {square}")
    outputs = x.channels // square
    order = np.arange(x.channels)
    groups = (
        order.reshape(outputs, square).T
        if node.attributes.get("mode", b"DCR") == b"CRD"
        else order.reshape(square, outputs)
    )
    each = x.each()
    return hull([each.map(lambda array, g=group: array[g], channels=outputs) for group in groups])


def space_to_depth(node: Node, x: Argument) -> Values:
    """Positions become channels, in the order block row, block column, channel."""
    x, square = moved(x), node.attributes["blocksize"] ** 2
    if x.channels is None or x.rank != 4:
        return uniform(x)
    return x.each().map(lambda array: np.tile(array, square), channels=x.channels * square)


def resize(node: Node, x: Argument, roi: Argument = None, scales: Argument = None, sizes: Argument = None) -> Values:
    """Nearest neighbour by whole factors, the one rule that all runtimes round alike."""
    x, said = moved(x), node.attributes
    modes = (
        said.get("mode", b"nearest"),
        said.get("coordinate_transformation_mode", b"half_pixel"),
        said.get("nearest_mode"),
    )
    if modes != (b"nearest", b"asymmetric", b"floor") or sizes is not None or scales is None or said.get("axes"):
        raise Refusal("a resize that is not nearest, asymmetric, floor, with constant scales")
    if isinstance(scales, Values) or list(scales[:2]) != [1, 1] or any(s < 1 or s != int(s) for s in scales):
        raise Refusal(f"scales {scales}")
    return x


def reshape(node: Node, x: Argument, shape: Argument) -> Values:
    """Channels keep their own knowledge only if the first two axes visibly stay; otherwise all share the hull."""
    x = moved(x)
    target = integers(shape)
    if (
        len(target) >= 2
        and x.rank >= 2
        and target[0] == 0
        and not node.attributes.get("allowzero")
        and target[1] in (0, x.channels)
        and x.channels is not None
    ):
        return replace(x, rank=len(target))
    known = len(target) >= 2 and (target[1] or 0) > 0
    return uniform(x, channels=target[1] if known else None, rank=len(target))


def transpose(node: Node, x: Argument) -> Values:
    """Axes in another order."""
    x = moved(x)
    order = list(node.attributes.get("perm", range(x.rank)[::-1]))
    if order[1:2] == [1] and len(order) == x.rank:
        return x
    return uniform(x)


def identity(node: Node, x: Argument) -> Values:
    """The same."""
    return moved(x)


MOVEMENTS = {
    "Cast": cast, "Concat": concat, "DepthToSpace": depth_to_space, "Identity": identity, "Pad": pad,
    "Reshape": reshape, "Resize": resize, "Slice": cut, "SpaceToDepth": space_to_depth, "Split": split,
    "Transpose": transpose,
}  # fmt: skip

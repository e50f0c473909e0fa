"""Arithmetic of constants and shapes inside a graph, done once while it is proved; nothing here depends on a picture.

Shapes that depend on the input are object arrays in which None stands for a size that is not known.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from calotype.model.graph import Node
from calotype.model.intervals import Refusal, Values

__all__ = ["FOLDED", "fold", "shape_of"]

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mul": operator.mul, "Div": operator.floordiv,
}  # fmt: skip
FOLDED = (*_ARITHMETIC, "Cast", "Concat", "Constant", "Gather", "Identity", "Reshape", "Shape", "Slice", "Squeeze",
          "Transpose", "Unsqueeze")  # fmt: skip


def shape_of(node: Node, x: Values) -> np.ndarray:
    """Shape of a tensor of which only rank and channels are known."""
    sides: list[int | None] = [None] * x.rank
    if x.rank > 1:
        sides[1] = x.channels
    kept = sides[slice(node.attributes.get("start", 0), node.attributes.get("end"))]
    return np.array(kept, dtype=object)


def fold(node: Node, *arguments: np.ndarray | None) -> np.ndarray:
    """The result of a node all of whose arguments are constants; raises Refusal where float32 would round it."""
    said = node.attributes
    if node.kind == "Constant":
        return _constant(said)
    first = arguments[0]
    if first is None:
        raise Refusal("a missing argument")
    if node.kind in _ARITHMETIC:
        return _arithmetic(node.kind, first, arguments[1])
    if node.kind == "Cast":
        return _cast(first, said["to"])
    if node.kind == "Concat":
        whole = np.concatenate([part for part in arguments if part is not None], axis=said["axis"])
        return whole.astype(object) if any(part is not None and part.dtype == object for part in arguments) else whole
    if node.kind == "Shape":
        return np.array(first.shape[slice(said.get("start", 0), said.get("end"))], np.int64)
    if node.kind == "Identity":
        return first
    if node.kind == "Transpose":
        return first.transpose(said.get("perm"))
    positions = [_known(part) for part in arguments[1:]]
    if node.kind == "Gather":
        return first.take(positions[0], axis=said.get("axis", 0))
    if node.kind == "Reshape":
        sides = [
            first.shape[k] if side == 0 and not said.get("allowzero") else side for k, side in enumerate(positions[0])
        ]
        return first.reshape(sides)
    if node.kind == "Unsqueeze":
        return np.expand_dims(first, tuple(positions[0].tolist()))
    if node.kind == "Squeeze":
        return first.squeeze(tuple(positions[0].tolist()) if positions else None)
    return _slice(first, *positions)


def _known(array: np.ndarray | None) -> Any:
    if array is None:
        return None
    if array.dtype == object:
        if any(entry is None for entry in array.ravel()):
            raise Refusal("positions that depend on the size of the input")
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise Refusal(f"positions of type {array.dtype}")
    return array


def _constant(said: Any) -> np.ndarray:
    for key, dtype in (("value_float", np.float32), ("value_floats", np.float32), ("value_int", np.int64),
                       ("value_ints", np.int64)):  # fmt: skip
        if key in said:
            return np.array(said[key], dtype)
    if not isinstance(said.get("value"), np.ndarray):
        raise Refusal("a constant of an unknown kind")
    return said["value"]


def _cast(array: np.ndarray, to: str) -> np.ndarray:
    if array.dtype == object:
        if not to.startswith("int"):
            raise Refusal("sizes of the input as values")
        return array
    changed = array.astype(to)
    if changed.dtype.kind not in "iufb" or not np.array_equal(changed.astype(np.float64), array.astype(np.float64)):
        raise Refusal(f"a cast of constants from {array.dtype} to {to} that changes them")
    return changed


def _arithmetic(kind: str, a: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    if b is None:
        raise Refusal("a missing argument")
    if a.dtype.kind == "f" or b.dtype.kind == "f":
        if kind == "Div" or a.dtype != b.dtype:
            raise Refusal(f"{kind} of constants {a.dtype} and {b.dtype}")
        exact = _ARITHMETIC[kind](a.astype(np.float64), b.astype(np.float64))
        if not np.array_equal(exact.astype(a.dtype).astype(np.float64), exact):
            raise Refusal(f"{kind} of constants that {a.dtype} would round")
        return exact.astype(a.dtype)
    a, b = np.broadcast_arrays(a, b)
    known = _ARITHMETIC[kind]
    flat = [
        None if x is None or y is None else known(int(x), int(y)) for x, y in zip(a.ravel(), b.ravel(), strict=True)
    ]
    result = np.array(flat, dtype=object).reshape(a.shape)
    return result if None in flat else result.astype(np.int64)


def _slice(array: np.ndarray, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> np.ndarray:
    cuts: list[Any] = [slice(None)] * array.ndim
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        cuts[k if axes is None else axes[k]] = slice(int(start), int(end), 1 if steps is None else int(steps[k]))
    return array[tuple(cuts)]

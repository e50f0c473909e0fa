"""The networks of a fitted picture as one vector of integers: which there are, their arithmetic, how they travel in PICT.

The order in which latents are coded lives in walks/bespoke.py, the post-filter that uses the last tensors in bespoke.py,
fitting in fit/.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.errors import CorruptError, ModelError

__all__ = [
    "GAIN_UNIT",
    "MOST",
    "ONE",
    "POST_ONE",
    "SIZE",
    "TOP",
    "FittedWalk",
    "Layout",
    "Tensor",
    "Tensors",
    "carry",
    "code_lengths",
    "lift",
    "sizes",
    "step",
]

ONE = 64  # integers that a context weight of 1 is
INDEX_ONE = 512  # integers of a sum that one table index is
FINE = 16  # base indices are in sixteenths
TOP = 127  # activations are 0..TOP
MOST = 1000  # magnitude of a context weight
MOST_BIAS = 1 << 20
SIZE = 24.0  # integers per natural unit of ln(1 + |value|)
POST_ONE = 1024  # integers that a weight of the post-filter is
GAIN_UNIT = 32  # steps of an inverse gain in a factor of e
FURTHEST_DELTA = 1 << 14
STEPS = 4
LUMA, FIRST, SECOND = (0, 3, 6), (1, 4, 7), (2, 5, 8)  # channels of a band: 3 * orientation + plane
CODED = (LUMA, LUMA, FIRST, SECOND)  # by step
SEEN = ((), LUMA, LUMA, LUMA + FIRST)

# Of the coding of the differences: tables of the flags, of a group's table (around 18) and shift.
_FLAG, _TABLE, _SHIFT, _MIDDLE = 17, 31, 20, 18


@dataclass(frozen=True)
class Tensor:
    """One tensor of the vector. limit: magnitude of its integers; scale: integers that 1 is."""

    name: str
    shape: tuple[int, ...]
    limit: int
    scale: float
    start: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def part(self) -> slice:
        return slice(self.start, self.start + self.size)


class Tensors(ABC):
    """A vector of integers as tensors: which there are, how a picture's differences to the start travel in PICT.

    `tensors` says which; a subclass for each kind of network.
    """

    @property
    @abstractmethod
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in the order of the vector."""

    @property
    def size(self) -> int:
        return self.tensors[-1].part.stop

    @cached_property
    def limits(self) -> np.ndarray:
        """int32 [n], the greatest magnitude of each integer."""
        return np.repeat([t.limit for t in self.tensors], [t.size for t in self.tensors]).astype(np.int32)

    def named(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """The tensors of a vector [n] by name, as float32 that hold integers."""
        flat = np.clip(vector, -self.limits, self.limits).astype(np.float32)
        return {tensor.name: flat[tensor.part].reshape(tensor.shape) for tensor in self.tensors}

    def shapes(self) -> dict[str, tuple[int, int, int, int]]:
        """What the picture's own payload codes: which tensors differ from the start, how finely, by how much."""
        count = len(self.tensors)
        return {"flags": (1, count, 1, 1), "groups": (1, 2 * count, 1, 1), "deltas": (1, self.size, 1, 1)}

    def code(self, port: Any, deltas: np.ndarray | None = None, shifts: np.ndarray | None = None) -> np.ndarray:
        """Code the differences to the start through a port: int32 [n], multiples of 2 ** shift in each tensor.

        shifts   int [tensors]; None, and no deltas: when reading
        """
        count, flags, groups, symbols = len(self.tensors), None, None, None
        if deltas is not None:
            assert shifts is not None
            flags, groups, symbols = (np.zeros(n) for n in (count, 2 * count, self.size))
            for place, tensor in enumerate(self.tensors):
                steps = deltas[tensor.part] >> shifts[place]
                symbols[tensor.part] = steps
                if steps.any():
                    flags[place] = 1
                    groups[2 * place : 2 * place + 2] = _best_table(steps) - _MIDDLE, shifts[place]
        column = np.ones((1, count, 1, 1), np.int64)
        known = port.code("flags", _column(flags), Laplace(None, _FLAG * column)).reshape(-1) > 0
        index = np.where(np.repeat(known, 2), np.tile([_TABLE, _SHIFT], count), 0)
        chosen = port.code("groups", _column(groups), Laplace(None, _column(index))).reshape(-1, 2)
        table = np.where(known, np.clip(chosen[:, 0] + _MIDDLE, 1, 63), 0).astype(np.int64)
        lengths = [tensor.size for tensor in self.tensors]
        found = port.code("deltas", _column(symbols), Laplace(None, _column(np.repeat(table, lengths)))).reshape(-1)
        shift = np.repeat(np.clip(chosen[:, 1], 0, 12).astype(np.int64), lengths)
        return np.clip(found.astype(np.int64) << shift, -MOST_BIAS, MOST_BIAS).astype(np.int32)

    def packed(self, deltas: np.ndarray) -> bytes:
        """Differences as what a walk's `prepare` returns."""
        return deltas.astype("<i4").tobytes()

    def whole(self, start: np.ndarray, shared: bytes) -> np.ndarray:
        """The vector of a picture: the start's and what the picture brought, if it brought anything."""
        if not shared:
            return start
        if len(shared) != 4 * self.size:
            raise CorruptError("weights of the picture", found=len(shared), expected=f"{4 * self.size} bytes")
        return start + np.frombuffer(shared, "<i4")


class FittedWalk:
    """What walks have in common whose networks are a model's start plus what the picture's payload adds.

    layout   the tensors of these networks, some `Tensors`
    """

    domain = "latents"
    layout: Any

    @property
    def shared_shapes(self) -> dict[str, tuple[int, int, int, int]]:
        """What `prepare` codes."""
        return self.layout.shapes()

    def prepare(self, nets: Any, port: Any, weights: Any = None) -> bytes:
        """The picture's own networks, as differences to the start; weights: (deltas, shifts), None when reading."""
        return self.layout.packed(self.layout.code(port, *(weights or ())))


@dataclass(frozen=True)
class Layout(Tensors):
    """Which tensors there are, for a context of `width` channels, carried `state` channels, a post-filter of `filters`."""

    width: int
    state: int
    filters: int
    levels: int = 6

    def __post_init__(self) -> None:
        inputs = max(9 * len(SEEN[-1]) + self.state, 81 + self.width, self.width)
        if inputs * TOP * MOST + 2 * MOST_BIAS >= 1 << 24:
            raise ModelError("a context network whose sums float32 does not hold", wanted="below 2**24",
                             found=inputs * TOP * MOST + 2 * MOST_BIAS)  # fmt: skip

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in the order of the vector."""
        found: list[Tensor] = []

        def add(name: str, *shape: int, limit: int = MOST, scale: float = ONE) -> None:
            found.append(Tensor(name, shape, limit, scale, found[-1].part.stop if found else 0))

        for level in range(self.levels, 0, -1):
            if level < self.levels:
                add(f"l{level}.lift", 4 * self.width, self.state, 1, 1)
            for k in range(STEPS):
                if SEEN[k]:
                    add(f"l{level}.{k}.see", self.width, len(SEEN[k]), 3, 3)
                add(f"l{level}.{k}.bias", self.width, limit=MOST_BIAS, scale=16 * ONE)
                add(f"l{level}.{k}.mix", self.width, self.width, 1, 1)
                add(f"l{level}.{k}.mix_bias", self.width, limit=MOST_BIAS, scale=16 * ONE)
                add(f"l{level}.{k}.out", 3, self.width, 1, 1)
                add(f"l{level}.{k}.base", 3, limit=64 * FINE, scale=FINE)
            if level > 1:
                add(f"l{level}.carry", self.state, 9, 3, 3)
                add(f"l{level}.carry_mix", self.state, self.width, 1, 1)
                add(f"l{level}.carry_bias", self.state, limit=MOST_BIAS, scale=16 * ONE)
        add("gains", 9 * self.levels + 3, limit=8 * GAIN_UNIT, scale=GAIN_UNIT)
        add("post.first", self.filters, 12, 3, 3, limit=FURTHEST_DELTA, scale=POST_ONE // 4)
        add("post.bias", self.filters, limit=FURTHEST_DELTA, scale=POST_ONE // 4)
        add("post.last", 12, self.filters, 3, 3, limit=FURTHEST_DELTA, scale=POST_ONE // 4)
        return tuple(found)


def _column(array: np.ndarray | None) -> np.ndarray | None:
    return None if array is None else np.asarray(array).reshape(1, -1, 1, 1)


@lru_cache(maxsize=1)
def code_lengths() -> np.ndarray:
    """Bits of |symbol| 0..1023 with each of the tables 1..63, as the Laplace distribution has them, 24 at most: [63, 1024]."""
    from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG, LAPLACE_STEPS

    b = np.exp(LAPLACE_LOW + np.arange(1, LAPLACE_STEPS) / LAPLACE_PER_LOG)[:, None]
    k = np.arange(1, 1024)
    zero = -np.expm1(-0.5 / b)
    side = -(k - 0.5) / b + np.log(-0.5 * np.expm1(-1 / b))
    return np.clip(np.concatenate([-np.log2(zero), -side / np.log(2)], 1), 0.0, 24.0)


def _best_table(steps: np.ndarray) -> int:
    """The table, 1..63, that codes these with the fewest bits."""
    counts = np.bincount(np.minimum(np.abs(steps), 1023), minlength=1024)
    return 1 + int((code_lengths() @ counts).argmin())


# --- the arithmetic, for NumPy and torch alike: `ops` has convolutions and the squashing of sums ----------------------
# All arrays hold integers; sums stay below 2**24 (Layout checks the widths), so float32 adds them exactly in any order.


@lru_cache(maxsize=1)
def _size_table() -> np.ndarray:
    return np.floor(np.minimum(SIZE * np.log1p(np.arange(2048)), TOP) + 0.5).astype(np.float32)


def sizes(values: np.ndarray) -> np.ndarray:
    """What networks see of integer values: their magnitudes on a logarithmic scale, float32 integers 0..TOP."""
    return _size_table().take(np.abs(values).astype(np.intp), mode="clip")


def lift(ops: Any, w: Mapping[str, Any], level: int, carried: Any) -> Any:
    """Sums that the state of level + 1 contributes at each place of a level: [state, h, w] -> [width, 2h, 2w]."""
    return ops.shuffled(ops.conv(w[f"l{level}.lift"], carried))


def step(ops: Any, w: Mapping[str, Any], level: int, k: int, lifted: Any, seen: Any, base: Any) -> tuple[Any, Any]:
    """Hidden activations and table indices, 0..63, of the channels CODED[k].

    lifted   as `lift` has them, or None at the coarsest level
    seen     sizes of the channels SEEN[k], zero where unknown, with a margin of one on each side; None for step 0
    base     sixteenths of an index, [3, 1, 1]
    """
    name = f"l{level}.{k}"
    sums = ops.bias(w[f"{name}.bias"])
    if lifted is not None:
        sums = lifted + sums
    if seen is not None:
        sums = ops.conv(w[f"{name}.see"], seen) + sums
    hidden = ops.squashed(sums, ONE, TOP)
    hidden = ops.squashed(ops.conv(w[f"{name}.mix"], hidden) + ops.bias(w[f"{name}.mix_bias"]), ONE, TOP)
    total = ops.conv(w[f"{name}.out"], hidden) + (ops.bias(w[f"{name}.base"]) + base) * (INDEX_ONE // FINE)
    return hidden, ops.squashed(total, INDEX_ONE, 63)


def carry(ops: Any, w: Mapping[str, Any], level: int, seen: Any, hidden: Any) -> Any:
    """The state of a level, [state, h, w], from the sizes of all nine channels (with a margin) and the last step's."""
    sums = ops.conv(w[f"l{level}.carry"], seen) + ops.conv(w[f"l{level}.carry_mix"], hidden)
    return ops.squashed(sums + ops.bias(w[f"l{level}.carry_bias"]), ONE, TOP)


class Numpy:
    """The operations on float32 arrays [c, h, w] that hold integers."""

    @staticmethod
    def conv(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
        """A valid convolution, by one matrix product."""
        outputs, inputs, side, _ = weight.shape
        height, width = x.shape[1] - side + 1, x.shape[2] - side + 1
        if side == 1:
            return (weight.reshape(outputs, inputs) @ x.reshape(inputs, -1)).reshape(outputs, height, width)
        taps = np.empty((side, side, inputs, height, width), np.float32)
        for y in range(side):
            for z in range(side):
                taps[y, z] = x[:, y : y + height, z : z + width]
        flat = weight.transpose(0, 2, 3, 1).reshape(outputs, -1)
        return (flat @ taps.reshape(flat.shape[1], -1)).reshape(outputs, height, width)

    @staticmethod
    def bias(weight: np.ndarray) -> np.ndarray:
        return weight[:, None, None]

    @staticmethod
    def squashed(sums: np.ndarray, one: int, top: int) -> np.ndarray:
        """Division by a power of two with rounding half up, clipped to 0..top; in place."""
        sums += np.float32(one // 2)
        sums *= np.float32(1 / one)
        np.floor(sums, out=sums)
        return np.clip(sums, 0, top, out=sums)

    @staticmethod
    def shuffled(sums: np.ndarray) -> np.ndarray:
        """[4 c, h, w] -> [c, 2h, 2w]; channel = 4 c + 2 (row parity) + column parity."""
        c, h, w = sums.shape
        return sums.reshape(c // 4, 2, 2, h, w).transpose(0, 3, 1, 4, 2).reshape(c // 4, 2 * h, 2 * w)

"""The networks of layers: which tensors they have, what they say of a pass from what it sees, in integers.

Not here: the order in which layers and passes are coded (walks/layers.py), how networks travel (walks/fitted.py), the synthesis
(layers.py), fitting (fit/layers.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calotype.errors import ModelError
from calotype.walks.diagonals import incomplete, taps
from calotype.walks.fitted import Numpy, Tensor, Tensors

__all__ = [
    "BANK", "BASE_MOST", "CHROMA", "FRACTIONS", "HIDDEN", "INDEX_ONE", "LOW", "MEAN_ONE", "MIX_ONE", "PER_LOG", "PHASES",
    "SCALES", "SEEN_MOST", "SEEN_ONE", "SUM_ONE", "UP_ONE", "Contexts", "Integers", "LayersLayout", "predict", "predict_diagonal",
    "seen", "tables",
]  # fmt: skip

# Tables of the bank "layers": 1 + FRACTIONS * scale + fraction, ln b = LOW + scale / PER_LOG; table 0 is the certain zero.
BANK = "layers"
LOW, PER_LOG, SCALES, FRACTIONS = -4.0, 5.0, 40, 8

# Exact by bounds: every sum of a pass stays below 2^24 (LayersLayout checks the widths).
SEEN_ONE, SEEN_MOST = 4, 511  # integers that a value of 1 is for the networks, and their greatest
SUM_ONE = 32  # sums of the first layer that one integer of activation is; a value of 1 is 16 of these
HIDDEN = 2047  # the greatest activation
MIX_ONE, MEAN_ONE, INDEX_ONE = 128, 128, 128
_WEIGHT, _CHROMA_WEIGHT, _MOST_BIAS = 800, 380, 1 << 19
_MIX, _OUT = 500, 256
# What a rate adds to a scale, sixteenths, at most: a model's rows are not bounded by its tensors' limits.
BASE_MOST = 1 << 12
UP_ONE = 1024  # integers that a weight of the synthesis is
_FURTHEST = 1 << 14
CHROMA = "chroma."  # before the names of its networks' tensors
# On diagonals: places seen to each side, the coarsest layers with all passes, and how many the coarser ones keep.
REACH, CHROMA_REACH = 3, 2
FULL_LAYER, FULL_CHROMA, FEWEST = 2, 1, 16

# Passes over 2x2 cells, the first two on one diagonal: each later one lies between known places.
PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))


@dataclass(frozen=True)
class Contexts:
    """One context network of a layout: for which planes, what it sees.

    letter   of its layers' names; its tensors' names begin with `prefix`
    planes   that it tells the tables of at once            beside   planes of its own resolution that are known before
    finest   the layer at which its planes begin            row      what is added to a layer's number to find its place
    most     magnitude of its first layer's weights                  in what a rate adds to scales
    diagonals   passes of a fine layer, 0: four        reach   places that it sees to each side in its own layer, on diagonals
    full     the coarsest layer with all diagonals: each coarser one has half as many, down to FEWEST
    """

    letter: str
    prefix: str
    planes: int
    beside: int
    width: int
    most: int
    finest: int
    row: int
    diagonals: int = 0
    reach: int = 0
    full: int = 0

    @property
    def inputs(self) -> int:
        """How many values one sum of its first layer sees, at most."""
        own = len(taps(self.reach)) if self.reach else 9 * 3
        return (own + 9) * self.planes + 4 * self.beside

    @property
    def sets(self) -> int:
        """How many passes have last weights of their own."""
        return 1 if self.reach else 4

    def passes(self, layer: int) -> int:
        """How many diagonals a layer takes: coarse ones are small, and a pass takes a while however few places it has."""
        return max(FEWEST, self.diagonals >> max(0, layer - self.full))

    def of(self, w: Mapping[str, Any]) -> dict[str, Any]:
        """Its own tensors, without the prefix."""
        found = {name.removeprefix(self.prefix): array for name, array in w.items() if name.startswith(self.prefix)}
        return {name: array for name, array in found.items() if not name.startswith(CHROMA)}


@dataclass(frozen=True)
class LayersLayout(Tensors):
    """Tensors of the contexts and of the synthesis, for layers 0 (finest) to `coarsest`.

    width, chroma_width   channels of the context networks      filters   of the synthesis
    chroma                the layer from which on there are two planes of chroma besides; None: nowhere
    diagonals             how many passes a fine layer takes, on diagonals; 0: four, by places of 2x2 cells
    """

    width: int
    filters: int
    chroma: int | None = None
    chroma_width: int = 6
    coarsest: int = 6
    diagonals: int = 0

    def __post_init__(self) -> None:
        if self.chroma is not None and not 0 <= self.chroma < self.coarsest:
            raise ModelError("the finest layer of chroma", wanted=f"0 to {self.coarsest - 1}", found=self.chroma)
        if self.diagonals not in (0, *(FEWEST << k for k in range(7))):
            wanted = f"0, or a power of two, {FEWEST} to {FEWEST << 6}"
            raise ModelError("passes on diagonals", wanted=wanted, found=self.diagonals)
        for net in self.contexts:
            sums = (
                net.inputs * SEEN_MOST * net.most + (3 if self.diagonals else 2) * _MOST_BIAS,
                net.width * HIDDEN * _MIX + _MOST_BIAS,
                net.width * 2 * HIDDEN * _OUT + _MOST_BIAS + (BASE_MOST // 16 + 64) * INDEX_ONE,
            )
            if max(sums) >= 1 << 24:
                raise ModelError(
                    "a context network whose sums float32 does not hold", wanted="below 2**24", found=max(sums)
                )

    @cached_property
    def contexts(self) -> tuple[Contexts, ...]:
        """The networks, in the order in which they take turns at each layer."""
        reach, chroma_reach = (REACH, CHROMA_REACH) if self.diagonals else (0, 0)
        luma = Contexts("p", "", 1, 0, self.width, _WEIGHT, 0, 0, self.diagonals, reach, FULL_LAYER)
        if self.chroma is None:
            return (luma,)
        row = self.coarsest + 1 - self.chroma
        rest = (_CHROMA_WEIGHT, self.chroma, row, self.diagonals, chroma_reach, FULL_CHROMA)
        return luma, Contexts("c", CHROMA, 2, 1, self.chroma_width, *rest)

    @property
    def names(self) -> list[str]:
        """Of the layers, in the order in which they are coded."""
        order = range(self.coarsest, -1, -1)
        return [f"{net.letter}{layer}" for layer in order for net in self.contexts if layer >= net.finest]

    @property
    def held(self) -> int:
        """Channels that the synthesis sees: each layer of brightness, and both sums of chroma."""
        return self.coarsest + 1 + (0 if self.chroma is None else 2)

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in the order of the vector."""
        found: list[Tensor] = []

        def add(name: str, *shape: int, limit: int, scale: float) -> None:
            found.append(Tensor(name, shape, limit, scale, found[-1].part.stop if found else 0))

        def add_contexts(net: Contexts) -> None:
            width, planes, prefix = net.width, net.planes, net.prefix
            for k in range(1, 4 if not net.reach else 0):
                add(f"{prefix}known.{k}", width, k * planes, 3, 3, limit=net.most, scale=128)
            if net.reach:
                add(f"{prefix}known", width, planes, len(taps(net.reach)), limit=net.most, scale=128)
            add(f"{prefix}coarse", 4 * width, planes, 3, 3, limit=net.most, scale=128)
            if net.beside:
                add(f"{prefix}beside", 4 * width, 4 * net.beside, 1, 1, limit=net.most, scale=128)
            add(f"{prefix}bias.layer", self.coarsest + 1, width, limit=_MOST_BIAS, scale=512)
            add(f"{prefix}bias.pass", 4, width, limit=_MOST_BIAS, scale=512)
            if net.reach:
                add(f"{prefix}bias.rank", incomplete(net.reach), width, limit=_MOST_BIAS, scale=512)
            add(f"{prefix}mix", width, width, limit=_MIX, scale=MIX_ONE)
            add(f"{prefix}mix_bias", width, limit=_MOST_BIAS, scale=16 * MIX_ONE)
            for k in range(net.sets):
                add(f"{prefix}mean.{k}", planes, width, limit=_OUT, scale=MEAN_ONE // 2)
                add(f"{prefix}index.{k}", planes, width, limit=_OUT, scale=PER_LOG * INDEX_ONE / 16)
            add(f"{prefix}mean_bias", net.sets, planes, limit=_MOST_BIAS, scale=8 * MEAN_ONE)
            add(f"{prefix}index_bias", net.sets, planes, limit=_MOST_BIAS, scale=PER_LOG * INDEX_ONE)

        luma, *others = self.contexts
        add_contexts(luma)
        add("up", 4, limit=_FURTHEST, scale=UP_ONE)
        add("first", self.filters, self.held, limit=_FURTHEST, scale=UP_ONE)
        add("first_bias", self.filters, limit=_FURTHEST, scale=UP_ONE)
        add("last", 3, self.filters, limit=_FURTHEST, scale=UP_ONE)
        add("last_bias", 3, limit=_FURTHEST, scale=UP_ONE)
        for name in ("third", "fourth"):
            add(name, 3, 3, 3, 3, limit=_FURTHEST, scale=UP_ONE)
            add(f"{name}_bias", 3, limit=_FURTHEST, scale=UP_ONE)
        for net in others:
            add_contexts(net)
        return tuple(found)


def predict(ops: Any, w: Mapping[str, Any], base: Any, layer: int, k: int, above: Any, cells: Any) -> tuple[Any, Any]:
    """Means in eighths, and scales 0..SCALES - 1 plus one (0: certain), of pass k of four: two arrays [planes, h, w].

    w       the tensors of one network, as `Contexts.of` names them
    base    what the rate adds to the scale of the layer, in sixteenths of a scale
    above   what `coarse` makes of the next coarser layer, and `beside` of planes that are known before, for this pass:
            [width, h, w], sums; None for the coarsest
    cells   known values of the passes before, [k planes, h + 2, w + 2], as `seen` has them, with a margin; None in the first
    ops     the arithmetic; fit/layers_network.py has a twin of the whole in torch, for all passes side by side
    """
    sums = ops.bias(w["bias.layer"][layer] + w["bias.pass"][k])
    if above is not None:
        sums = above + sums
    if cells is not None:
        sums = ops.conv(w[f"known.{k}"], cells) + sums
    return _told(ops, w, base, k, sums)


def predict_diagonal(
    ops: Any, w: Mapping[str, Any], bases: Any, layer: int, step: int, inputs: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The same of pass `step` on diagonals, for slots [rows, tiles * bands]: two arrays [planes, rows, tiles * bands].

    bases    of each slot of a row, [tiles * bands]
    inputs   what a slot sees, [inputs, rows, tiles * bands]: known places; of the next coarser layer 3x3; of planes that are
             known before, its cell. Of the coarsest layer known places alone
    """
    bias = w["bias.layer"][layer]
    if step < len(w["bias.rank"]):
        bias = bias + w["bias.rank"][step]
    width, count = len(bias), w["known"].size // len(bias)
    if len(inputs) == count:
        return _told(
            ops, w, bases, 0, ops.mixed(w["known"].reshape(width, -1), inputs) + ops.bias(bias + w["bias.pass"][0])
        )
    sums = np.empty((width, *inputs.shape[1:]), inputs.dtype)
    for odd in range(2):  # rows of cells; a row ahead or two, the column has the parity of the pass
        k = PHASES.index((odd, step % 2))
        own = slice(k * width, (k + 1) * width)
        first = [w["known"], w["coarse"][own], *([w["beside"][own]] if "beside" in w else [])]
        matrix = np.concatenate([part.reshape(width, -1) for part in first], 1)
        sums[:, odd::2] = ops.mixed(matrix, inputs[:, odd::2]) + ops.bias(bias + w["bias.pass"][k])
    return _told(ops, w, bases, 0, sums)


def _told(ops: Any, w: Mapping[str, Any], base: Any, k: int, sums: Any) -> tuple[Any, Any]:
    """Means and scales from the sums of the first layer."""
    hidden = ops.squashed(sums, SUM_ONE, 0, HIDDEN)
    hidden = hidden + ops.squashed(ops.mixed(w["mix"], hidden) + ops.bias(w["mix_bias"]), MIX_ONE, 0, HIDDEN)
    mean = ops.mixed(w[f"mean.{k}"], hidden) + ops.bias(w["mean_bias"][k])
    shift = np.asarray(base * (INDEX_ONE / 16) + (1 - LOW * PER_LOG) * INDEX_ONE, np.float32)
    index = ops.mixed(w[f"index.{k}"], hidden) + (ops.bias(w["index_bias"][k]) + shift)
    return ops.squashed(mean, MEAN_ONE, -8 * 2047, 8 * 2047), ops.squashed(index, INDEX_ONE, 0, SCALES)


def seen(values: Any) -> Any:
    """What the networks see of values: quarters, clipped."""
    return (values * SEEN_ONE).clip(-SEEN_MOST, SEEN_MOST)


def tables(mean8: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(table, sixteenths of the whole number next to the mean) of means in eighths and scales."""
    whole = np.floor((mean8 + 4) * np.float32(1 / 8))
    fraction = mean8 - 8 * whole + 4  # 0..7
    table = np.where(scale > 0, 1 + FRACTIONS * (scale - 1) + fraction, 0)
    return table.astype(np.int16), (16 * whole).astype(np.int32)


class Integers(Numpy):
    """The operations of `predict` on float32 arrays that hold integers."""

    @staticmethod
    def mixed(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (weight @ x.reshape(len(x), -1)).reshape(-1, *x.shape[1:])

    @staticmethod
    def squashed(sums: np.ndarray, one: int, low: int, top: int) -> np.ndarray:  # type: ignore[override]
        """Sums / one, rounded half up and clipped; `one` is a power of two, so nothing else is rounded."""
        return np.floor(sums * np.float32(1 / one) + np.float32(0.5)).clip(low, top)

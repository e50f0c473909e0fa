"""The walk of a picture in layers: one plane at each of seven resolutions, coarse to fine, by networks that the file brings.

Not here: how layers become pixels (layers.py), how they are fitted (fit/layers.py), how networks travel (walks/fitted.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.errors import ModelError
from calotype.walks.fitted import FittedWalk, Numpy, Tensor, Tensors
from calotype.walks.orders import FULL, Lattice

__all__ = [
    "BANK", "BASE_MOST", "FRACTIONS", "HIDDEN", "INDEX_ONE", "LOW", "MEAN_ONE", "MIX_ONE", "PER_LOG", "PHASES",
    "SEEN_MOST", "SEEN_ONE", "STEPS", "SUM_ONE", "UP_ONE", "Layers", "LayersLayout", "predict",
]  # fmt: skip

# Tables of the bank "layers": 1 + FRACTIONS * scale + fraction, ln b = LOW + scale / PER_LOG; table 0 is the certain zero.
BANK = "layers"
LOW, PER_LOG, SCALES, FRACTIONS = -4.0, 5.0, 40, 8

# Exact by bounds: every sum of a pass stays below 2^24 (LayersLayout checks the widths).
SEEN_ONE, SEEN_MOST = 4, 511  # integers that a value of 1 is for the networks, and their greatest
SUM_ONE = 32  # sums of the first layer that one integer of activation is; a value of 1 is 16 of these
HIDDEN = 2047  # the greatest activation
MIX_ONE, MEAN_ONE, INDEX_ONE = 128, 128, 128
_WEIGHT, _MOST_BIAS = 800, 1 << 19
_MIX, _OUT = 500, 256
BASE_MOST = (
    1 << 12
)  # magnitude of what a rate adds to a scale, sixteenths: a model's rows are no part of the bounds above
UP_ONE = 1024  # integers that a weight of the synthesis is
_FURTHEST = 1 << 14

# Passes over 2x2 cells, the first two on one diagonal: each later one lies between known places.
PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
STEPS = np.array([[[0, 2], [3, 1]]])
_BLOCK = 16384  # cells at once: what they see stays in the cache of a core


@dataclass(frozen=True)
class LayersLayout(Tensors):
    """Tensors of the contexts of `width` channels and of a synthesis of `filters`, for layers 0 (finest) to `coarsest`."""

    width: int
    filters: int
    coarsest: int = 6

    def __post_init__(self) -> None:
        sums = (
            (27 + 9) * SEEN_MOST * _WEIGHT + 2 * _MOST_BIAS,
            self.width * HIDDEN * _MIX + _MOST_BIAS,
            self.width * 2 * HIDDEN * _OUT + _MOST_BIAS + (BASE_MOST // 16 + 64) * INDEX_ONE,
        )
        if max(sums) >= 1 << 24:
            raise ModelError(
                "a context network whose sums float32 does not hold", wanted="below 2**24", found=max(sums)
            )

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them, in the order of the vector."""
        found: list[Tensor] = []

        def add(name: str, *shape: int, limit: int, scale: float) -> None:
            found.append(Tensor(name, shape, limit, scale, found[-1].part.stop if found else 0))

        width, count = self.width, self.coarsest + 1
        for k in range(1, 4):
            add(f"known.{k}", width, k, 3, 3, limit=_WEIGHT, scale=128)
        add("coarse", 4 * width, 1, 3, 3, limit=_WEIGHT, scale=128)
        add("bias.layer", count, width, limit=_MOST_BIAS, scale=512)
        add("bias.pass", 4, width, limit=_MOST_BIAS, scale=512)
        add("mix", width, width, limit=_MIX, scale=MIX_ONE)
        add("mix_bias", width, limit=_MOST_BIAS, scale=16 * MIX_ONE)
        for k in range(4):
            add(f"mean.{k}", width, limit=_OUT, scale=MEAN_ONE // 2)
            add(f"index.{k}", width, limit=_OUT, scale=PER_LOG * INDEX_ONE / 16)
        add("mean_bias", 4, limit=_MOST_BIAS, scale=8 * MEAN_ONE)
        add("index_bias", 4, limit=_MOST_BIAS, scale=PER_LOG * INDEX_ONE)
        add("up", 4, limit=_FURTHEST, scale=UP_ONE)
        add("first", self.filters, count, limit=_FURTHEST, scale=UP_ONE)
        add("first_bias", self.filters, limit=_FURTHEST, scale=UP_ONE)
        add("last", 3, self.filters, limit=_FURTHEST, scale=UP_ONE)
        add("last_bias", 3, limit=_FURTHEST, scale=UP_ONE)
        for name in ("third", "fourth"):
            add(name, 3, 3, 3, 3, limit=_FURTHEST, scale=UP_ONE)
            add(f"{name}_bias", 3, limit=_FURTHEST, scale=UP_ONE)
        return tuple(found)


def predict(ops: Any, w: Mapping[str, Any], base: Any, layer: int, k: int, above: Any, cells: Any) -> tuple[Any, Any]:
    """Means in eighths, and scales 0..SCALES - 1 plus one (0: certain), of pass k of a layer: two arrays [h, w] of cells.

    base    what the rate adds to the scales of each layer, in sixteenths of a scale, [layers]
    above   what `coarse` makes of the next coarser layer for this pass, [width, h, w], sums; None for the coarsest
    cells   known values of the passes before, [k, h + 2, w + 2], as `seen` has them, with a margin; None in the first
    ops     the arithmetic; fit/layers.py has a twin of the whole in torch, for all passes side by side
    """
    sums = ops.bias(w["bias.layer"][layer] + w["bias.pass"][k])
    if above is not None:
        sums = above + sums
    if cells is not None:
        sums = ops.conv(w[f"known.{k}"], cells) + sums
    hidden = ops.squashed(sums, SUM_ONE, 0, HIDDEN)
    hidden = hidden + ops.squashed(ops.mixed(w["mix"], hidden) + ops.bias(w["mix_bias"]), MIX_ONE, 0, HIDDEN)
    mean = ops.told(w[f"mean.{k}"], hidden) + w["mean_bias"][k]
    bias = w["index_bias"][k] + base[layer] * (INDEX_ONE / 16) + (1 - LOW * PER_LOG) * INDEX_ONE
    index = ops.told(w[f"index.{k}"], hidden) + bias
    return ops.squashed(mean, MEAN_ONE, -8 * 2047, 8 * 2047), ops.squashed(index, INDEX_ONE, 0, SCALES)


class Layers(FittedWalk):
    """Layers "p6" ... "p0", the coarsest in one pass, the others in four, whatever the picture's size.

        p6 -> p5 -> ... -> p0: each pass sees 3x3 cells of 2x2 places of its own layer as far as they are known, and 3x3
        places of the next coarser layer; one small network for all layers and passes, but for its first and last weights

    The networks are the model's start plus what the picture's payload adds (walks/fitted.py). COOL-CHIC (Ladune et al. 2023,
    arXiv:2212.05458) and C3 (Kim et al. 2023, arXiv:2312.02753) code such layers place by place, from neighbours to the
    left and above.

    width, filters   channels of the context network, of the synthesis (its layout is shared with layers.py)
    """

    def __init__(self, width: int = 12, filters: int = 16) -> None:
        self.layout = LayersLayout(int(width), int(filters))
        self.names = [f"p{layer}" for layer in range(self.layout.coarsest, -1, -1)]

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        w = self.layout.named(self.layout.whole(nets.table("start")[0], nets.shared))
        base = nets.rows("base")[:, :, 0, 0].clip(-BASE_MOST, BASE_MOST)
        values: dict[str, Any] = {}
        coarser = None
        for name in self.names:
            coarser = values[name] = self._layer(w, base, port, int(name[1:]), coarser, given.get(name))
        return values

    def _layer(self, w: Mapping[str, Any], base: Any, port: Any, layer: int, coarser: Any, given: Any) -> Any:
        name = f"p{layer}"
        b, _, height, width = port.shape(name)
        base = np.broadcast_to(np.asarray(base), (b, base.shape[1]))
        if coarser is None:
            pairs = [_tables(*predict(_Numpy, w, base[row], layer, 0, None, None)) for row in range(b)]
            table, whole = (
                np.broadcast_to(np.stack(part)[:, None], (b, 1, height, width)) for part in zip(*pairs, strict=True)
            )
            return port.code(name, given, Laplace(whole, table, BANK), FULL)
        rows, columns = height // 2, width // 2
        above = [_margin(seen(part[0])) for part in np.asarray(coarser)]
        cells = np.zeros((b, 3, rows + 2, columns + 2), np.float32)
        known = None
        for k, (y, x) in enumerate(PHASES):
            table = np.zeros((b, 1, height, width), np.int16)
            whole = np.zeros((b, 1, height, width), np.int32)
            kernel = w["coarse"][k * self.layout.width : (k + 1) * self.layout.width]
            for row in range(b):
                for part in _blocks(rows, columns):
                    cut = slice(part.start, part.stop + 2)
                    sums = _Numpy.conv(kernel, above[row][None, cut])
                    own = cells[row, :k, cut] if k else None
                    found = _tables(*predict(_Numpy, w, base[row], layer, k, sums, own))
                    places = slice(2 * part.start + y, 2 * part.stop, 2)
                    table[row, 0, places, x::2], whole[row, 0, places, x::2] = found
            known = port.code(name, given, Laplace(whole, table, BANK), _lattice(k), onto=known)
            if k < 3:
                cells[:, k, 1:-1, 1:-1] = seen(np.asarray(known)[:, 0, y::2, x::2])
        return known


def seen(values: Any) -> Any:
    """What the networks see of values: quarters, clipped."""
    return (values * SEEN_ONE).clip(-SEEN_MOST, SEEN_MOST)


def _tables(mean8: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(table, sixteenths of the whole number next to the mean) of means in eighths and scales."""
    whole = np.floor((mean8 + 4) * np.float32(1 / 8))
    fraction = mean8 - 8 * whole + 4  # 0..7
    table = np.where(scale > 0, 1 + FRACTIONS * (scale - 1) + fraction, 0)
    return table.astype(np.int16), (16 * whole).astype(np.int32)


def _margin(values: np.ndarray) -> np.ndarray:
    return np.pad(values.astype(np.float32), 1)


def _lattice(k: int) -> Lattice:
    return Lattice.from_steps(STEPS, k)


def _blocks(rows: int, columns: int) -> list[slice]:
    """Strips of whole rows of cells."""
    side = max(1, _BLOCK // columns)
    return [slice(top, min(top + side, rows)) for top in range(0, rows, side)]


class _Numpy(Numpy):
    """The operations of `predict` on float32 arrays that hold integers."""

    @staticmethod
    def mixed(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (weight @ x.reshape(len(x), -1)).reshape(-1, *x.shape[1:])

    @staticmethod
    def told(weight: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (weight @ x.reshape(len(x), -1)).reshape(x.shape[1:])

    @staticmethod
    def squashed(sums: np.ndarray, one: int, low: int, top: int) -> np.ndarray:  # type: ignore[override]
        """Sums / one, rounded half up and clipped; `one` is a power of two, so nothing else is rounded."""
        return np.floor(sums * np.float32(1 / one) + np.float32(0.5)).clip(low, top)

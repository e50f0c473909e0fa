"""The transform of small networks: blocks of pixels <-> hidden units of a bottleneck, a few matrices and a nonlinearity.

The encoder is float; the decoder multiplies integers, so a window's pixels are those of the whole picture. How hidden
units are coded lives in walks/blocks.py, how networks are trained in train/bottlenecks.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np

from calotype import colour
from calotype.blocks import CHROMA_BACK
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["ACTIVATIONS", "ONE", "SCALE", "Dense", "decoded", "encoded"]

ONE = 256  # integers that a hidden unit of 1 is, in every layer of the decoder
WEIGHT = 4096  # integers that a weight of 1 is
SCALE = 64.0  # levels of a sample that 1 is, inside the networks
_LIMIT = 2**20  # of a hidden integer: sums of 512 products stay below 2**53
ACTIVATIONS = {
    "none": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-np.clip(x, -60, 60))),
}
Layers = Sequence[tuple[np.ndarray, np.ndarray]]  # (matrix [out, in], bias [out]) of each


def encoded(layers: Layers, activations: Sequence[str], blocks: np.ndarray) -> np.ndarray:
    """Hidden units [units, m] of blocks [n, m] in units of SCALE levels, without their mean; float."""
    held = blocks
    for (matrix, bias), activation in zip(layers, activations, strict=True):
        held = ACTIVATIONS[activation](matrix @ held + bias[:, None])
    return held


def decoded(layers: Layers, hidden: np.ndarray, activation: str = "relu") -> np.ndarray:
    """Blocks [n, m] in levels, of hidden units [units, m]; integers inside, so exact wherever it runs.

    layers       integers: matrices in 1 / WEIGHT, biases in 1 / ONE
    activation   between layers, "relu" or "none": what needs no table
    """
    held = np.clip(np.rint(hidden * np.float32(ONE)), -_LIMIT, _LIMIT).astype(np.float64)
    for place, (matrix, bias) in enumerate(layers):
        if place:
            held = ACTIVATIONS[activation](held)
        held = np.clip(np.floor((matrix.astype(np.float64) @ held) / WEIGHT + 0.5) + bias[:, None], -_LIMIT, _LIMIT)
    return (held * (SCALE / ONE)).astype(np.float32)


class Dense:
    """Kind "dense": colours -> planes -> 8x8 blocks -> mean | network of the rest -> / step(rate), and back.

    Of the manifest's entry: `side`; `encoder`, activations of its layers; `decoder`, how many layers it has; `between`,
    their activation. Arrays, for luma and for chroma: "encoder.<k>.<matrix or bias>" floats [2, ...], and
    "decoder.<k>.<...>", floats that are integers; "planes", "anchors/gain.y", "anchors/inverse.y" as blocks.py has them.
    """

    reach_px = 0

    def __init__(self, model: Model) -> None:
        self.model = model
        entry = model.manifest.transform
        self.side, self.activations = int(entry["side"]), tuple(entry["encoder"])
        self.depth, self.between = int(entry["decoder"]), str(entry["between"])
        self.entry = model.manifest.latents["y"]

    def layers(self, part: str, count: int, plane: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The layers of "encoder" or "decoder" for a plane: 0 is luma."""
        kind = min(plane, 1)
        return [(self.model.floats(f"{part}.{k}.matrix")[kind], self.model.floats(f"{part}.{k}.bias")[kind])
                for k in range(count)]  # fmt: skip

    def stored(self) -> dict[str, Stored]:
        return {"y": Stored(self.entry.channels, self.side)}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _DenseAnalysis:
        return _DenseAnalysis(self, pixels, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        cells, side = window.over(self.side), self.side
        held = np.empty((self.entry.channels, cells.height, cells.width), np.float32)
        load = strips.loader({"y": np.exp(self.model.floats("inverse.y", rates))})
        load("y", cells, np.ones((self.entry.channels, 1, 1), np.float32), held)
        units = held.reshape(3, -1, cells.height * cells.width)
        planes = np.empty((3, cells.height * side, cells.width * side), np.float32)
        for plane in range(3):
            found = decoded(self.layers("decoder", self.depth, plane), units[plane, 1:], self.between)
            found += units[plane, 0] * np.float32(1 / side)
            cut = found.reshape(side, side, cells.height, cells.width).transpose(2, 0, 3, 1)
            planes[plane] = cut.reshape(planes.shape[1:])
        whole = Region(cells.top * side, cells.bottom * side, cells.left * side, cells.right * side)
        inner = window.within(whole)
        out = np.empty((window.height, window.width, 3), np.uint8)
        return colour.samples_of(planes[:, inner.rows, inner.cols], CHROMA_BACK.astype(np.float32), out, unit=1)


class _DenseAnalysis:
    def __init__(self, transform: Dense, pixels: np.ndarray, rate: int) -> None:
        model, self.transform = transform.model, transform
        self.load = colour.planes_of(pixels, model.floats("planes"), unit=1)
        self.gain = np.exp(model.floats("gain.y", rate))[:, None, None]

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        transform, side = self.transform, self.transform.side
        planes = np.empty((3, tile.height, tile.width), np.float32)
        self.load(tile, planes)
        rows, columns = tile.height // side, tile.width // side
        cut = planes.reshape(3, rows, side, columns, side).transpose(0, 2, 4, 1, 3).reshape(3, side * side, -1)
        means = cut.mean(1, keepdims=True)
        found = []
        for plane in range(3):
            layers = transform.layers("encoder", len(transform.activations), plane)
            units = encoded(layers, transform.activations, (cut[plane] - means[plane]) / np.float32(SCALE))
            found.append(np.concatenate([means[plane] * side, units]).astype(np.float32))
        return {"y": np.stack(found).reshape(-1, rows, columns) * self.gain}

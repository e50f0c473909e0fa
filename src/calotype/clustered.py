"""The transform of blocks whose colours turn from block to block: one of several axes each, chosen by the encoder.

All else is blocks.py's; how the choice is coded, walks/clustered.py's.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from calotype import colour
from calotype.blocks import Blocks, backward, forward
from calotype.model.bundle import Model
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region

__all__ = ["Clustered", "chosen", "turned"]

_BUSY = 12.0  # coefficients of a block and plane that cost bits, as the choice assumes


def turned(coefficients: np.ndarray, turns: np.ndarray, cluster: np.ndarray, *, back: bool = False) -> np.ndarray:
    """Coefficients [3, n, h, w] whose colours are turned block by block, but for the means; a new array.

    turns     float32 [clusters, 3, 3], orthonormal: rows are axes      cluster   int [h, w]
    """
    found = coefficients.copy()
    of = turns[cluster].transpose(2, 3, 0, 1)  # 3 3 h w
    for j in range(3):
        parts = [coefficients[k, 1:] * (of[k, j] if back else of[j, k]) for k in range(3)]
        found[j, 1:] = parts[0] + parts[1] + parts[2]
    return found


def chosen(coefficients: np.ndarray, turns: np.ndarray, shares: np.ndarray, step: float) -> np.ndarray:
    """The cluster of every block, int [h, w]: the axes whose components would take the fewest bits at this step.

    shares   float [clusters], how frequent each is
    """
    moments = np.einsum("jnhw,knhw->hwjk", coefficients[:, 1:], coefficients[:, 1:]) / (coefficients.shape[1] - 1)
    spread = np.einsum("cij,hwjk,cik->hwci", turns, moments, turns)
    bits = _BUSY / 2 * np.log2(1 + np.maximum(spread, 0) / step**2).sum(-1) - np.log2(shares)
    return bits.argmin(-1)


class Clustered(Blocks):
    """Kind "clustered": as "blocks", and latents "map" [1, h, w] that say which of the "turns" a block's colours take.

    Arrays besides: "turns" float [clusters, 9]; "shares" float [clusters] (encoder).
    """

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.turns = model.floats("turns").reshape(-1, 3, 3)

    def stored(self) -> dict[str, Stored]:
        return super().stored() | {"map": Stored(1, self.side, "uint8", 1)}

    def analysis(self, pixels: np.ndarray, grid: Grid, rate: int, pool: Executor | None) -> _ClusteredAnalysis:
        return _ClusteredAnalysis(self, pixels, rate)

    def window(self, strips: Strips, rates: np.ndarray, window: Region) -> np.ndarray:
        cells = window.over(self.side)
        held = np.empty((self.entry.channels, cells.height, cells.width), np.float32)
        load = strips.loader({"y": np.exp(self.model.floats("inverse.y", rates))})
        load("y", cells, np.ones((self.entry.channels, 1, 1), np.float32), held)
        cluster = strips.read("map", cells, np.empty((1, cells.height, cells.width), np.uint8))[0]
        coefficients = held.reshape(3, -1, cells.height, cells.width)
        found = backward(self.basis, turned(coefficients, self.turns, cluster, back=True))
        whole = Region(cells.top * self.side, cells.bottom * self.side, cells.left * self.side, cells.right * self.side)
        inner = window.within(whole)
        out = np.empty((window.height, window.width, 3), np.uint8)
        return colour.samples_of(found[:, inner.rows, inner.cols], self.model.floats("colours"), out, unit=1)


class _ClusteredAnalysis:
    def __init__(self, transform: Clustered, pixels: np.ndarray, rate: int) -> None:
        model, self.transform = transform.model, transform
        self.load = colour.planes_of(pixels, model.floats("planes"), unit=1)
        self.gain = np.exp(model.floats("gain.y", rate))[:, None, None]
        self.shares = model.floats("shares")

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        planes = np.empty((3, tile.height, tile.width), np.float32)
        self.load(tile, planes)
        found, turns = forward(self.transform.basis, planes), self.transform.turns
        cluster = chosen(found, turns, self.shares, 1 / float(self.gain[0, 0, 0]))
        found = turned(found, turns, cluster)
        return {"y": found.reshape(-1, *found.shape[2:]) * self.gain, "map": cluster[None].astype(np.float32)}

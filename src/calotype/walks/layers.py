"""The walk of a picture in layers: planes of seven resolutions, coarse to fine, by networks that the file brings.

Not here: what the networks compute (layers_networks.py), how layers become pixels (layers.py), how they are fitted
(fit/layers.py), how networks travel (walks/fitted.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks.diagonals import Above, Diagonal, Skewed, taps
from calotype.walks.fitted import FittedWalk
from calotype.walks.layers_networks import (
    BANK,
    BASE_MOST,
    PHASES,
    Contexts,
    Integers,
    LayersLayout,
    predict,
    predict_diagonal,
    seen,
    tables,
)
from calotype.walks.orders import FULL, Lattice

__all__ = ["Layers"]

_STEPS = np.array([[[0, 2], [3, 1]]])  # the passes of PHASES
_BLOCK = 16384  # cells at once: what they see stays in the cache of a core


class Layers(FittedWalk):
    """Layers "p6", "c6" ... "p0", each in as many passes as `diagonals` say, whatever the picture's size.

        p6 -> c6 -> p5 -> ... -> p0: each pass sees places around in its own layer as far as they are known
        (walks/diagonals.py), 3x3 places of the next coarser one, chroma the brightness of its cell as well; one small
        network for all layers and passes of brightness, one for both planes of chroma

    Without diagonals a layer takes four passes, one place of each 2x2 cell at a time, with first and last weights of its
    own, and sees 3x3 cells; the coarsest layer takes one.

    The networks are the model's start plus what the picture's payload adds (walks/fitted.py). COOL-CHIC (Ladune et al. 2023,
    arXiv:2212.05458) and C3 (Kim et al. 2023, arXiv:2312.02753) code such layers place by place, from neighbours to the
    left and above; they have no planes of chroma.

    width, filters, chroma, chroma_width, diagonals   of the layout, which is shared with layers.py
    """

    def __init__(
        self, width: int = 12, filters: int = 16, chroma: int | None = None, chroma_width: int = 6, diagonals: int = 0
    ) -> None:
        chroma = None if chroma is None else int(chroma)
        self.layout = LayersLayout(int(width), int(filters), chroma, int(chroma_width), diagonals=int(diagonals))
        self.names = self.layout.names

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        named = self.layout.named(self.layout.whole(nets.table("start")[0], nets.shared))
        base = nets.rows("base")[:, :, 0, 0].clip(-BASE_MOST, BASE_MOST)
        values: dict[str, Any] = {}
        weights = {net.letter: (net, net.of(named)) for net in self.layout.contexts}
        for name in self.names:
            net, w = weights[name[0]]
            layer = _Layer(name, net, w, base[:, net.row + int(name[1:])], port, values, given.get(name))
            values[name] = self._on_diagonals(layer) if net.reach else self._in_four_passes(layer)
        return values

    def _in_four_passes(self, layer: _Layer) -> Any:
        net, w, number, port = layer.net, layer.w, layer.number, layer.port
        b, planes, height, width = port.shape(layer.name)
        if number == self.layout.coarsest:
            pairs = [tables(*predict(Integers, w, base, number, 0, None, None)) for base in layer.bases(b)]
            table, whole = (
                np.broadcast_to(np.stack(part), (b, planes, height, width)) for part in zip(*pairs, strict=True)
            )
            return port.code(layer.name, layer.given, Laplace(whole, table, BANK), FULL)
        rows, columns = height // 2, width // 2
        above, beside = _margin(layer.above), layer.beside
        cells = np.zeros((b, 3 * planes, rows + 2, columns + 2), np.float32)
        known = None
        for k, (y, x) in enumerate(PHASES):
            table = np.zeros((b, planes, height, width), np.int16)
            whole = np.zeros((b, planes, height, width), np.int32)
            own = slice(k * net.width, (k + 1) * net.width)
            for row, base in enumerate(layer.bases(b)):
                for part in _blocks(rows, columns):
                    cut = slice(part.start, part.stop + 2)
                    sums = Integers.conv(w["coarse"][own], above[row][:, cut])
                    if net.beside:
                        sums += Integers.conv(w["beside"][own], beside[row][:, part])
                    before = cells[row, : k * planes, cut] if k else None
                    found = tables(*predict(Integers, w, base, number, k, sums, before))
                    places = slice(2 * part.start + y, 2 * part.stop, 2)
                    table[row, :, places, x::2], whole[row, :, places, x::2] = found
            known = port.code(layer.name, layer.given, Laplace(whole, table, BANK), _lattice(k, planes), onto=known)
            if k < 3:
                cells[:, k * planes : (k + 1) * planes, 1:-1, 1:-1] = seen(np.asarray(known)[:, :, y::2, x::2])
        return known

    def _on_diagonals(self, layer: _Layer) -> Any:
        net, port, passes = layer.net, layer.port, layer.net.passes(layer.number)
        b, planes, height, width = port.shape(layer.name)
        skewed = Skewed(planes, b, height, width, passes, net.reach)
        around = []
        if layer.number < self.layout.coarsest:
            around = [Above(layer.above, skewed, 1), *([Above(layer.beside, skewed, 0)] if net.beside else [])]
        parts = np.cumsum([planes * len(taps(net.reach)), *(each.count for each in around)])
        inputs = np.empty((parts[-1], height * skewed.row), np.float32)
        own, *others = np.split(inputs, parts[:-1])
        bases = np.repeat(layer.bases(b), skewed.bands).astype(np.float32)
        known = np.zeros((b, planes, height, width), np.float32)
        table, whole = np.zeros(known.shape, np.int16), np.zeros(known.shape, np.int32)
        for step in range(passes):
            slots = skewed.slots(step)
            if not slots.size:
                continue
            skewed.before(step, own.reshape(planes, -1, own.shape[1]))
            for each, out in zip(around, others, strict=True):
                each.look(step, out)
            told = predict_diagonal(Integers, layer.w, bases, layer.number, step, inputs.reshape(parts[-1], height, -1))
            lattice = Diagonal(passes, step)
            for array, part in zip((table, whole), tables(*told), strict=True):
                lattice.put(part.reshape(planes, -1).take(slots, 1).swapaxes(0, 1).reshape(b, -1), array)
            known = port.code(layer.name, layer.given, Laplace(whole, table, BANK), lattice, onto=known)
            now = lattice.take(np.asarray(known)).reshape(b, planes, -1)
            skewed.write(step, seen(now), slots)
        return known


@dataclass(frozen=True)
class _Layer:
    """What coding one layer takes: its network, what the rate adds to its scales, all values that are known, its own if given."""

    name: str
    net: Contexts
    w: Mapping[str, Any]
    base: Any
    port: Any
    values: Mapping[str, Any]
    given: Any

    @property
    def number(self) -> int:
        return int(self.name[1:])

    def bases(self, b: int) -> np.ndarray:
        """Of each tile: [b]."""
        return np.broadcast_to(np.asarray(self.base), b)

    @cached_property
    def above(self) -> np.ndarray:
        """The next coarser layer as networks see it: float32 [b, planes, h / 2, w / 2]."""
        return seen(np.asarray(self.values[f"{self.net.letter}{self.number + 1}"], np.float32))

    @property
    def beside(self) -> np.ndarray:
        """The brightness of each cell likewise, [b, 4, h / 2, w / 2]; no planes where the network sees none."""
        if not self.net.beside:
            return self.above[:, :0]
        return _cells(seen(np.asarray(self.values[f"p{self.number}"], np.float32)))


def _margin(values: np.ndarray) -> np.ndarray:
    """[..., h, w] -> [..., h + 2, w + 2]"""
    return np.pad(values.astype(np.float32), [(0, 0)] * (values.ndim - 2) + [(1, 1), (1, 1)])


def _cells(values: np.ndarray) -> np.ndarray:
    """The places of each pass as planes: [b, 1, 2h, 2w] -> [b, 4, h, w]."""
    return np.concatenate([values[:, :, y::2, x::2] for y, x in PHASES], 1)


def _lattice(k: int, planes: int) -> Lattice:
    return Lattice.from_steps(np.repeat(_STEPS, planes, 0), k)


def _blocks(rows: int, columns: int) -> list[slice]:
    """Strips of whole rows of cells."""
    side = max(1, _BLOCK // columns)
    return [slice(top, min(top + side, rows)) for top in range(0, rows, side)]

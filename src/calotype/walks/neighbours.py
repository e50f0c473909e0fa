"""The walk of blocks that see the decoded blocks beside them: a closed loop in integers, one wave of blocks after another.

Not here: the networks (nets/intra.py), how all of it is trained (train/methods/closed_loop.py), what is done to seams afterwards.
Training looks at all blocks at once, beside what an earlier round made of their neighbours, until rounds end or agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace, constant, namespace
from calotype.walks.fronts import Front, Order
from calotype.walks.orders import Lattice
from calotype.walks.whole_integer import SHIFT, scaled

__all__ = ["LEVEL_TOP", "Neighbours", "features"]

LEVEL_TOP = 128  # samples are levels less 128
_FLAG = 127  # what says that a block is known
_AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
_PHASES = ((0, 2), (3, 1))  # of (row mod 2, column mod 2)
_ROUNDS = 2, 4  # in training, and where it is validated, before the round that counts


class Neighbours:
    """Blocks coded beside decoded blocks (Wu et al. 2021, arXiv:2012.09550; Kamisli 2022, arXiv:2203.11686).

        z --hyper_synthesis--> side
        decoded blocks around it, side --context--> hidden, tables, and a prediction (or means, where it `predicts` nothing)
        block - prediction --block_analysis--> * gain(rate) --port--> q -> u = round(q * integer gain) --block_synthesis-->
        + prediction, clipped: the decoded block, which later ones see

    side      of a block, in pixels
    waves     "phases": every other block of every other row, what lies between their corners, between their sides; or
              [down, across] as `fronts.Order` has them, which see what is above and to the left
    sees      of its neighbours: "samples", or "strips": the two lines at the border, means along rows and along columns
    predicts  samples are predicted and the rest is coded; else networks see samples and neighbours together
    top       largest magnitude of u
    """

    domain = "latents"

    def __init__(self, side: int, waves: str | Sequence[int], sees: str, predicts: bool, top: int) -> None:
        if sees not in ("samples", "strips") or (isinstance(waves, str) and waves != "phases"):
            raise TypeError('sees: "samples" or "strips"; waves: "phases" or two numbers')
        self.side, self.sees, self.predicts, self.top = int(side), sees, bool(predicts), int(top)
        self.order = None if isinstance(waves, str) else Order(*(int(step) for step in waves))
        self.rounds = _ROUNDS

    @property
    def planes(self) -> int:
        """How many integers a block sees of its neighbours."""
        return sum(1 + _seen_of(self.side, self.sees, *place) for place in _directions(self.order))

    def count(self, rows: int, columns: int) -> int:
        """How many waves there are."""
        return 4 if self.order is None else self.order.count(rows, columns)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        y, q, z = given.get("y"), given.get("q"), given.get("z")
        z = port.code("z", nets.hyper_analysis(y) if z is None and y is not None else z, nets.prior("z"))
        side = nets.hyper_synthesis(z, nets.rows("y.rate"))
        loop = _Loop(nets, self.predicts, self.top)
        known, levels = (
            self._at_once(loop, port, side, y) if hasattr(port, "settle") else self._waves(loop, port, side, y, q)
        )
        return {"z": z, "q": known, "y": levels}

    def _at_once(self, loop: _Loop, port: Any, side: Any, y: Any) -> tuple[Any, Any]:
        _, _, rows, columns = port.shape("q")
        torch = namespace(y)
        with torch.no_grad():
            canvas = torch.floor(y + 0.5).clip(-LEVEL_TOP, LEVEL_TOP - 1)
            for _ in range(min(self.count(rows, columns), self.rounds[port.hard])):
                values, distribution, rest = loop.described(self.seen(canvas), side, y)
                symbols, certain = distribution.hard(values)
                restored = torch.where(certain, torch.zeros_like(symbols), symbols)
                restored = restored if distribution.mean16 is None else restored + distribution.mean16 / 16
                before, canvas = canvas, loop.decoded(restored, rest)
                if float((before - canvas).abs().max()) < 0.5:  # integers in exact mode: nothing changed
                    break
        values, distribution, rest = loop.described(self.seen(canvas), side, y)
        known = port.code("q", values, distribution)
        return known, loop.decoded(known, rest)

    def _waves(self, loop: _Loop, port: Any, side: Any, y: Any, q: Any) -> tuple[np.ndarray, np.ndarray]:
        b, channels, rows, columns = shape = port.shape("q")
        samples = 3 * self.side**2
        side, known = np.asarray(side), np.zeros(shape, np.float32)
        framed = np.zeros((b, samples, rows + 2, columns + 2), np.float32)
        values = q if y is None else np.zeros(shape, np.float32)
        means, index = np.zeros(shape, np.int16), np.zeros(shape, np.uint8)
        for lattice, down, right in _waves_of(self.order, channels, rows, columns):
            seen = features(
                [framed[:, :, None, down + 1 + row, right + 1 + column] for row, column in _directions(self.order)],
                _masks(self.order, rows, columns)[:, None, down, right], self.side, self.sees, self.order,
            )  # fmt: skip
            block = None if y is None else y[:, :, None, down, right]
            found, distribution, rest = loop.described(seen, side[:, :, None, down, right], block)
            if y is not None:
                values[:, :, down, right] = found[:, :, 0]
            index[:, :, down, right] = np.asarray(distribution.index)[:, :, 0]
            if distribution.mean16 is not None:
                means[:, :, down, right] = np.asarray(distribution.mean16)[:, :, 0]
            known = port.code("q", values, Laplace(None if self.predicts else means, index), lattice, onto=known)
            levels = loop.decoded(np.asarray(known)[:, :, None, down, right], rest)
            framed[:, :, down + 1, right + 1] = levels[:, :, 0]
        return known, np.ascontiguousarray(framed[:, :, 1:-1, 1:-1])

    def seen(self, canvas: Any) -> Any:
        """What all blocks see of decoded ones: [b, 3 side^2, h, w] -> integers [b, planes, h, w]."""
        b, samples, rows, columns = canvas.shape
        framed = canvas.new_zeros((b, samples, rows + 2, columns + 2))
        framed[:, :, 1:-1, 1:-1] = constant(canvas)
        masks = canvas.new_tensor(_masks(self.order, rows, columns))
        around = [framed[:, :, 1 + r : 1 + r + rows, 1 + c : 1 + c + columns] for r, c in _directions(self.order)]
        return features(around, masks, self.side, self.sees, self.order)


class _Loop:
    """What is done to blocks, some or all: [b, ..., h, w], whatever h and w stand for."""

    def __init__(self, nets: Any, predicts: bool, top: int) -> None:
        self.nets, self.predicts, self.top = nets, predicts, top
        self.scale, self.inverse = nets.rows("y.scale"), nets.rows("y.inverse")

    def described(self, seen: Any, side: Any, block: Any) -> tuple[Any, Laplace, tuple[Any, ...]]:
        """Values to be rounded, or None without the block; their distribution; what `decoded` needs."""
        hidden, first, index = self.nets.context(seen, side, self.scale)
        means, prediction = (None, first) if self.predicts else (first, None)
        values = None
        if block is not None:
            arguments = (block, hidden, seen) if prediction is None else (block - prediction, hidden)
            values = self.nets.block_analysis(*arguments) / (self.inverse * 2.0**-SHIFT)
        return values, Laplace(means, index, straight_through=True), (prediction, seen, hidden)

    def decoded(self, restored: Any, rest: tuple[Any, ...]) -> Any:
        """Levels of blocks, -128..127."""
        prediction, seen, hidden = rest
        u = scaled(restored, self.inverse, self.top)
        if prediction is None:
            return self.nets.block_synthesis(u, hidden, seen)
        return (prediction + self.nets.block_synthesis(u, hidden)).clip(-LEVEL_TOP, LEVEL_TOP - 1)


def features(around: Sequence[Any], masks: Any, side: int, sees: str, order: Order | None) -> Any:
    """What blocks see of their neighbours, integers -128..127: [b, planes, h, w].

    around   the neighbours' levels, one array [b, 3 side^2, h, w] for each of the order's directions
    masks    0 or 1, [directions, h, w]: whether that neighbour is decoded
    """
    xp, found = namespace(masks), []
    for place, (block, (down, right)) in enumerate(zip(around, _directions(order), strict=True)):
        known = block * masks[place]
        found.append(known if sees == "samples" else _strips(known, side, down, right))
    flags = masks[None] * _FLAG + xp.zeros_like(around[0][:, :1])
    return xp.concatenate([*found, flags], 1)


def _strips(block: Any, side: int, down: int, right: int) -> Any:
    """Means along rows and along columns; of neighbours with a common border the two lines there as well."""
    xp = namespace(block)
    b, _, height, width = block.shape
    cells = block.reshape(b, 3, side, side, height, width)
    parts = [xp.floor(cells.sum(axis) * (1 / side)) for axis in (2, 3)]
    if down == 0 or right == 0:
        two = slice(side - 2, side) if down + right < 0 else slice(0, 2)
        parts.append(cells[:, :, two] if right == 0 else cells[:, :, :, two])
    return xp.concatenate([part.reshape(b, -1, height, width) for part in parts], 1)


def _seen_of(side: int, sees: str, down: int, right: int) -> int:
    """How many integers are seen of one neighbour."""
    return 3 * side**2 if sees == "samples" else 6 * side + (6 * side if down == 0 or right == 0 else 0)


@lru_cache(maxsize=8)
def _directions(order: Order | None) -> tuple[tuple[int, int], ...]:
    """Where decoded neighbours may lie."""
    return tuple(place for place in _AROUND if order is None or order.before(*place, 0, 0))


@lru_cache(maxsize=16)
def _steps(order: Order | None, rows: int, columns: int) -> np.ndarray:
    """The wave of every block, int [rows, columns]."""
    down, right = np.mgrid[0:rows, 0:columns]
    return np.array(_PHASES)[down % 2, right % 2] if order is None else order.down * down + order.across * right


@lru_cache(maxsize=16)
def _masks(order: Order | None, rows: int, columns: int) -> np.ndarray:
    """Whether the neighbour in each direction is inside and decoded before, float32 [directions, rows, columns]."""
    steps = np.pad(_steps(order, rows, columns), 1, constant_values=np.iinfo(np.int64).max)
    own = steps[1:-1, 1:-1]
    there = [steps[1 + r : 1 + r + rows, 1 + c : 1 + c + columns] < own for r, c in _directions(order)]
    return np.stack(there).astype(np.float32)


@lru_cache(maxsize=16)
def _waves_of(
    order: Order | None, channels: int, rows: int, columns: int
) -> tuple[tuple[Lattice | Front, np.ndarray, np.ndarray], ...]:
    """The waves: the lattice that the port codes, and rows and columns of its blocks."""
    steps, found = _steps(order, rows, columns), []
    for step in range(int(steps.max()) + 1):
        down, right = np.nonzero(steps == step)
        if len(down):
            pattern = np.tile(np.array(_PHASES), (channels, 1, 1))
            found.append((Lattice.from_steps(pattern, step) if order is None else Front(order, step), down, right))
    return tuple(found)

"""The walk of tiles in a closed loop, each predicted from decoded ones, its residual coded in stages until it is good enough.

Not here: the networks (nets/tiles.py), how all of it is trained (train/methods/tiled.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from calotype.coding.densities import constant, namespace
from calotype.coding.shapes import Shaped
from calotype.walks.features import parity_planes, with_symbols
from calotype.walks.fronts import Front, Order
from calotype.walks.neighbours import LEVEL_TOP
from calotype.walks.whole_integer import SHIFT, scaled

__all__ = ["FLAT", "LOG_UNIT", "SYMBOL_TOP", "THIRD", "Places", "Tiled", "planes_of"]

SYMBOL_TOP = 1023
LOG_UNIT = 64  # integers per doubling of the squared error that a tile may have, in the row "count.target"
THIRD = (
    3  # by what the step falls from stage to stage: a symbol's cell is then that of -1, 0, 1 of the next stage, alike
)
FLAT = 9  # the scale at which these three have a third of the probability each (nets/tiles.py, Refined)
_NEAR = 4  # how wide and long the cells are, in pixels, whose means are seen at a border
_FLAG = 127  # what says that a neighbour is known
_ONE = Order(1, 1)  # tiles whose row + column is the same go together


class Places(NamedTuple):
    """n tiles, and where their cells lie in a canvas with one row and one column of cells in front of it."""

    down: np.ndarray
    right: np.ndarray
    rows: np.ndarray  # n k 1
    columns: np.ndarray  # n 1 k

    @classmethod
    def of(cls, down: np.ndarray, right: np.ndarray, cells: int) -> Places:
        """Tiles in these rows and columns of tiles, of cells x cells blocks each."""
        inside = 1 + np.arange(cells)
        return cls(
            down, right, (cells * down[:, None] + inside)[:, :, None], (cells * right[:, None] + inside)[:, None]
        )

    @classmethod
    def everywhere(cls, rows: int, columns: int, cells: int) -> Places:
        """All tiles in raster order."""
        down, right = np.mgrid[0:rows, 0:columns]
        return cls.of(down.ravel(), right.ravel(), cells)

    def cut(self, canvas: Any) -> Any:
        """[b, m, 1 + h, 1 + w] -> the tiles, [b n, m, k, k]."""
        return _flat(canvas[:, :, self.rows, self.columns].swapaxes(1, 2))

    def put(self, tiles: Any, canvas: Any) -> None:
        """The inverse of `cut`, in place."""
        canvas[:, :, self.rows, self.columns] = self.apart(tiles).swapaxes(1, 2)

    def apart(self, tiles: Any) -> Any:
        """[b n, ...] -> [b, n, ...]"""
        return tiles.reshape(len(tiles) // len(self.down), len(self.down), *tiles.shape[1:])

    def flat(self, tiles: Any) -> Any:
        """Tiles as vectors of their samples: [b n, m, k, k] -> [b, m k k, n]"""
        apart = self.apart(tiles)
        return apart.reshape(*apart.shape[:2], -1).swapaxes(1, 2)


class Tiled:
    """Tiles until they are good enough (Minnen et al. 2018, arXiv:1802.02629, sections 2 and 3).

        decoded tiles above, to the left and between them: means at their borders --predict--> side, prediction
        c = how many stages the tile needs until its squared error is at most what the rate asks for --port-->
        stage 1 .. c:  tile - decoded --block_analysis--> / step(stage) --port, group by group of coefficients--> q
                       side, c, all q of the tile so far --context--> tables;  the step falls to a third each time
                       decoded += block_synthesis(round(q * integer step(stage)), side)

    Steps know no rate: what a higher rate adds are stages. All that decoded samples depend on is integers.
    What was not zero before is anywhere in its cell, so its next symbol has a flat table; what was zero has a peaked one.

    side    of a tile, in pixels       cell    of a block in it, whose 3 cell^2 coefficients are coded
    stages  at most, for a tile        groups  of a block's coefficients, each coded knowing those before
    top     largest magnitude of an integer coefficient
    """

    domain = "latents"

    def __init__(self, side: int, cell: int, stages: int, groups: int, top: int) -> None:
        if cell % _NEAR or side % cell:
            raise TypeError(f"side is a multiple of cell, and cell of {_NEAR}")
        self.cell, self.cells, self.stages, self.groups = int(cell), side // cell, int(stages), int(groups)
        self.rounds = 1, 1  # in training, and where it is validated: whether tiles see what is decoded
        self.top, self.order = int(top), Order(groups, groups, groups)
        self.names = tuple(f"q{stage + 1}" for stage in range(self.stages))

    def passes(self, height_px: int, width_px: int) -> int:
        """How many calls of a port there are, one after the other."""
        side = self.cell * self.cells
        return (-(-height_px // side) - (-width_px // side) - 1) * (1 + self.stages * self.groups)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = latents or {}
        return self._at_once(nets, port, given["y"]) if hasattr(port, "settle") else self._waves(nets, port, given)

    def _waves(self, nets: Any, port: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        b, _, rows, columns = port.shape("count")
        known = {name: np.zeros(port.shape(name), np.float32) for name in ("count", *self.names)}
        values: dict[str, Any] = {name: given.get(name) for name in known}
        y = framed(given["y"]) if "y" in given else None
        if y is not None:
            values = {name: np.zeros_like(array) for name, array in known.items()}
        distribution = partial(_distribution, nets)
        canvas = np.zeros((b, 3 * self.cell**2, 1 + rows * self.cells, 1 + columns * self.cells), np.float32)
        for wave, places in enumerate(_waves_of(rows, columns, self.cells)):
            loop = _Loop(self, nets, places, self.seen(canvas, places))
            blocks = None if y is None else places.cut(y)
            if blocks is not None:
                counts = loop.refined(blocks, None, loop.rounded)[1]
                values["count"][:, :, places.down, places.right] = places.flat(counts)
            known["count"] = port.code(
                "count", values["count"], nets.prior("count"), Front(_ONE, wave), onto=known["count"]
            )

            def code(stage: int, group: int, found: Any, index: Any, shape: Any) -> Any:
                name, down, right = self.names[stage], places.down, places.right  # noqa: B023 -- called in this turn only
                tables, shapes = np.zeros((2, *known[name].shape), np.uint8)
                tables[:, :, down, right] = places.flat(index)  # noqa: B023
                shapes[:, :, down, right] = places.flat(shape)  # noqa: B023
                if found is not None:
                    values[name][:, :, down, right] = places.flat(found)  # noqa: B023
                front = Front(self.order, self.groups * wave + group)  # noqa: B023
                known[name] = port.code(name, values[name], distribution(tables, shapes), front, onto=known[name])
                return known[name][:, :, down, right].swapaxes(1, 2).reshape(index.shape)

            counts = known["count"][:, 0][:, places.down, places.right].reshape(-1, 1, 1, 1)
            places.put(loop.refined(blocks, counts, code)[0], canvas)
        return {**known, "y": np.ascontiguousarray(canvas[:, :, 1:, 1:])}

    def _at_once(self, nets: Any, port: Any, y: Any) -> dict[str, Any]:
        """In training: what is decoded, wave by wave without gradients; then all tiles beside it, with gradients."""
        b, _, rows, columns = port.shape("count")
        torch, whole = namespace(y), framed(y)
        canvas = torch.zeros_like(whole)
        with torch.no_grad():
            count = y.new_full((b, 1, rows, columns), self.stages)
            for places in _waves_of(rows, columns, self.cells) if self.rounds[port.hard] else ():
                loop = _Loop(self, nets, places, self.seen(canvas, places))
                tiles, counts = loop.refined(places.cut(whole), None, loop.rounded)
                places.put(tiles, canvas)
                count[:, :, places.down, places.right] = places.flat(counts)
        places = Places.everywhere(rows, columns, self.cells)
        loop, known = _Loop(self, nets, places, self.seen(canvas, places)), {}

        def code(stage: int, group: int, found: Any, index: Any, shape: Any) -> Any:
            if group + 1 < self.groups:
                return loop.rounded(stage, group, found, index, shape)
            name = self.names[stage]
            values, *tables = (places.flat(part).unflatten(2, (rows, columns)) for part in (found, index, shape))
            known[name] = port.code(name, values, _distribution(nets, *tables))
            learning = known[name] + (values - constant(values))
            return learning.flatten(2).swapaxes(1, 2).reshape(index.shape)

        counts = count.flatten(1).reshape(-1, 1, 1, 1)
        tiles = places.apart(loop.refined(places.cut(whole), counts, code)[0]).unflatten(1, (rows, columns))
        return {
            "count": port.code("count", count, nets.prior("count")),
            **known,
            "y": tiles.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3),
        }

    def seen(self, canvas: Any, places: Places) -> Any:
        """What tiles see of decoded ones, integers -128..127: [b n, planes, 1, 1].

        canvas   levels of blocks [b, 3 cell^2, 1 + h, 1 + w], zero where nothing is decoded yet
        Of the tiles above and to the left the outermost line and the outermost four, as means over four samples along
        the border; of the tile between them the mean of its nearest 4x4 samples; which of them there are.
        """
        xp, side, parts = namespace(canvas), self.cell, self.cell // _NEAR
        b, n, near = len(canvas), len(places.down), slice(side - _NEAR, side)
        above = canvas[:, :, (places.rows[:, :1] - 1)[:, 0], places.columns[:, 0]]  # b m n k
        left = canvas[:, :, places.rows[:, :, 0], (places.columns[:, :, :1] - 1)[:, 0]]
        corner = canvas[:, :, places.rows[:, 0, 0] - 1, places.columns[:, 0, 0] - 1].reshape(b, 3, side, side, n)
        found = []
        for block, axis in ((above, 2), (left, 3)):
            lines = block.reshape(b, 3, side, side, n, self.cells)
            lines = lines if axis == 2 else lines.swapaxes(2, 3)  # first the way from the border
            cut = lines.reshape(b, 3, side, parts, _NEAR, n, self.cells).sum(4)
            found += [xp.floor(cut[:, :, -1] * (1 / _NEAR)), xp.floor(cut[:, :, near].sum(2) * (1 / _NEAR**2))]
        flags = np.stack([places.down > 0, places.right > 0], 1).astype(np.float32) * _FLAG
        flags = flags if isinstance(canvas, np.ndarray) else canvas.new_tensor(flags)
        lines = [part.reshape(b, -1, n, self.cells).swapaxes(1, 2).reshape(b, n, -1) for part in found]
        point = xp.floor(corner[:, :, near, near].sum((2, 3)) * (1 / _NEAR**2)).swapaxes(1, 2)
        return xp.concatenate([*lines, point, 0.0 * point[..., :2] + flags], 2).reshape(b * n, -1, 1, 1)


def planes_of(side: int, cell: int) -> int:
    """How many integers a tile sees of decoded ones: 3 colours of two lines for each of two borders, a corner, flags."""
    assert cell % _NEAR == 0
    return 3 * (4 * (side // _NEAR) + 1) + 2


class _Loop:
    """What is done to some tiles, [b n, ...], that see the same decoded ones whatever they are coded as."""

    def __init__(self, walk: Tiled, nets: Any, places: Places, seen: Any) -> None:
        self.walk, self.nets = walk, nets
        of = np.repeat(np.arange(len(seen) // len(places.down)), len(places.down))  # which rates are whose
        scale, self.inverse, target = (nets.rows(name)[of] for name in ("y.scale", "y.inverse", "count.target"))
        self.scale, self.every = scale.reshape(len(of), walk.stages, walk.stages, -1), np.arange(len(of))
        self.target = 2.0 ** (target * (1 / LOG_UNIT))
        self.side, prediction = nets.predict(seen)
        self.prediction = 1.0 * prediction  # joined, where networks ran by groups of rows
        self.parity = parity_planes(self.inverse, walk.cells, walk.cells)

    def refined(self, blocks: Any, count: Any, code: Callable[[int, int, Any, Any, Any], Any]) -> tuple[Any, Any]:
        """Decoded tiles [b n, m, k, k], and their number of stages [b n, 1, 1, 1].

        blocks   the tiles' levels, or None when reading
        count    stages; None: as many as bring the squared error down to the target
        code     (stage, group, values or None, scales, shapes) -> symbols of the stage known by now, all [b n, m, k, k]
        """
        walk, canvas = self.walk, self.prediction
        xp, m = namespace(canvas), canvas.shape[1]
        group_of = np.arange(m).reshape(1, -1, 1, 1) * walk.groups // m
        group_of = group_of if isinstance(canvas, np.ndarray) else canvas.new_tensor(group_of)
        last = None if count is None else np.maximum(_whole(count) - 1, 0)
        so_far, more, taken = 0.0 * canvas, 1.0 + 0.0 * canvas[:, :1, :1, :1], 0.0
        for stage in range(walk.stages):
            if count is None:
                wrong = ((blocks - canvas) ** 2).mean((1, 2, 3)).reshape(-1, 1, 1, 1)
                more = more * (wrong > self.target)
            else:
                more = (count > stage) * (1.0 + 0.0 * more)
            taken = taken + more
            step = self.inverse[:, stage * m : (stage + 1) * m]
            scale = self.scale[self.every, stage, self.walk.stages - 1 if count is None else last][..., None, None]
            values = None
            if blocks is not None:
                values = more * self.nets.block_analysis(blocks - canvas, self.side) / (step * 2.0**-SHIFT)
            so_far, known, index = THIRD * so_far, 0.0 * so_far, 0.0
            flat = (so_far != 0) * (1.0 + 0.0 * so_far)
            for group in range(walk.groups):
                seen = with_symbols(so_far + known, self.parity)[:, :m]
                found = xp.where(flat > 0, FLAT + 0.0 * flat, 1.0 * self.nets.context(self.side, seen, scale))
                index = xp.where(group_of >= group, more * found, index)
                known = code(stage, group, values, index, flat)
            so_far = so_far + constant(known)
            change = self.nets.block_synthesis(scaled(known, step, walk.top), self.side)
            canvas = (canvas + more * change).clip(-LEVEL_TOP, LEVEL_TOP - 1)
        return canvas, taken

    def rounded(self, stage: int, group: int, values: Any, index: Any, shape: Any) -> Any:
        """Symbols as a port would choose them; those of later groups are zero."""
        m = values.shape[1]
        symbols, certain = _distribution(self.nets, index, shape).hard(values)
        group_of = np.arange(m).reshape(1, -1, 1, 1) * self.walk.groups // m
        later = group_of > group if isinstance(values, np.ndarray) else certain.new_tensor(group_of > group)
        return namespace(values).where(certain | later, 0.0 * symbols, symbols).clip(-SYMBOL_TOP, SYMBOL_TOP)


def _distribution(nets: Any, index: Any, shape: Any) -> Shaped:
    return Shaped(None, index, shape, "q", 2, nets.density("q"))


def _whole(count: Any) -> np.ndarray:
    """[n, 1, 1, 1] -> [n], to index with."""
    flat = count.reshape(-1)
    return np.asarray(flat.cpu() if hasattr(flat, "cpu") else flat).astype(np.intp)


def framed(blocks: Any) -> Any:
    """[b, m, h, w] with a row and a column of zeros in front."""
    b, m, h, w = blocks.shape
    whole = (
        blocks.new_zeros((b, m, h + 1, w + 1))
        if hasattr(blocks, "new_zeros")
        else np.zeros((b, m, h + 1, w + 1), np.float32)
    )
    whole[:, :, 1:, 1:] = blocks
    return whole


def _flat(tiles: Any) -> Any:
    """[b, n, ...] -> [b n, ...]"""
    return tiles.reshape(tiles.shape[0] * tiles.shape[1], *tiles.shape[2:])


@lru_cache(maxsize=16)
def _waves_of(rows: int, columns: int, cells: int) -> tuple[Places, ...]:
    """The tiles of each wave, row + column."""
    down, right = np.mgrid[0:rows, 0:columns]
    waves = (down + right == wave for wave in range(rows + columns - 1))
    return tuple(Places.of(down[here], right[here], cells) for here in waves)

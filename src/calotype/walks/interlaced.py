"""Coding a plane of integers from coarse to fine: each pass lies between what is known, which predicts it on all sides.

For planes whose neighbours resemble each other (block means, indices of sorted codebooks); what the values mean lives in
the walks that call this.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from calotype.coding.densities import Laplace
from calotype.walks.orders import Lattice

__all__ = ["CELL", "CLASSES", "PASSES", "class_of", "code", "packed", "unpacked"]

CELL = (
    4  # a plane [H, W] is coded as CELL * CELL channels of [H / CELL, W / CELL]: then a lattice has a period of eight
)
PASSES = 7  # every 8th sample of every 8th row; then for distances 8, 4, 2: the centres of squares, their sides
CLASSES = 24
_SPREADS = 4096


def packed(planes: np.ndarray) -> np.ndarray:
    """[b, p, H, W] -> [b, 16 p, H / 4, W / 4]: channel = 16 plane + 4 (row mod 4) + column mod 4."""
    b, p, height, width = planes.shape
    cells = planes.reshape(b, p, height // CELL, CELL, width // CELL, CELL)
    return cells.transpose(0, 1, 3, 5, 2, 4).reshape(b, p * CELL * CELL, height // CELL, width // CELL)


def unpacked(channels: np.ndarray) -> np.ndarray:
    """The inverse of `packed`."""
    b, c, rows, columns = channels.shape
    cells = channels.reshape(b, c // CELL**2, CELL, CELL, rows, columns)
    return cells.transpose(0, 1, 4, 2, 5, 3).reshape(b, c // CELL**2, rows * CELL, columns * CELL)


def class_of(spread: np.ndarray) -> np.ndarray:
    """The class, 0..CLASSES - 1, of differences between neighbours: single values to 3, then two for each doubling."""
    return _class_table()[np.minimum(spread, _SPREADS - 1)]


def code(
    port: Any,
    name: str,
    planes: np.ndarray | None,
    scale: np.ndarray,
    *,
    first: np.ndarray | int = 0,
    kept: np.ndarray | None = None,
    centred: bool = False,
) -> np.ndarray:
    """Code planes of integers through a port, and return what it returns, int32 [b, p, H, W].

    planes   [b, p, H, W] with H and W multiples of CELL, None when reading; the port knows `name` as `packed` has it
    scale    int [p * PASSES, CLASSES], or one for each row of the batch, [b, p * PASSES, CLASSES]: the table of the bank
             "laplace" for each plane, pass and class of spread
    first    int [b], what the samples of the first pass are expected to be
    kept     bool [b]; rows that are not kept are zero, and cost nothing
    centred  values are prediction errors already: zero is expected, and the neighbours' magnitudes choose the table
    """
    b, channels, height, width = port.shape(name)
    count = channels // CELL**2
    shape = (b, count, height * CELL, width * CELL)
    tables = np.broadcast_to(scale.reshape(-1, count, PASSES, CLASSES), (b, count, PASSES, CLASSES))
    known, means, index = (np.zeros(shape, np.int32) for _ in range(3))
    given = None if planes is None else packed(planes)
    values = None
    start = np.broadcast_to(np.asarray(first, np.int32), (b,))[:, None, None, None]
    of_row, of_plane = np.arange(b)[:, None, None, None], np.arange(count)[:, None, None]
    nothing = kept is not None and not kept.any()
    for step in range(PASSES):
        for rows, columns, near in () if nothing else _targets(known, step):
            mean, spread = (start, 0) if near is None else _magnitude(near) if centred else _predicted(near)
            means[:, :, rows, columns] = mean
            index[:, :, rows, columns] = tables[of_row, of_plane, step, class_of(np.asarray(spread))]
        if kept is not None:
            means[~kept], index[~kept] = 0, 0
        lattice = _lattice(channels, step)
        values = port.code(name, given, Laplace(packed(means) * 16, packed(index)), lattice, onto=values)
        if not nothing:
            known = unpacked(np.asarray(values).astype(np.int32))
    return known


def _targets(known: np.ndarray, step: int) -> Iterator[tuple[slice, slice, tuple[np.ndarray, ...] | None]]:
    """The positions of a pass as strided rows and columns, each with its four known neighbours; edges are repeated."""
    if step == 0:
        yield slice(0, None, 8), slice(0, None, 8), None
        return
    far = 8 >> ((step - 1) // 2)
    half = far // 2
    corners = known[:, :, ::far, ::far]
    if step % 2:
        target = known[:, :, half::far, half::far].shape
        if 0 not in target:
            found = [_shifted(corners, target, y, x) for y in (0, 1) for x in (0, 1)]
            yield slice(half, None, far), slice(half, None, far), tuple(found)
        return
    centres = known[:, :, half::far, half::far]
    target = known[:, :, ::far, half::far].shape
    if 0 not in target:
        beside = [_shifted(corners, target, 0, x) for x in (0, 1)]
        above = [_shifted(centres, target, y, 0) for y in (-1, 0)] if 0 not in centres.shape else beside
        yield slice(0, None, far), slice(half, None, far), (*beside, *above)
    target = known[:, :, half::far, ::far].shape
    if 0 not in target:
        above = [_shifted(corners, target, y, 0) for y in (0, 1)]
        beside = [_shifted(centres, target, 0, x) for x in (-1, 0)] if 0 not in centres.shape else above
        yield slice(half, None, far), slice(0, None, far), (*beside, *above)


def _shifted(array: np.ndarray, target: tuple[int, ...], down: int, right: int) -> np.ndarray:
    """array[y + down, x + right] for every y, x of the target, the nearest there is beyond the edges."""
    rows = np.clip(np.arange(target[2]) + down, 0, array.shape[2] - 1)
    columns = np.clip(np.arange(target[3]) + right, 0, array.shape[3] - 1)
    return array[:, :, rows[:, None], columns]


def _predicted(near: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The mean of four neighbours, rounded, and their spread."""
    first, second, third, fourth = near
    mean = (first + second + third + fourth + 2) >> 2
    high = np.maximum(np.maximum(first, second), np.maximum(third, fourth))
    low = np.minimum(np.minimum(first, second), np.minimum(third, fourth))
    return mean, high - low


def _magnitude(near: tuple[np.ndarray, ...]) -> tuple[int, np.ndarray]:
    """Zero, and the sum of four magnitudes: twice their mean, which is what the spread of four samples is like."""
    first, second, third, fourth = (np.abs(part) for part in near)
    return 0, first + second + third + fourth


@lru_cache(maxsize=1)
def _class_table() -> np.ndarray:
    spread = np.arange(_SPREADS)
    bits = np.array([int(value).bit_length() for value in spread])
    halves = np.where(spread >= 4, (spread >> np.maximum(bits - 2, 0)) & 1, 0)
    return np.minimum(np.where(spread < 4, spread, 2 * bits - 2 + halves), CLASSES - 1).astype(np.int32)


@lru_cache(maxsize=64)
def _lattice(channels: int, step: int) -> Lattice:
    """The positions of a pass among the packed channels."""
    row, column = np.mgrid[0 : 2 * CELL, 0 : 2 * CELL]
    steps = np.zeros((2 * CELL, 2 * CELL), np.int64)
    for turn, far in enumerate((8, 4, 2)):
        y, x, half = row % far, column % far, far // 2
        steps[(y == half) & (x == half)] = 2 * turn + 1
        steps[((y == half) & (x == 0)) | ((y == 0) & (x == half))] = 2 * turn + 2
    pattern = steps.reshape(2, CELL, 2, CELL).transpose(1, 3, 0, 2).reshape(CELL**2, 2, 2)
    return Lattice.from_steps(np.tile(pattern, (channels // CELL**2, 1, 1)), step)

"""Which samples stand around a sample when its turn comes: levels, phases and offsets; no arithmetic on values.

A plane is halved in both directions until its longer side is at most BASE_SIDE. A level's array has four phases by
(row mod 2, column mod 2): (0, 0) is the coarser level, the others are coded in the order of PHASES.
"""

from __future__ import annotations

import numpy as np

from calotype.lossless.layout import BASE_SIDE

__all__ = ["OWN", "PHASES", "REFERENCE", "Phased", "join", "levels_of"]

Offset = tuple[int, int]
PHASES = ((1, 1), (0, 1), (1, 0))

_AXIS = ((-1, 0), (1, 0), (0, -1), (0, 1))
_DIAGONAL = ((-1, -1), (-1, 1), (1, -1), (1, 1))
_KNIGHT = ((-1, -2), (-1, 2), (1, -2), (1, 2), (-2, -1), (-2, 1), (2, -1), (2, 1))
_FAR = ((0, -3), (0, 3), (-3, 0), (3, 0))
# (row, column) of the neighbours in the same plane, by phase; the first four are the nearest.
OWN: dict[Offset, tuple[Offset, ...]] = {
    (1, 1): (*_DIAGONAL, (-3, -1), (-3, 1), (3, -1), (3, 1), (-1, -3), (1, -3), (-1, 3), (1, 3)),
    (0, 1): (*_AXIS, *_KNIGHT, *_FAR),
    (1, 0): (*_AXIS, *_DIAGONAL, *_KNIGHT, *_FAR),
}
# The same in a plane that is known as a whole: first the four of OWN, then the sample itself, then the rest.
REFERENCE: dict[Offset, tuple[Offset, ...]] = {
    (1, 1): (*_DIAGONAL, (0, 0), *_AXIS),
    (0, 1): (*_AXIS, (0, 0), *_DIAGONAL),
    (1, 0): (*_AXIS, (0, 0), *_DIAGONAL),
}
PAD = 2  # of a phase: offsets reach three samples, two of a phase


class Phased:
    """An array of one level by phases, each with its edge repeated around it.

    whole    [h, w], or None where phases come one by one
    """

    def __init__(self, shape: tuple[int, int], dtype: type, whole: np.ndarray | None = None) -> None:
        self.shape, self.dtype = shape, dtype
        self._phases: dict[Offset, np.ndarray] = {}
        if whole is not None:
            for phase in ((0, 0), *PHASES):
                self.put(phase, whole[phase[0] :: 2, phase[1] :: 2])

    def size(self, phase: Offset) -> tuple[int, int]:
        """Rows and columns of a phase."""
        return (self.shape[0] + 1 - phase[0]) // 2, (self.shape[1] + 1 - phase[1]) // 2

    def put(self, phase: Offset, values: np.ndarray) -> None:
        """A phase is known now."""
        # Neighbours are asked for up to one row and column beyond what a shorter phase has.
        padding = ((PAD, PAD + 1), (PAD, PAD + 1))
        if not values.size:
            rows, columns = (s + 2 * PAD + 1 for s in values.shape)
            self._phases[phase] = np.zeros((rows + 1, columns + 1), self.dtype)
        else:
            self._phases[phase] = np.pad(values, padding, "edge").astype(self.dtype, copy=False)

    def near(self, phase: Offset, offset: Offset, first: int, last: int) -> np.ndarray:
        """The samples at an offset from those of rows first..last of a phase: [last - first, columns]."""
        row, column = phase[0] + offset[0], phase[1] + offset[1]
        there = self._phases[row & 1, column & 1]
        top, left = PAD + (row >> 1), PAD + (column >> 1)
        return there[top + first : top + last, left : left + self.size(phase)[1]]


def levels_of(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes of the levels, the finest first."""
    sizes = [(height, width)]
    while max(sizes[-1]) > BASE_SIDE:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def join(shape: tuple[int, int], parts: dict[Offset, np.ndarray], dtype: type) -> np.ndarray:
    """A level from its four phases."""
    whole = np.empty(shape, dtype)
    for phase, part in parts.items():
        whole[phase[0] :: 2, phase[1] :: 2] = part
    return whole

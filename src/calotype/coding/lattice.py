"""Which positions of [c, h, w] a step of a walk codes, and in which order; knows no values and no tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from calotype.errors import UsageError

__all__ = ["FULL", "Lattice", "Listed"]

# A piece: rows and columns of one phase, and channels first, first + stride, ... below stop.
Piece = tuple[int, int, int, int, int]

PHASES = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclass(frozen=True)
class Lattice:
    """The positions (c, y, x) with steps[c][y % 2][x % 2] == step; `Lattice.FULL` has them all.

    steps   for every channel the steps of (even row, even column), (even, odd), (odd, even), (odd, odd)
    step    the step that this lattice takes

    Order (normative, docs/format-entropy.md): phases (0, 0), (0, 1), (1, 0), (1, 1) of (row % 2, column % 2); in each
    the channels ascending; in each the rows ascending; in each the columns ascending. FULL: channels, rows, columns.
    Hashable and cheap to make: its strided slices are worked out once.
    """

    steps: tuple[tuple[int, int, int, int], ...]
    step: int
    FULL: ClassVar[Lattice]

    @classmethod
    def from_steps(cls, steps: np.ndarray, step: int) -> Lattice:
        """The lattice of one step of a static 2x2 pattern per channel: integers [c, 2, 2]."""
        steps = np.asarray(steps)
        if steps.ndim != 3 or steps.shape[1:] != (2, 2):
            raise UsageError("steps", value=steps.shape, allowed="[c, 2, 2]")
        return cls(tuple((int(p), int(q), int(r), int(s)) for p, q, r, s in steps.reshape(-1, 4)), int(step))

    @property
    def is_full(self) -> bool:
        return not self.steps

    def count(self, c: int, h: int, w: int) -> int:
        """How many positions of [c, h, w] it has."""
        self._check(c)
        return c * h * w if self.is_full else _size(_cuts(self, h, w))

    def take(self, array: np.ndarray) -> np.ndarray:
        """The values at its positions: [b, c, h, w] -> [b, n] in the normative order; FULL may return a view."""
        b, c, h, w = array.shape
        self._check(c)
        if self.is_full:
            return array.reshape(b, c * h * w)
        cuts = _cuts(self, h, w)
        flat = np.empty((b, _size(cuts)), array.dtype)
        for cut in cuts:
            flat[:, cut.start : cut.stop].reshape(b, *cut.shape)[...] = array[cut.index]
        return flat

    def put(self, flat: np.ndarray, onto: np.ndarray) -> np.ndarray:
        """Write [b, n] to its positions of [b, c, h, w], in place, and return the latter; the inverse of `take`."""
        b, c, h, w = onto.shape
        self._check(c)
        if self.is_full:
            onto[...] = flat.reshape(b, c, h, w)
            return onto
        cuts = _cuts(self, h, w)
        if flat.shape != (b, _size(cuts)):
            raise UsageError("flat", value=flat.shape, allowed=(b, _size(cuts)))
        for cut in cuts:
            onto[cut.index] = flat[:, cut.start : cut.stop].reshape(b, *cut.shape)
        return onto

    def mask(self, c: int, h: int, w: int) -> np.ndarray:
        """Where it is: bool [c, h, w], for code that has no strided writes (torch)."""
        self._check(c)
        mask = np.zeros((1, c, h, w), bool)
        return self.put(np.ones((1, self.count(c, h, w)), bool), mask)[0]

    def _check(self, c: int) -> None:
        if not self.is_full and c != len(self.steps):
            raise UsageError("channels", value=c, allowed=len(self.steps))


class Listed(ABC):
    """Positions that are no strided slices: a subclass lists them, in the order in which they are coded (normative)."""

    is_full = False

    @abstractmethod
    def places(self, c: int, h: int, w: int) -> np.ndarray:
        """(channel * h + row) * w + column of each: int64 [n]."""

    def count(self, c: int, h: int, w: int) -> int:
        """How many positions of [c, h, w] it has."""
        return len(self.places(c, h, w))

    def take(self, array: np.ndarray) -> np.ndarray:
        """The values at its positions: [b, c, h, w] -> [b, n]."""
        return array.reshape(len(array), -1).take(self.places(*array.shape[1:]), 1)

    def put(self, flat: np.ndarray, onto: np.ndarray) -> np.ndarray:
        """Write [b, n] to its positions of [b, c, h, w], in place, and return the latter."""
        places = self.places(*onto.shape[1:])
        if onto.flags.c_contiguous:  # otherwise reshaping would copy, and the copy be written to
            onto.reshape(len(onto), -1)[:, places] = flat
        else:
            onto[(slice(None), *np.unravel_index(places, onto.shape[1:]))] = flat
        return onto

    def mask(self, c: int, h: int, w: int) -> np.ndarray:
        """Where it is: bool [c, h, w]."""
        return self.put(np.ones((1, self.count(c, h, w)), bool), np.zeros((1, c, h, w), bool))[0]


@dataclass(frozen=True, slots=True)
class _Cut:
    """A piece of one size: where it lies in [b, c, h, w], its shape [n, rows, columns], and its place in [b, n]."""

    index: tuple[slice, ...]
    shape: tuple[int, int, int]
    start: int
    stop: int


@lru_cache(maxsize=1024)
def _cuts(lattice: Lattice, h: int, w: int) -> tuple[_Cut, ...]:
    """The pieces of a lattice in arrays of one size."""
    cuts, at = [], 0
    for dy, dx, first, stop, stride in _pieces(lattice):
        shape = (len(range(first, stop, stride)), (h - dy + 1) // 2, (w - dx + 1) // 2)
        size = shape[0] * shape[1] * shape[2]
        index = (slice(None), slice(first, stop, stride), slice(dy, None, 2), slice(dx, None, 2))
        cuts.append(_Cut(index, shape, at, at + size))
        at += size
    return tuple(cuts)


def _size(cuts: tuple[_Cut, ...]) -> int:
    return cuts[-1].stop if cuts else 0


@lru_cache(maxsize=1024)
def _pieces(lattice: Lattice) -> tuple[Piece, ...]:
    """The order as strided slices: neighbouring channels at equal distance are one slice, which changes no order."""
    pieces: list[Piece] = []
    for phase, (dy, dx) in enumerate(PHASES):
        channels = [c for c, steps in enumerate(lattice.steps) if steps[phase] == lattice.step]
        while channels:
            stride = channels[1] - channels[0] if len(channels) > 1 else 1
            run = 1
            while run < len(channels) and channels[run] - channels[run - 1] == stride:
                run += 1
            pieces.append((dy, dx, channels[0], channels[run - 1] + 1, stride))
            channels = channels[run:]
    return tuple(pieces)


FULL = Lattice.FULL = Lattice((), 0)

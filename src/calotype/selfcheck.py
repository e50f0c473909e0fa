"""What an encoder sees of the file that it writes: values that come back, tiles decoded again, the PSNR of windows.

Why this is enough, and what is done about it, is said in checking.py.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from calotype import checking, container, modelled, overlays, planes
from calotype.errors import CorruptError
from calotype.limits import DEFAULT
from calotype.model.bundle import Model
from calotype.modelled import Look
from calotype.tiles import Region

__all__ = ["Sight"]

# Our own files, looked at again: the picture is in memory already.
_OWN = replace(DEFAULT, max_pixels=2**62, max_samples=2**62, max_tiles=2**32, max_chunks=2**33, max_tile_px=2**15)


class Sight:
    """One attempt at a picture, watched: hand `look` to `modelled.encode`, then ask for the PSNR.

    colours  uint8 [h, w, 3], as the model gets them
    grey     the file has one plane of colours: what is seen is their mean
    """

    def __init__(self, colours: np.ndarray, grey: bool) -> None:
        self._colours, self._grey = colours, grey
        self._whole = Region(0, colours.shape[0], 0, colours.shape[1])
        self._squares: dict[Region, float] = {}  # added up in order, whatever thread was first
        self.look = Look(checking.sampled(self._whole), self._take)

    def psnr_db(self, data: bytes, model: Model, promise_db: float | None, threads: int | None) -> float:
        """The PSNR of the colours in the windows looked at; in all of the file if that is near what was promised.

        -inf if anything does not come back as it was written.
        """
        if self.look.damaged:
            return -math.inf
        try:
            file = overlays.beneath(container.parse(data, _OWN))
            grid = modelled.grid_of(file.header, model)
            again = self.look.unread.union(checking.tiles_again(file, model, len(grid)))
            if again:
                modelled.decode_tiles(file, model, grid, threads, tiles=tuple(sorted(again)))
            found = self._seen()
            if promise_db is None or found >= promise_db + checking.DOUBT_DB or self._all_seen():
                return found
            self._squares.clear()
            modelled.synthesise(file, model, grid, modelled.windows_for(self._whole, grid, file), self._take, threads)
        except CorruptError:
            return -math.inf
        return self._seen()

    def _take(self, window: Region, found: np.ndarray) -> None:
        part = np.broadcast_to(planes.one_grey(found), found.shape) if self._grey else found
        errors = part.astype(np.int16) - self._colours[window.rows, window.cols]
        self._squares[window] = float(np.square(errors, dtype=np.int64).sum())

    def _seen(self) -> float:
        squares = sum(self._squares[window] for window in sorted(self._squares, key=lambda w: (w.top, w.left)))
        mean = squares / (3 * self._pixels())
        return 10 * math.log10(255**2 / mean) if mean else math.inf

    def _pixels(self) -> int:
        return sum(window.height * window.width for window in self._squares)

    def _all_seen(self) -> bool:
        return self._pixels() == self._whole.height * self._whole.width

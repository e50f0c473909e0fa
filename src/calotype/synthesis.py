"""Windows of a picture that become pixels as their tiles arrive: from a reader, or from a writer that is watched.

What happens inside a window is the transform's business (transforms.py), in which order tiles come, that of modelled.py.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any

import numpy as np

from calotype import transforms, windows
from calotype.model.bundle import Model
from calotype.strips import Strips
from calotype.tiles import Batch, Grid, Region
from calotype.workers import Workers

__all__ = ["Windows", "finish"]


class Windows:
    """Windows of a picture, each synthesised when the tiles around it have been written, in whatever order they come."""

    def __init__(
        self,
        model: Model,
        grid: Grid,
        rates: np.ndarray,
        jobs: tuple[Region, ...],
        take: Callable[[Region, np.ndarray], None],
        shared: bytes = b"",
    ) -> None:
        """
        rates   rate index of every tile of the grid
        jobs    the windows, in raster order
        take    is handed each window's colours, uint8 [h, w, 3], on any thread
        shared  what the walk's `prepare` returned for the picture
        """
        self._transform = transforms.of(model, shared)
        self.reach_px = self._transform.reach_px
        self._grid, self._rates, self._take = grid, rates, take
        self._strips = Strips(grid, self._transform.stored(), windows=jobs, reach_px=self.reach_px)
        self._waiting = {job: set(grid.needed(job, self.reach_px)) for job in jobs}

    def write(self, batch: Batch, values: Mapping[str, Any]) -> None:
        """Keep what the walk returned for some tiles."""
        for row, tile in enumerate(batch.tiles):
            self._strips.write(tile, {name: array[row] for name, array in values.items()})

    def ready(self, batch: Batch) -> list[Region]:
        """The windows that waited for nothing but these tiles, which were just written."""
        for needed in self._waiting.values():
            needed.difference_update(batch.tiles)
        found = [job for job, needed in self._waiting.items() if not needed]
        for job in found:
            del self._waiting[job]
        return found

    def synthesise(self, window: Region) -> None:
        """Hand on the colours of a window all of whose tiles are there; call it once for each."""
        self._take(window, self._transform.window(self._strips, self._rates, window))
        self._strips.release(window)


def finish(ready: Generator[Region, None, None], seen: Windows | None, pool: Workers | None) -> None:
    """Synthesise windows as they come, in the time that walks leave."""
    later, in_flight = (None, None) if pool is None else (pool.later, 2 + pool.count)
    with closing(ready) as items:
        for _ in items if seen is None else windows.run(seen.synthesise, items, pool=later, in_flight=in_flight):
            pass

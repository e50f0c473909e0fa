"""Decoded arrays between entropy decoding and synthesis: written by tiles, read by regions, dropped when read by all.

Bands are kept as int16 sixteenths, so that a 24-megapixel picture never stands in memory as floats.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from calotype.errors import UsageError
from calotype.pyramid import Load
from calotype.tiles import Grid, Region

__all__ = ["Stored", "Strips"]


@dataclass(frozen=True, slots=True)
class Stored:
    """How one name is kept: its channels, its stride in pixels, the integer type and how many units make 1."""

    channels: int
    stride: int
    dtype: str = "int16"
    units: int = 16


class Strips:
    """A store of the arrays of some tiles. Safe to write on one thread while others read what is complete."""

    def __init__(
        self, grid: Grid, names: Mapping[str, Stored], *, windows: Iterable[Region] | None = None, reach_px: int = 0
    ) -> None:
        """
        windows    every window that will be released once; a tile is dropped when all that need it were. None: keep all
        reach_px   as given to `tiles.plan`
        """
        for name, stored in names.items():
            if grid.align_px % stored.stride:
                raise UsageError(f"stride of {name}", value=stored.stride, allowed=f"divisors of {grid.align_px}")
        self.grid, self.names, self.reach_px = grid, dict(names), reach_px
        self._arrays: dict[tuple[str, int], np.ndarray] = {}
        self._lock = threading.Lock()
        self._readers: dict[int, int] | None = None
        if windows is not None:
            self._readers = {}
            for window in windows:
                for tile in grid.needed(window, reach_px):
                    self._readers[tile] = self._readers.get(tile, 0) + 1

    def write(self, tile: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep the arrays [c, h, w] of a tile: values are multiples of 1/units and inside the range of the dtype.

        Names that synthesis does not ask for (side information) are passed over.
        """
        if self._readers is not None and not self._readers.get(tile):
            return
        region = self.grid[tile]
        for name, stored in self.names.items():
            array = arrays[name]
            shape = (stored.channels, region.height // stored.stride, region.width // stored.stride)
            if array.shape != shape:
                raise UsageError(f"shape of {name}", value=array.shape, allowed=shape)
            kept = np.empty(shape, stored.dtype)
            if array.dtype == kept.dtype or stored.units == 1:
                np.copyto(kept, array, casting="unsafe")
            else:
                np.multiply(array, np.float32(stored.units), out=kept, casting="unsafe")
            self._arrays[name, tile] = kept

    def read(self, name: str, region: Region, out: np.ndarray) -> np.ndarray:
        """The stored integers of a region (in samples of that name), across tile borders, cast into `out` [c, h, w]."""
        for _, source, rows, cols in self._pieces(name, region):
            np.copyto(out[:, rows, cols], source, casting="unsafe")
        return out

    def loader(self, gains: Mapping[str, np.ndarray]) -> Load:
        """What `pyramid.synthesise_window` loads its bands with: stored values * gains.

        gains   float32 [c], or [tiles, c] where tiles have rates of their own
        """
        scaled = {
            name: np.asarray(gain, np.float32) / np.float32(self.names[name].units) for name, gain in gains.items()
        }

        def load(name: str, region: Region, scale: np.ndarray, out: np.ndarray) -> None:
            gain = scaled[name]
            for tile, source, rows, cols in self._pieces(name, region):
                onto = out[:, rows, cols]
                np.copyto(onto, source)
                if gain.ndim == 2:
                    np.multiply(onto, gain[tile, :, None, None] * scale, out=onto)
            if gain.ndim == 1:
                np.multiply(out, gain[:, None, None] * scale, out=out)

        return load

    def release(self, window: Region) -> None:
        """A window needs its tiles no longer. Call it once for each window, on any thread."""
        if self._readers is None:
            return
        with self._lock:
            for tile in self.grid.needed(window, self.reach_px):
                self._readers[tile] -= 1
                if not self._readers[tile]:
                    for name in self.names:
                        self._arrays.pop((name, tile), None)

    @property
    def nbytes(self) -> int:
        """Bytes held at the moment."""
        return sum(array.nbytes for array in list(self._arrays.values()))

    def _pieces(self, name: str, region: Region):
        """(tile, its part of the region, rows and columns of that part in the region)."""
        stride = self.names[name].stride
        for tile in self.grid.needed(
            Region(region.top * stride, region.bottom * stride, region.left * stride, region.right * stride)
        ):
            whole = self.grid[tile].over(stride)
            top, bottom = max(whole.top, region.top), min(whole.bottom, region.bottom)
            left, right = max(whole.left, region.left), min(whole.right, region.right)
            part = Region(top, bottom, left, right)
            inner, outer = part.within(whole), part.within(region)
            yield tile, self._arrays[name, tile][:, inner.rows, inner.cols], outer.rows, outer.cols

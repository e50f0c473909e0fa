"""What goes through strips comes out of the transform as if the whole picture had been there, and then is gone."""

from __future__ import annotations

import numpy as np
import pytest

from calotype import pyramid, windows
from calotype.errors import UsageError
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region, plan, windows_of

LEVELS = 3
NAMES = {f"l{k}": Stored(9, 1 << k) for k in range(1, LEVELS + 1)} | {
    "ll": Stored(3, 1 << LEVELS),
    "f2": Stored(5, 4, "uint8", 1),
}


@pytest.fixture
def case():
    grid = Grid(500, 300, 64, 8)
    rng = np.random.default_rng(2)
    arrays = {
        name: rng.integers(-3000 if stored.units > 1 else 0, 3000 if stored.units > 1 else 256, shape)
        for name, stored in NAMES.items()
        if (shape := (stored.channels, grid.shape[0] // stored.stride, grid.shape[1] // stored.stride))
    }
    return grid, {name: (array / NAMES[name].units).astype(np.float32) for name, array in arrays.items()}


def tile_of(arrays, grid, tile):
    parts = {name: grid[tile].over(stored.stride) for name, stored in NAMES.items()}
    return {name: array[:, parts[name].rows, parts[name].cols] for name, array in arrays.items()}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("per_tile", [False, True])
def test_synthesis_from_strips_is_the_whole(case, per_tile, threads):
    """Any windows, gains of the picture or of each tile, on any threads: the same bits. Afterwards nothing is held."""
    grid, arrays = case
    rng = np.random.default_rng(3)
    bands = {name: stored for name, stored in NAMES.items() if name != "f2"}
    gains = {
        name: rng.uniform(0.5, 2, (len(grid), stored.channels)[not per_tile :]).astype(np.float32)
        for name, stored in bands.items()
    }
    everything = Strips(grid, NAMES)
    for tile in range(len(grid)):
        everything.write(tile, tile_of(arrays, grid, tile))
    picture = Region(0, grid.shape[0], 0, grid.shape[1])
    whole = pyramid.synthesise_window(everything.loader(gains), picture, grid.shape, LEVELS)
    if not per_tile:
        plain = pyramid.synthesise({name: arrays[name] * gains[name][:, None, None] for name in bands}, LEVELS)
        np.testing.assert_allclose(whole, plain, rtol=1e-5, atol=1e-3)

    reach = pyramid.reach_px(LEVELS)
    jobs = windows_of(picture, 96, 64)
    strips = Strips(grid, NAMES, windows=jobs, reach_px=reach)
    load, most = strips.loader(gains), 0

    def decode():
        nonlocal most
        for step in plan(grid, jobs, reach_px=reach, most=5):
            for batch in step.batches:
                for tile in batch.tiles:
                    strips.write(tile, tile_of(arrays, grid, tile))
            most = max(most, strips.nbytes)
            yield from step.windows

    def synthesise(window):
        features = strips.read("f2", window.over(4), np.empty((5, window.height // 4, window.width // 4), np.float32))
        part = window.over(4)
        assert np.array_equal(features, arrays["f2"][:, part.rows, part.cols])
        planes = pyramid.synthesise_window(load, window, grid.shape, LEVELS)
        strips.release(window)
        return planes

    for window, planes in windows.run(synthesise, decode(), threads=threads):
        assert np.array_equal(planes, whole[:, window.rows, window.cols])
    assert strips.nbytes == 0
    assert most <= everything.nbytes * 0.7, "a picture of eight tile rows must not be held whole"


def test_tiles_that_nobody_reads_are_not_kept(case):
    grid, arrays = case
    strips = Strips(grid, NAMES, windows=[Region(0, 8, 0, 8)])
    strips.write(len(grid) - 1, tile_of(arrays, grid, len(grid) - 1))
    assert strips.nbytes == 0


def test_wrong_shapes_are_refused(case):
    grid, _ = case
    with pytest.raises(UsageError, match="l1"):
        Strips(grid, NAMES).write(0, {"l1": np.zeros((9, 3, 3), np.float32)})
    with pytest.raises(UsageError, match="stride of odd"):
        Strips(grid, {"odd": Stored(1, 3)})

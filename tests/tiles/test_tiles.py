"""Tiles partition the padded picture; a plan decodes what windows need, in time and not much earlier."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calotype.errors import UsageError
from calotype.tiles import Grid, Region, plan, windows_of

grids = st.builds(Grid, st.integers(1, 700), st.integers(1, 700), st.sampled_from([64, 128, 192]), st.just(64))
few = settings(max_examples=60, deadline=None)


@few
@given(grids)
def test_tiles_partition_the_padded_picture(grid):
    """Every pixel lies in one tile; sides are multiples of the alignment; there are at most four shapes."""
    covered = np.zeros(grid.shape, int)
    for tile in range(len(grid)):
        covered[grid[tile].rows, grid[tile].cols] += 1
    assert (covered == 1).all()
    assert grid.height <= grid.shape[0] < grid.height + 64 and grid.width <= grid.shape[1] < grid.width + 64
    assert len({(grid[tile].height, grid[tile].width) for tile in range(len(grid))}) <= 4
    assert all(grid[tile].height % 64 == 0 == grid[tile].width % 64 for tile in range(len(grid)))


@few
@given(grids, st.integers(1, 20))
def test_batches_are_all_tiles_once(grid, most):
    """Batches hold equal tiles, not too many, and never run ahead by more rows than one batch fills."""
    batches = list(grid.batches(most))
    assert sorted(tile for batch in batches for tile in batch.tiles) == list(range(len(grid)))
    open_row = 0
    left = Counter(tile // grid.columns for tile in range(len(grid)))
    for batch in batches:
        assert 1 <= len(batch.tiles) <= most and list(batch.tiles) == sorted(batch.tiles)
        assert {(grid[tile].height, grid[tile].width) for tile in batch.tiles} == {(batch.height, batch.width)}
        left -= Counter(tile // grid.columns for tile in batch.tiles)
        assert batch.tiles[-1] // grid.columns < open_row + max(1, most // grid.columns)
        open_row = min(left, default=grid.rows)


def test_large_pictures_fill_their_batches():
    """24 megapixels: a tile row at a time. 4 megapixels: three, in one batch of full tiles and one of the edge."""
    sizes = [len(batch.tiles) for batch in Grid(4000, 6000).batches(16)]
    assert sizes == [11, 1] * 7 + [11, 1]
    assert [len(batch.tiles) for batch in Grid(2048, 2100).batches(16)] == [12, 3, 4, 1]
    assert [len(batch.tiles) for batch in Grid(512, 17 * 512).batches(16)] == [8, 9]


@few
@given(grids, st.data())
def test_needed_tiles_are_those_that_overlap(grid, data):
    height, width = grid.shape
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    region = Region(top, data.draw(st.integers(top + 1, height)), left, data.draw(st.integers(left + 1, width)))
    reach = data.draw(st.integers(0, 300))
    grown = region.grown(reach, height, width)
    expected = [
        tile
        for tile in range(len(grid))
        if grid[tile].top < grown.bottom
        and grown.top < grid[tile].bottom
        and grid[tile].left < grown.right
        and grown.left < grid[tile].right
    ]
    assert list(grid.needed(region, reach)) == expected


@few
@given(grids, st.integers(24, 300), st.integers(0, 300), st.integers(1, 16))
def test_a_plan_decodes_before_it_synthesises(grid, side, reach, most):
    """All windows come, in order, each when its tiles are decoded; every tile is decoded once."""
    windows = windows_of(Region(0, *grid.shape[:1], 0, grid.shape[1]), side)
    decoded, seen = set(), []
    for step in plan(grid, windows, reach_px=reach, most=most):
        for batch in step.batches:
            assert decoded.isdisjoint(batch.tiles)
            decoded.update(batch.tiles)
        for window in step.windows:
            assert decoded.issuperset(grid.needed(window, reach))
        seen += step.windows
    assert tuple(seen) == windows and decoded == set(range(len(grid)))


def test_a_region_decodes_only_its_tiles():
    grid = Grid(4096, 4096)
    steps = plan(grid, windows_of(Region(1024, 1280, 1024, 1280), 512), reach_px=256)
    assert sorted(tile for step in steps for batch in step.batches for tile in batch.tiles) == [9, 10, 17, 18]


@few
@given(grids, st.integers(20, 300), st.integers(9, 300))
def test_windows_partition_their_region(grid, side, height):
    region = Region(grid.height // 3, grid.height, grid.width // 2, grid.width)
    covered = np.zeros((grid.height, grid.width), int)
    for window in windows_of(region, side, height):
        covered[window.rows, window.cols] += 1
        assert window.height <= height and window.width <= side
    assert (covered[region.rows, region.cols] == 1).all() and covered.sum() == region.height * region.width


@pytest.mark.parametrize("wrong", [(0, 5), (5, -1), (5, 5, 100), (5, 5, 0)])
def test_impossible_grids_are_refused(wrong):
    with pytest.raises(UsageError):
        Grid(*wrong)
    with pytest.raises(UsageError):
        windows_of(Region(0, 1, 0, 1), 0)
    with pytest.raises(UsageError):
        list(Grid(5, 5).batches(0))
    with pytest.raises(IndexError):
        Grid(5, 5)[1]

"""The order of diagonals: every place once, in the same number of passes, and what a pass sees is what came before it."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.walks.diagonals import SLOPE, Above, Diagonal, Skewed, incomplete, taps

SIZES = [(1, 1), (5, 7), (12, 8), (40, 70), (64, 129), (33, 256)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("passes", [16, 64])
def test_every_place_has_one_pass(size, passes):
    h, w = size
    whole = np.arange(2 * 3 * h * w).reshape(2, 3, h, w)
    back, count = np.full_like(whole, -1), 0
    for step in range(passes):
        lattice = Diagonal(passes, step)
        flat = lattice.take(whole)
        assert (
            flat.shape == (2, lattice.count(3, h, w)) and (np.diff(flat[0]) > 0).all()
        )  # channels, rows, columns ascend
        rows, columns = np.nonzero(lattice.mask(3, h, w)[0])
        assert ((columns + SLOPE * rows) % passes == step).all()
        lattice.put(flat, back)
        count += flat.shape[1]
        turned = lattice.put(flat, np.full((2, 3, w, h), -1).swapaxes(2, 3))  # the same where memory has another order
        assert np.array_equal(turned >= 0, lattice.mask(3, h, w)[None].repeat(2, 0))
    assert count == 3 * h * w and np.array_equal(back, whole)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reach", [2, 3])
def test_a_pass_sees_what_earlier_ones_wrote(size, reach):
    """Slices of what is known, against every place around, one by one; the margins and the places of later passes are zero."""
    (h, w), passes, tiles, planes = size, 16, 2, 2
    values = np.random.default_rng(0).integers(1, 99, (tiles, planes, h, w)).astype(np.float32)
    skewed = Skewed(planes, tiles, h, w, passes, reach)
    steps = (np.arange(w) + SLOPE * np.arange(h)[:, None]) % passes
    seen_all = 0
    for step in range(passes):
        out = np.empty((planes, len(taps(reach)), h * tiles * skewed.bands), np.float32)
        skewed.before(step, out)
        lattice, slots = Diagonal(passes, step), skewed.slots(step)
        rows, columns = np.divmod(lattice.places(1, h, w), w)
        assert np.array_equal(skewed.columns(step)[:, 0].repeat(tiles, 0).ravel()[slots[0]], columns)
        for tile in range(tiles):
            for place, (dy, dx) in enumerate(taps(reach)):
                y, x = rows + dy, columns + dx
                inside = (y >= 0) & (x >= 0) & (x < w)
                y, x = y.clip(0), x.clip(0, w - 1)
                known = inside & (step + dx + SLOPE * dy >= 0)
                assert (steps[y, x][known] < step).all()
                assert np.array_equal(out[:, place, slots[tile]], np.where(known, values[tile, :, y, x].T, 0))
                if step >= incomplete(reach):  # the twin: later passes know all that is inside
                    assert np.array_equal(known, inside)
                seen_all += known.sum()
        skewed.write(step, lattice.take(values).reshape(tiles, planes, -1), slots)
    assert seen_all or h * w == 1


def test_windows_show_nothing_that_comes_later():
    for reach, count in ((2, 11), (3, 22)):
        assert len(taps(reach)) == count
        assert all(dx + SLOPE * dy < 0 and max(abs(dy), abs(dx)) <= reach for dy, dx in taps(reach))
        assert incomplete(reach) == max(-dx - SLOPE * dy for dy, dx in taps(reach))


@pytest.mark.parametrize("size", [(2, 2), (12, 8), (40, 70), (64, 130)])
@pytest.mark.parametrize("around", [0, 1])
def test_a_pass_sees_the_coarser_planes_above_it(size, around):
    (h, w), passes, tiles, planes = size, 16, 2, 3
    values = np.random.default_rng(1).integers(1, 99, (tiles, planes, h // 2, w // 2)).astype(np.float32)
    framed = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)))
    skewed = Skewed(1, tiles, h, w, passes, 2)
    above = Above(values, skewed, around)
    for step in range(passes):
        out = np.empty((above.count, h * skewed.row), np.float32)
        above.look(step, out)
        rows, columns = np.divmod(Diagonal(passes, step).places(1, h, w), w)
        places = [(dy, dx) for dy in range(-around, around + 1) for dx in range(-around, around + 1)]
        for tile, slots in enumerate(skewed.slots(step)):
            for number, (plane, (dy, dx)) in enumerate((p, at) for p in range(planes) for at in places):
                expected = framed[tile, plane, rows // 2 + 1 + dy, columns // 2 + 1 + dx]
                assert np.array_equal(out[number, slots], expected)

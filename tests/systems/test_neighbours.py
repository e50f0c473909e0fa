"""Blocks in a closed loop: what they see of each other, in which order, and that training and codec see the same."""

from __future__ import annotations

import numpy as np
import pytest

from calotype.walks.neighbours import Neighbours, _directions, _masks, _waves_of, features

ORDERS = ("phases", (1, 1), (2, 1))


def walk(order, sees="strips"):
    return Neighbours(4, order, sees, True, 2047)


@pytest.mark.parametrize("order", ORDERS)
def test_every_block_is_coded_once_after_all_that_it_sees(order):
    """Waves cover the picture; a mask is one exactly where that neighbour lies in an earlier wave."""
    made, rows, columns = walk(order), 5, 7
    when = np.full((rows, columns), -1)
    for step, (lattice, down, right) in enumerate(_waves_of(made.order, 3, rows, columns)):
        assert (when[down, right] == -1).all() and lattice.count(3, rows, columns) == 3 * len(down)
        when[down, right] = step
    assert (when >= 0).all()
    masks = _masks(made.order, rows, columns)
    for place, (r, c) in enumerate(_directions(made.order)):
        for row in range(rows):
            for column in range(columns):
                inside = 0 <= row + r < rows and 0 <= column + c < columns
                assert masks[place, row, column] == (inside and when[row + r, column + c] < when[row, column])


def test_phases_do_not_grow_with_the_picture_and_waves_do():
    assert [len(_waves_of(walk("phases").order, 3, side, side)) for side in (4, 8, 16)] == [4, 4, 4]
    assert [len(_waves_of(walk((2, 1)).order, 3, side, side)) for side in (4, 8, 16)] == [10, 22, 46]


def test_strips_are_lines_at_the_border_and_means():
    """The neighbour to the left: its means along both axes, and its two columns that are nearest."""
    random = np.random.default_rng(0)
    block = random.integers(-128, 128, (1, 3, 4, 4)).astype(np.float32)
    made = walk((1, 1))
    places = _directions(made.order)
    around = [block.reshape(1, 48, 1, 1) for _ in places]
    masks = np.array([place == (0, -1) for place in places], np.float32)[:, None, None]
    seen = features(around, masks, 4, "strips", made.order)
    assert seen.shape == (1, made.planes, 1, 1)
    start = sum(24 + 24 * (0 in place) for place in places[: places.index((0, -1))])
    own = seen[0, start : start + 48, 0, 0]
    assert np.array_equal(own[:12], np.floor(block[0].mean(1)).ravel())
    assert np.array_equal(own[12:24], np.floor(block[0].mean(2)).ravel())
    assert np.array_equal(own[24:], block[0, :, :, 2:].ravel())
    assert not seen[0, :start].any() and seen[0, -len(places) :, 0, 0].tolist() == (127 * masks.ravel()).tolist()


@pytest.mark.parametrize("sees", ["strips", "samples"])
@pytest.mark.parametrize("order", ORDERS)
def test_training_sees_what_the_codec_sees(order, sees):
    """All blocks at once under torch, and wave by wave under NumPy: the same integers."""
    torch = pytest.importorskip("torch")
    made = walk(order, sees)
    canvas = np.random.default_rng(1).integers(-128, 128, (2, 48, 4, 6)).astype(np.float32)
    whole = made.seen(torch.from_numpy(canvas)).numpy()
    framed = np.pad(canvas, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for _, down, right in _waves_of(made.order, 48, 4, 6):
        around = [framed[:, :, None, down + 1 + r, right + 1 + c] for r, c in _directions(made.order)]
        part = features(around, _masks(made.order, 4, 6)[:, None, down, right], 4, sees, made.order)
        assert np.array_equal(part[:, :, 0], whole[:, :, down, right])


def test_the_start_is_the_best_linear_prediction():
    """After `begin` untrained networks code most of a picture: a loss far below that of drawn weights."""
    torch = pytest.importorskip("torch")
    from tests import tiny

    from calotype import zoo

    torch.manual_seed(0)
    system = zoo.recipe("wu2021-lbhic").system("tiny")
    crops = torch.from_numpy(tiny.picture(64, 128)).permute(2, 0, 1)[None].float()
    before = float(system(crops, torch.ones(1))["loss"].detach())
    system.begin(crops)
    after = system(crops, torch.ones(1))
    assert float(after["loss"].detach()) < 0.1 * before and float(after["mse"].detach()) < 0.1 * float(crops.var())

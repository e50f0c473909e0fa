"""Tiles that are refined until they are good enough: what they see, when they stop, and what the dial does."""

from __future__ import annotations

import numpy as np
import pytest
from tests import tiny
from tests.laws.walking import case_of

from calotype import transforms
from calotype.tiles import Grid
from calotype.walks.tiled import LOG_UNIT, Places, Tiled, framed, planes_of

NAME = "minnen2018-tiled"


def walk():
    return Tiled(16, 8, 3, 2, 2047)


def canvas_of(seed=0, rows=3, columns=4):
    return np.random.default_rng(seed).integers(-128, 128, (2, 192, 2 * rows, 2 * columns)).astype(np.float32)


def pixels_of(canvas):
    b, _, height, width = canvas.shape
    cells = canvas.reshape(b, 3, 8, 8, height, width).transpose(0, 1, 4, 2, 5, 3)
    return cells.reshape(b, 3, 8 * height, 8 * width)


def test_places_cut_and_put_are_inverse():
    canvas = framed(canvas_of())
    places = Places.of(np.array([0, 2, 1]), np.array([1, 3, 0]), 2)
    copy = np.zeros_like(canvas)
    places.put(places.cut(canvas), copy)
    assert np.array_equal(places.cut(copy), places.cut(canvas))
    assert np.count_nonzero(copy) == np.count_nonzero(places.cut(canvas)) > 0
    assert np.array_equal(places.cut(canvas)[0], canvas[0, :, 1:3, 3:5])


def test_a_tile_sees_the_borders_of_three_tiles_and_nothing_else():
    """Means of the outermost line and of the outermost four, in pixels; a change anywhere else changes nothing."""
    canvas, made = canvas_of(), walk()
    places = Places.of(np.array([1]), np.array([2]), 2)
    seen = made.seen(framed(canvas), places)[:, :, 0, 0]
    assert seen.shape == (2, planes_of(16, 8))
    pixels = pixels_of(canvas)
    above = pixels[:, :, 15, 32:48].reshape(2, 3, 4, 4).mean(3)
    left = pixels[:, :, 16:32, 28:32].reshape(2, 3, 4, 4, 4).mean((3, 4))
    corner = pixels[:, :, 12:16, 28:32].mean((2, 3))
    ordered = above.reshape(2, 3, 2, 2).transpose(0, 1, 3, 2).reshape(2, -1)  # samples of a block, then blocks
    assert np.array_equal(seen[:, :12], np.floor(ordered))
    assert np.array_equal(seen[:, 36:48], np.floor(left.reshape(2, 3, 2, 2).transpose(0, 1, 3, 2).reshape(2, -1)))
    assert np.array_equal(seen[:, 48:51], np.floor(corner)) and (seen[:, 51:] == 127).all()
    other = pixels.copy()
    other[:, :, :12] += 1
    other[:, :, 12:16, :28] += 1
    other[:, :, 12:16, 48:] += 1
    other[:, :, 16:, :28] += 1
    other[:, :, 16:, 32:] += 1
    blocks = other.reshape(2, 3, 6, 8, 8, 8).transpose(0, 1, 3, 5, 2, 4).reshape(canvas.shape)
    assert np.array_equal(seen, made.seen(framed(blocks), places)[:, :, 0, 0])
    first = made.seen(framed(canvas), Places.of(np.array([0]), np.array([0]), 2))
    assert not first.any()  # nothing is decoded above and to the left of the first tile


def test_training_sees_what_the_codec_sees():
    torch = pytest.importorskip("torch")
    canvas = framed(canvas_of(3))
    places = Places.everywhere(3, 4, 2)
    assert np.array_equal(walk().seen(torch.from_numpy(canvas), places).numpy(), walk().seen(canvas, places))


def fading(height, width):
    """Grey to the left, more and more of a picture to the right."""
    share = np.linspace(0, 1, width)[None, :, None] ** 2
    return np.rint(128 + (tiny.picture(height, width).astype(float) - 128) * share).astype(np.uint8)


def written(pixels, rates):
    """A case of these pixels at some rates, and what the walk returned."""
    case = case_of(NAME, rates=rates, cells=(pixels.shape[0] // 32, pixels.shape[1] // 32))
    grid = Grid(pixels.shape[0], pixels.shape[1], 512, case.model.manifest.align_px)
    y = transforms.of(case.model).analysis(pixels, grid, 0, None).latents(grid[0])["y"]
    case.latents = {"y": np.repeat(y[None], len(rates), 0)}
    return case, case.write()[0]


def test_every_tile_stops_as_soon_as_it_is_good_enough():
    """Stages suffice, or are all there are; a higher rate never has fewer on the whole; what a tile has not is zero."""
    case, values = written(fading(96, 160), (0, 511, 1023))
    count, stages = values["count"][:, 0], case.model.manifest.walk_parameters["stages"]
    assert count[0].mean() <= count[1].mean() <= count[2].mean() and count[0].mean() < count[2].mean()
    cells = values["y"].shape[2] // count.shape[1]
    squares = ((values["y"] - case.latents["y"]) ** 2).mean(1)
    wrong = squares.reshape(3, count.shape[1], cells, count.shape[2], cells).mean((2, 4))
    target = 2.0 ** (case.nets.rows("count.target")[:, 0] / LOG_UNIT)
    enough = wrong <= 1.5 * target  # the number of stages chooses tables, and those which coefficients are certain
    assert (enough | (count == stages)).all() and (count < stages).any() and (count > 0).any()
    for stage in range(stages):
        coded = np.abs(values[f"q{stage + 1}"]).max(1)
        assert not coded[count <= stage].any() and coded.any()


def test_smooth_tiles_have_fewer_stages():
    """Of a grey picture no tile needs a second stage, even from a model that has hardly learnt; noise needs all."""
    flat, values = written(np.full((128, 128, 3), 128, np.uint8), (0,))
    noise, others = written(tiny.picture(128, 128), (0,))
    assert values["count"].mean() <= 1 < others["count"].mean()
    assert flat.count().bits[0] < 0.5 * noise.count().bits[0]

"""Quad trees of surfaces and of fractal copies: any size, exact samples, better surfaces and the choice of sides."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import permutations

import numpy as np
import pytest
from tests import tiny

from calotype import codec, container, zoo
from calotype.picture import Picture
from calotype.train import design
from calotype.walks import fractal, quadtree, surfaces
from calotype.walks.fractal import Fractal

CASES = [("khalaf2019-tanh", "tiny"), ("khalaf2019-tanh", "tiny-plane"), ("khalaf2019-tanh", "tiny-quadratic"),
         ("fractal-pifs", "tiny"), ("li2019-fractal-cnn-gep", "tiny")]  # fmt: skip


@cache
def model(recipe, size):
    made = design.model_of(zoo.recipe(recipe), [tiny.picture(256, 256)], size=size)
    return replace(made, manifest=replace(made.manifest, tile_px=tiny.TILE_PX))


@pytest.mark.parametrize(("recipe", "size"), CASES)
@pytest.mark.parametrize("shape", [(1, 1), (37, 61), (130, 200)], ids=str)
def test_any_size_comes_back(recipe, size, shape):
    pixels = tiny.picture(*shape, seed=4)
    for quality in (1, 90):
        data = codec.encode(Picture(pixels), model(recipe, size), quality=quality, check=False)
        found = codec.decode(data, model=model(recipe, size), threads=1).pixels
        assert found.shape == pixels.shape and container.build(container.parse(data)) == data
        codec.verify(data, model=model(recipe, size))
    if min(shape) > 30:
        assert np.square(found.astype(float) - pixels).mean() < 0.35 * pixels.var()


@pytest.mark.parametrize(("recipe", "size"), CASES)
def test_quality_buys_fidelity(recipe, size):
    pixels, errors, sizes = tiny.picture(130, 200, seed=6), [], []
    for quality in (5, 40, 70, 100):
        data = codec.encode(Picture(pixels), model(recipe, size), quality=quality, check=False)
        found = codec.decode(data, model=model(recipe, size)).pixels
        errors.append(float(np.square(found.astype(float) - pixels).mean()))
        sizes.append(len(data))
    assert errors == sorted(errors, reverse=True) and sizes == sorted(sizes)


def test_blocks_are_cut_and_placed():
    planes = np.arange(2 * 3 * 8 * 12).reshape(2, 3, 8, 12)
    cut = quadtree.cells(planes, 4)
    assert cut.shape == (2, 3, 2, 3, 16) and np.array_equal(cut[1, 2, 1, 2], planes[1, 2, 4:, 8:].ravel())
    assert np.array_equal(quadtree.placed(cut, 4), planes)
    assert np.allclose(quadtree.means_of(planes, 4), cut.mean(-1))


def test_splits_are_those_of_least_cost():
    """Against every tree of two levels, one after the other."""
    random = np.random.default_rng(0)
    costs = {2: random.random((1, 4, 4)), 4: 5 * random.random((1, 2, 2)), 8: np.full((1, 1, 1), 12.0)}
    splits = quadtree.chosen_splits(costs, 0.3)

    def least(side, y, x):
        leaf = costs[side][0, y, x]
        if side == 2:
            return leaf
        parts = sum(least(side // 2, 2 * y + dy, 2 * x + dx) for dy in (0, 1) for dx in (0, 1))
        assert splits[side][0, y, x] == (parts < leaf)
        return min(leaf, parts) + 0.3

    least(8, 0, 0)
    assert any(part.any() for part in splits.values()) and not all(part.all() for part in splits.values())


def test_the_table_of_tanh_is_tanh():
    assert len(surfaces.TANH) == 256
    where = np.linspace(-3.5, 3.5, 301)
    assert np.abs(surfaces._tanh(where) / 4096 - np.tanh(where)).max() < surfaces.TANH_STEP


@pytest.mark.parametrize("surface", ["tanh", "plane", "quadratic"])
@pytest.mark.parametrize("side", [2, 4, 16])
def test_patterns_have_no_mean_and_one_scale(surface, side):
    found = surfaces.patterns(surface, side)
    assert np.abs(found.mean(2)).max() <= 0.5 and np.allclose(
        np.sqrt(np.square(found).mean(2)), surfaces.SCALE, rtol=0.01
    )
    if surface != "tanh" and side > 2:
        gram = found[0] @ found[0].T / side**2 / surfaces.SCALE**2
        assert np.allclose(gram, np.eye(len(gram)), atol=0.02)


def test_patterns_of_4x4_are_equation_3_of_the_paper():
    """tanh(c x + (1/2 - c) y), x and y from 0 to 3 from the darkest corner: among the patterns, in all four places."""
    found = surfaces.patterns("tanh", 4)[:, 0] / surfaces.SCALE
    y, x = np.indices((4, 4))
    for c in (0, 0.25, 0.5):
        block = np.tanh(c * x + (0.5 - c) * y)
        for turned in (block, block[::-1], block[:, ::-1], block[::-1, ::-1]):
            flat = turned.ravel() - turned.mean()
            flat /= np.sqrt(np.square(flat).mean())
            assert np.abs(found @ flat / 16).max() > 0.985


def test_a_picture_of_patterns_is_found_again():
    """Blocks that are mean + amplitude * pattern cost next to no error; a plane can't follow them."""
    random = np.random.default_rng(1)
    shapes = surfaces.patterns("tanh", 4)[:, 0] / surfaces.SCALE
    blocks = 128 + 30 * shapes[random.integers(0, len(shapes), (1, 32, 32))]
    plane = np.clip(np.rint(quadtree.placed(blocks, 4)), 0, 255)[0].astype(np.uint8)
    pixels = np.repeat(plane[..., None], 3, 2)
    errors = {}
    for size in ("tiny", "tiny-plane"):
        data = codec.encode(Picture(pixels), model("khalaf2019-tanh", size), quality=75, check=False)
        found = codec.decode(data, model=model("khalaf2019-tanh", size)).pixels
        errors[size] = float(np.square(found.astype(float) - pixels).mean()) * len(data)
    assert errors["tiny"] < 0.8 * errors["tiny-plane"]


def test_isometries_are_eight_and_turn_squares():
    found = fractal.turned(4)
    assert len({tuple(row) for row in found}) == 8 and all(sorted(row) == list(range(16)) for row in found)
    square = np.arange(16).reshape(4, 4)
    assert {tuple(row) for row in found} == {
        tuple(np.rot90(part, k).ravel()) for part in (square, square.T) for k in range(4)
    }


def test_a_search_finds_what_was_copied():
    """Ranges made from domains are found at their place, with their turn and their contrast."""
    walk = Fractal(16, 2, {4: 8}, 10, 0.1)
    plane = tiny.picture(64, 64, seed=3)[..., 1].astype(np.float32)
    shrunk = quadtree.means_of(plane, 2).astype(np.float32)
    left = np.zeros((2, 2, 16), np.float32)
    wanted = {(0, 0): (5, 3, 4, -6), (0, 1): (0, 0, 2, 7), (1, 1): (2, 6, 1, 3)}
    for at, (turn, row, column, contrast) in wanted.items():
        domain = shrunk[4 * row : 4 * row + 4, 4 * column : 4 * column + 4].ravel()[fractal.turned(4)[turn]]
        left[at] = contrast / 8 * (domain - domain.mean())
    saved, contrast, turn, row, column = walk._searched(plane, left, 4, 1e-6)
    for at, found in wanted.items():
        assert (turn[at], row[at], column[at], contrast[at]) == found and saved[at] > 0
    assert contrast[1, 0] == 0


def test_iteration_forgets_where_it_began():
    """The fixed point does not depend on the first picture; one application does (the twin)."""
    pixels = tiny.picture(128, 128, seed=6)
    made = model("fractal-pifs", "tiny")
    data = codec.encode(Picture(pixels), made, quality=60, check=False)
    parameters = dict(made.manifest.walk_parameters)
    found = {}
    for times in (1, 10, 14):
        other = replace(made, manifest=replace(made.manifest, walk_parameters=parameters | {"iterations": times}))
        (tile,) = codec.latents(data, model=other)
        found[times] = tile["samples"].astype(int)
    assert np.abs(found[10] - found[14]).max() <= 2 < np.abs(found[1] - found[14]).max()


def test_copies_are_worth_their_address():
    """Edges look like themselves at every size; with flat leaves only they are worse at as many bytes, or larger."""
    rows, columns = np.indices((128, 128))
    plane = np.where((rows + 2 * columns) % 96 < 48, 60, 180) + np.where((2 * rows - columns) % 128 < 64, -20, 20)
    pixels = np.repeat(plane.astype(np.uint8)[..., None], 3, 2)
    made = model("fractal-pifs", "tiny")
    data = codec.encode(Picture(pixels), made, quality=50, check=False)
    parameters = dict(made.manifest.walk_parameters) | {"grid": {}}
    flat = replace(made, manifest=replace(made.manifest, walk_parameters=parameters))
    other = codec.encode(Picture(pixels), flat, quality=50, check=False)
    error, without = (
        float(np.square(codec.decode(file, model=coder).pixels.astype(float) - pixels).mean())
        for file, coder in ((data, made), (other, flat))
    )
    assert len(data) * error < len(other) * without


def test_classes_are_the_orders_of_quadrants():
    """All 24 orders have a class of their own; a turn moves a block from one to another, and its negative is the reverse."""
    orders = np.array(list(permutations(range(4))), np.float32)
    blocks = orders.reshape(-1, 2, 1, 2, 1).repeat(2, 2).repeat(2, 4).reshape(-1, 16)
    found = fractal.classed(blocks)
    assert sorted(found) == list(range(24))
    assert (fractal.classed(-blocks) != found).all()


def test_a_search_within_classes_never_beats_the_whole_one_and_comes_near():
    random = np.random.default_rng(8)
    domains = random.normal(0, 9, (400, 16)).astype(np.float32)
    domains -= domains.mean(1, keepdims=True)
    ranges = (domains[::5] * random.uniform(-0.8, 0.8, (80, 1))).astype(np.float32)
    whole, few = (search(ranges, domains)[0] for search in (fractal._best, fractal._best_of_class))
    assert (few <= whole + 1e-3 * np.abs(whole)).all()
    assert few.sum() > 0.95 * whole.sum()  # the domain itself is in its class

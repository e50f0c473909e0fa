"""Predictive coding: exact at the top of the dial, near below it; every coder returns its numbers; wavefronts are rasters."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests import tiny

from calotype import codec, container, zoo
from calotype.coding import residual_coders
from calotype.errors import UsageError
from calotype.picture import Picture
from calotype.train import design
from calotype.walks import predictors
from calotype.walks.predictive import Predictive

RECIPES = ("predictive-lossless", "huffman", "golomb-adaptive", "rle", "lzw", "arithmetic", "venugopal2016-block",
           "rusyn2016-remote", "nn-predictive")  # fmt: skip


@cache
def model(name):
    made = design.model_of(zoo.recipe(name), [tiny.picture(128, 128)], size="tiny")
    return replace(made, manifest=replace(made.manifest, tile_px=tiny.TILE_PX))


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("shape", [(1, 1), (37, 61), (130, 200)], ids=str)
def test_exact_at_the_top_and_within_half_a_step_below(name, shape):
    pixels = tiny.picture(*shape, seed=4)
    for quality, most in ((100, 0), (1, 4)):
        data = codec.encode(Picture(pixels), model(name), quality=quality, check=False, threads=1)
        found = codec.decode(data, model=model(name), threads=1).pixels
        assert np.abs(found.astype(int) - pixels).max() <= most
        assert container.build(container.parse(data)) == data


def test_extremes_come_back_exactly():
    """Noise of black and white in every colour: errors as large as they can be."""
    pixels = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (64, 64, 3))
    for name in RECIPES:
        data = codec.encode(Picture(pixels), model(name), quality=100, check=False, threads=1)
        assert np.array_equal(codec.decode(data, model=model(name)).pixels, pixels), name


@pytest.mark.parametrize("name", residual_coders.NAMES)
def test_every_coder_returns_its_numbers_and_survives_damage(name):
    coder, random = residual_coders.of(name), np.random.default_rng(0)
    for numbers in (
        random.geometric(0.1, (3, 32, 64)).astype(np.int32) - 1,
        np.zeros((3, 32, 32), np.int32),
        random.integers(0, 2047, (1, 33, 35)).astype(np.int32),
        np.repeat(random.integers(0, 300, (3, 32, 4)), 16, 2).astype(np.int32),
    ):
        data = coder.encode(numbers)
        assert np.array_equal(coder.decode(data, numbers.shape), numbers)
        for _ in range(20):
            broken = bytearray(data)
            for place in random.integers(0, len(data), 3):
                broken[place] ^= int(random.integers(1, 256))
            for bad in (bytes(broken), bytes(broken[: random.integers(0, len(data))])):
                assert coder.decode(bad, numbers.shape).shape == numbers.shape
    with pytest.raises(UsageError, match="deflate"):
        residual_coders.of("zip")


def test_coders_are_worth_what_theory_says():
    """Geometric numbers: one code is near the entropy, what adapts pays for it, run lengths are a loss."""
    numbers = np.random.default_rng(0).geometric(0.1, (3, 128, 128)).astype(np.int32) - 1
    entropy = numbers.size * (-(0.9 * np.log2(0.9) + 0.1 * np.log2(0.1)) / 0.1) / 8
    sizes = {name: len(residual_coders.of(name).encode(numbers)) / entropy for name in residual_coders.NAMES}
    assert sizes["huffman"] < 1.02 and sizes["golomb"] < 1.12 and sizes["arithmetic"] < 1.12 and sizes["rle"] > 1.3, (
        sizes
    )
    flat = np.zeros_like(numbers)
    assert len(residual_coders.of("rle").encode(flat)) < flat.size / 80
    assert len(residual_coders.of("lzw").encode(flat)) < flat.size / 80


def test_folding_is_a_bijection():
    errors = np.arange(-600, 601)
    assert np.array_equal(residual_coders.unfolded(residual_coders.folded(errors)), errors)
    assert sorted(residual_coders.folded(errors)) == list(range(1201))


@pytest.mark.parametrize("name", ["left", "above", "med", "paeth", "gradient"])
@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (1, 1, 3, 4), (2, 3, 9, 5), (1, 2, 32, 64)], ids=str)
def test_wavefronts_see_what_the_raster_sees(name, shape):
    planes = np.random.default_rng(1).integers(0, 256, shape).astype(np.int32)
    predict = predictors.predictor(name)
    errors = planes - predict(predictors.around(planes))
    assert np.array_equal(predictors.reconstructed(errors, lambda around, rows, columns: predict(around)), planes)


def test_nothing_later_predicts():
    """A sample's neighbours are those before it in raster order; the twin is the sample below."""
    planes = np.random.default_rng(2).integers(0, 256, (1, 1, 8, 8)).astype(np.int32)
    before = predictors.around(planes)
    changed = planes.copy()
    changed[0, 0, 4, 4:] += 1000
    changed[0, 0, 5:] += 1000
    after = predictors.around(changed)
    raster = np.arange(64).reshape(8, 8) <= 4 * 8 + 4
    assert all(np.array_equal(a[0, 0][raster], b[0, 0][raster]) for a, b in zip(before, after, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_predictors_are_those_of_the_papers():
    around = predictors.Around(*(np.array([part]) for part in (100, 50, 60, 55, 100, 40)))
    assert predictors.predictor("med")(around)[0] == 90 and predictors.predictor("paeth")(around)[0] == 100
    edge = around._replace(nw=np.array([120]))
    assert predictors.predictor("med")(edge)[0] == 50


def test_unknown_ways_are_refused():
    for wrong in (("psychic", "context", (1,)), ("med", "zip", (1,)), ("med", "context", (2, 1))):
        with pytest.raises(TypeError):
            Predictive(*wrong)

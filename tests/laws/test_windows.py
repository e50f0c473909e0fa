"""Law L5 over every registered recipe: synthesis by windows is the whole synthesis, bit for bit, with the formula's halo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import tiny
from tests.laws.waivers import excused

from calotype import codec, transforms
from calotype.picture import Picture
from calotype.strips import Strips
from calotype.tiles import Grid, Region, windows_of

SIZE = 250, 330


@pytest.fixture(scope="module")
def values():
    """{recipe: values of every tile}: far livelier than a picture's, so that every weight is felt."""

    def made(recipe):
        model = tiny.model(recipe)
        data = codec.encode(Picture(tiny.picture(*SIZE, seed=2)), model, quality=80, threads=1, check=False)
        random, latents = np.random.default_rng(0), model.manifest.latents
        tiles = codec.latents(data, model=model)
        for tile in tiles:
            for name, array in tile.items():
                noise = np.round(random.laplace(0, 2, array.shape))
                tile[name] = np.clip(array + noise, latents[name].low, latents[name].high).astype(np.float32)
        return tiles

    return made


def synthesised(model, tiles, windows, rates=None):
    """Pixels of the whole picture, window by window; `rates` of its tiles, one for all by default."""
    grid = Grid(*SIZE, model.manifest.tile_px, model.manifest.align_px)
    transform = transforms.of(model)
    strips = Strips(grid, transform.stored())
    for number, arrays in enumerate(tiles):
        strips.write(number, arrays)
    pixels = np.zeros((*SIZE, 3), np.uint8)
    rates = np.full(len(grid), 700) if rates is None else rates
    for window in windows:
        pixels[window.rows, window.cols] = transform.window(strips, rates, window)
    return pixels


def whole():
    return Region(0, SIZE[0], 0, SIZE[1])


@pytest.mark.parametrize("sides", [(64, 64), (40, 24), (128, 512), (97, 131)], ids=str)
def test_l5_windows_are_the_whole(recipe, values, sides):
    """Windows of any size, aligned to nothing, tile borders in their midst."""
    excused("L5", recipe)
    model, tiles = tiny.model(recipe), values(recipe)
    expected = synthesised(model, tiles, [whole()])
    assert np.array_equal(synthesised(model, tiles, windows_of(whole(), *sides)), expected)


def test_l5_twin_a_smaller_halo_is_seen(recipe, values):
    """Without the halo there are seams."""
    excused("L5 halo", recipe)
    model, tiles = tiny.model(recipe), values(recipe)
    less = replace(model, manifest=replace(model.manifest, halo=0))
    expected = synthesised(model, tiles, [whole()])
    found = synthesised(less, tiles, windows_of(whole(), 128, 128))
    assert not np.array_equal(found, expected)


def test_a_neighbour_of_another_rate_enters_with_its_own_gain(recipe, values):
    """Tiles of different rates: what a neighbour's latents mean does not depend on whose window looks at them."""
    excused("L5 halo", recipe)
    excused("L5 gain", recipe)
    model, tiles = tiny.model(recipe), values(recipe)
    grid = Grid(*SIZE, model.manifest.tile_px, model.manifest.align_px)
    array = "row.synthesis" if "anchors/row.synthesis" in model.decoder_floats else None
    first, other = 700, 500
    rates = np.full(len(grid), first)
    rates[1] = other
    moved = [dict(tile) for tile in tiles]
    for name in transforms.of(model).stored():
        latent, gain = model.manifest.latents[name], array or f"inverse.{name}"
        if f"anchors/{gain}" not in model.decoder_floats:
            continue
        if len(model.floats(gain, first)) != latent.channels:
            continue  # side information, which synthesis does not see
        factor = np.exp(model.floats(gain, first) - model.floats(gain, other))[:, None, None]
        moved[1][name] = (np.round(tiles[1][name] * factor * 16) / 16).astype(np.float32)
    window = grid[0]
    same = synthesised(model, tiles, [window])[window.rows, window.cols].astype(int)
    mixed = synthesised(model, moved, [window], rates)[window.rows, window.cols].astype(int)
    blind = synthesised(model, moved, [window])[window.rows, window.cols].astype(int)
    assert np.abs(mixed - same).max() <= 2  # latents were rounded to sixteenths again
    assert np.abs(blind - same).sum() > np.abs(mixed - same).sum()  # and without the gain one would see it

"""Vector quantization in stages: splits return what they took, choices cost what they say, prefix codes are canonical."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests import tiny

from calotype import codec, container, zoo
from calotype.coding.prefix import LANE, LONGEST, Codes, lengths_of
from calotype.errors import UsageError
from calotype.picture import Picture
from calotype.train import design
from calotype.walks import splits
from calotype.walks.staged import Staged
from calotype.walks.vectors import luma_chroma

RECIPES = ("vq-hybrid", "brifcani2010-msvq-dwt", "kasban2019-hvq-huffman")


@cache
def model(name, **changes):
    recipe = zoo.recipe(name)
    if changes:
        recipe = replace(recipe, sizes={"tiny": {**recipe.sizes["tiny"], **changes}})
    made = design.model_of(recipe, [tiny.picture(256, 256)], size="tiny")
    return replace(made, manifest=replace(made.manifest, tile_px=tiny.TILE_PX))


@pytest.mark.parametrize("name", ["means", "wavelet"])
def test_a_split_returns_what_it_took(name):
    """With exact vectors: the wavelet all planes, interpolated means luma (chroma is halved)."""
    split, planes = splits.of(name), luma_chroma(tiny.picture(64, 96).transpose(2, 0, 1).astype(np.int32))
    coarse = split.coarse(planes)
    found = split.planes(coarse, {group.name: split.vectors(planes, coarse, group) for group in split.groups})
    assert np.array_equal(found[0], planes[0]) and np.abs(found[1:] - planes[1:]).max() < 128
    assert name == "means" or np.array_equal(found, planes)


def test_interpolated_means_follow_a_ramp():
    ramp = np.arange(64, dtype=np.int32)[None, None].repeat(8, 1)
    found = splits.Means()._predicted(splits._means(ramp, 4))
    assert np.abs(found[:, :, 4:-4] - ramp[:, :, 4:-4]).max() <= 1


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("shape", [(1, 1), (37, 61), (130, 200)], ids=str)
def test_any_size_comes_back(name, shape):
    pixels = tiny.picture(*shape, seed=4)
    for quality in (1, 60, 100):
        data = codec.encode(Picture(pixels), model(name), quality=quality, check=False, threads=1)
        found = codec.decode(data, model=model(name), threads=1).pixels
        assert found.shape == pixels.shape and container.build(container.parse(data)) == data
    if min(shape) > 30:
        assert np.square(found.astype(float) - pixels).mean() < 0.3 * pixels.var()


@pytest.mark.parametrize("name", RECIPES)
def test_more_quality_is_more_bytes_and_less_error(name):
    pixels, points = tiny.picture(128, 192, seed=3), []
    for quality in (1, 40, 70, 100):
        data = codec.encode(Picture(pixels), model(name), quality=quality, check=False, threads=1)
        found = codec.decode(data, model=model(name)).pixels
        points.append((len(data), -float(np.square(found.astype(float) - pixels).mean())))
    assert points == sorted(points)


def test_huffman_codes_lose_little_to_tables():
    """The same indices twice: prefix codes take more than rANS, by less than a bit a symbol."""
    pixels = tiny.picture(128, 128, seed=8)
    sizes = []
    for indices in ("entropy", "huffman"):
        made = model("kasban2019-hvq-huffman", indices=indices)
        sizes.append(len(codec.encode(Picture(pixels), made, quality=70, check=False, threads=1)))
    assert 0.95 * sizes[0] < sizes[1] < 1.35 * sizes[0]


def test_unknown_ways_are_refused():
    for wrong in ({"split": "cake"}, {"indices": "morse"}):
        with pytest.raises(TypeError):
            Staged(**({"split": "means", "stages": 1, "steps": (1,), "worth": (1.0,), "indices": "entropy"} | wrong))


@pytest.mark.parametrize("count", [0, 1, 7, LANE, LANE + 1, 5 * LANE + 3])
def test_prefix_codes_come_back(count):
    random = np.random.default_rng(count)
    lengths = np.stack([lengths_of(random.integers(0, 2**power, 100)) for power in (1, 12, 20)])
    codes = Codes(lengths)
    tables = random.integers(0, 3, count)
    symbols = random.integers(0, 100, count)
    data = codes.pack(symbols, tables)
    assert np.array_equal(codes.unpack(data, tables), symbols)
    assert len(data) == 2 * -(-count // LANE) + -(-int(lengths[tables, symbols].sum()) // 8)
    for damaged in (b"", data[: len(data) // 2], data[::-1]):
        assert len(codes.unpack(damaged, tables)) == count


def test_lengths_are_those_of_huffman():
    """Within a bit of the entropy, a full tree, and the twin: equal lengths are longer where counts differ."""
    counts = np.array([900, 50, 30, 10, 5, 3, 1, 1])
    lengths = lengths_of(counts)
    share = counts / counts.sum()
    entropy = -(share * np.log2(share)).sum()
    assert entropy <= share @ lengths < entropy + 1 < 3 and np.isclose((2.0 ** -lengths.astype(float)).sum(), 1)
    assert lengths_of(2 ** np.arange(30)).max() <= LONGEST and lengths_of(np.ones(1)).tolist() == [1]
    with pytest.raises(UsageError):
        Codes(np.ones((1, 3)))
    with pytest.raises(UsageError):
        lengths_of(np.ones(4), most=1)

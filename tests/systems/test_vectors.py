"""Vector quantization: every way of coding indices and bringing codebooks makes the same picture, and counts its bytes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests import tiny

from calotype import codec, container, zoo
from calotype.container import Segment
from calotype.errors import CorruptError, UnsupportedError
from calotype.picture import Picture
from calotype.train import design
from calotype.walks import interlaced, vectors
from calotype.walks.vectors import Vectors

SIZES = ("tiny", "tiny-fixed", "tiny-own", "tiny-own-fixed")


@cache
def model(size):
    made = design.model_of(zoo.recipe("vq-lbg"), [tiny.picture(256, 256)], size=size)
    return replace(made, manifest=replace(made.manifest, tile_px=tiny.TILE_PX))


def encoded(size, pixels, **settings):
    return codec.encode(Picture(pixels), model(size), threads=1, **{"quality": 50, **settings})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(1, 1), (37, 61), (130, 200)], ids=str)
def test_any_size_comes_back_as_the_encoder_saw_it(size, shape):
    pixels = tiny.picture(*shape, seed=4)
    for quality in (1, 100):
        data = encoded(size, pixels, quality=quality, check=False)
        found = codec.decode(data, model=model(size), threads=1).pixels
        assert found.shape == pixels.shape and container.build(container.parse(data)) == data
        codec.verify(data, model=model(size))
    if min(shape) > 30:
        assert np.square(found.astype(float) - pixels).mean() < 0.3 * pixels.var()


def test_fixed_and_entropy_coded_indices_mean_the_same_picture():
    pixels = tiny.picture(200, 300, seed=7)
    for one, other in (("tiny", "tiny-fixed"), ("tiny-own", "tiny-own-fixed")):
        parts = [codec.decode(encoded(size, pixels), model=model(size)).pixels for size in (one, other)]
        assert np.array_equal(*parts)


def test_fixed_indices_take_the_bits_that_the_formula_says():
    """log2(entries) bits for each block: k = 2, 32 entries, and 16 entries for chroma blocks of 4x4."""
    data = encoded("tiny-fixed", tiny.picture(128, 128), quality=100, check=False)
    (tile,) = container.parse(data).tiles
    assert len(tile.segments[0].data) == 1 + 2 + 4 + (64 * 64 * 5 + 32 * 32 * 4) // 8


def test_a_codebook_in_the_file_counts_byte_by_byte():
    data = encoded("tiny-own", tiny.picture(128, 128), quality=100, check=False)
    file = container.parse(data)
    assert sum(len(segment.data) for segment in file.shared) == 1 + 2 + 4 + 32 * 4 + 16 * 8
    assert not container.parse(encoded("tiny", tiny.picture(128, 128), check=False)).shared
    assert "codebook" not in " ".join(model("tiny-own").tables) and "rows/luma.0" not in model("tiny-own").tables


def test_a_picture_that_differs_from_all_others_gets_its_own_codebook():
    """Two colours that no design saw: the picture's own entries have them."""
    pixels = np.zeros((64, 96, 3), np.uint8)
    pixels[:, 48:], pixels[:, :48] = (255, 0, 128), (3, 250, 7)
    worst = {}
    for size in ("tiny", "tiny-own"):
        found = codec.decode(encoded(size, pixels, quality=1, check=False), model=model(size)).pixels
        worst[size] = np.abs(found.astype(int) - pixels).max()
    assert worst["tiny-own"] <= 2 < worst["tiny"]


def test_alpha_is_bound_to_the_codebook_too():
    colours, alpha = tiny.picture(100, 140), tiny.picture(100, 140, seed=3)[..., :1]
    pixels = np.concatenate([colours, alpha], 2)
    data = encoded("tiny-own", pixels)
    assert np.array_equal(codec.decode(data, model=model("tiny-own")).pixels[..., 3], pixels[..., 3])


def test_a_region_of_a_file_with_a_codebook():
    data = encoded("tiny-own", tiny.picture(200, 300), check=False)
    whole = codec.decode(data, model=model("tiny-own")).pixels
    part = codec.decode(data, model=model("tiny-own"), region=(100, 50, 180, 140)).pixels
    assert np.array_equal(part, whole[50:140, 100:180])


def test_a_foreign_or_damaged_codebook_is_noticed():
    """Beneath the container's checks: the payload's own hash, and the keys of the tiles."""
    files = [container.parse(encoded("tiny-own", tiny.picture(64, 96, seed=seed), check=False)) for seed in (0, 1)]
    swapped = container.build(replace(files[0], shared=files[1].shared))
    with pytest.raises(CorruptError):
        codec.decode(swapped, model=model("tiny-own"))
    (segment,) = files[0].shared
    changed = bytearray(segment.data)
    changed[-1] ^= 1
    broken = container.build(replace(files[0], shared=(Segment(bytes(changed), segment.check),)))
    with pytest.raises(CorruptError):
        codec.decode(broken, model=model("tiny-own"))


def test_a_payload_for_a_walk_without_one_is_refused():
    file = container.parse(encoded("tiny", tiny.picture(64, 96), check=False))
    other = container.parse(encoded("tiny-own", tiny.picture(64, 96), check=False))
    with pytest.raises((UnsupportedError, CorruptError)):
        codec.decode(container.build(replace(file, shared=other.shared)), model=model("tiny"))


def test_colours_turn_and_return_without_loss():
    random = np.random.default_rng(0)
    samples = random.integers(0, 256, (2, 3, 9, 11)).astype(np.int32)
    samples[0, :, 0, 0], samples[0, :, 0, 1], samples[0, :, 0, 2] = (255, 0, 255), (0, 255, 0), (255, 255, 255)
    assert np.array_equal(vectors.samples_of(vectors.luma_chroma(samples)), samples)


def test_numbers_are_bits_and_back():
    for count in (2, 5, 16, 1000, 2048):
        numbers = np.random.default_rng(count).integers(0, count, 77).astype(np.int32)
        bits = vectors._bits(numbers, count)
        assert len(bits) == 77 * (count - 1).bit_length() and np.array_equal(vectors._numbers(bits, count), numbers)


def test_unknown_ways_are_refused():
    for wrong in ({"indices": "huffman"}, {"codebook": "cloud"}):
        with pytest.raises(TypeError):
            Vectors(((4, 16, 8),), **wrong)


@pytest.mark.parametrize("channels", [16, 48])
def test_every_place_is_coded_once_and_between_what_is_known(channels):
    """The passes of an interlaced plane: all places, each once; neighbours of pass s were coded before s."""
    places = [interlaced._lattice(channels, step).mask(channels, 3, 5) for step in range(interlaced.PASSES)]
    assert np.array_equal(np.sum(places, 0), np.ones((channels, 3, 5)))
    planes = np.arange(2 * 3 * 8 * 12).reshape(2, 3, 8, 12)
    assert np.array_equal(interlaced.unpacked(interlaced.packed(planes)), planes)
    done = np.zeros((1, channels // 16, 12, 20), bool)
    for step, place in enumerate(places):
        for rows, columns, near in interlaced._targets(done.astype(np.int32), step):
            assert not done[:, :, rows, columns].any()
            assert near is None or all(part.all() for part in near)
        done |= interlaced.unpacked(place[None])
    assert done.all()

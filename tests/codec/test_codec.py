"""The main path refuses what it can't do, and its results depend on nothing but its arguments."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calotype import codec, container, rates
from calotype.errors import CorruptError, LimitError, ModelError, UnsupportedError, UsageError
from calotype.limits import Limits
from calotype.model import store
from calotype.picture import Picture


@pytest.fixture(scope="module")
def model():
    return store.find("swift")


@pytest.fixture(scope="module")
def picture():
    """Gradients, an edge and some noise, 150 x 131."""
    rng, (rows, columns) = np.random.default_rng(5), np.mgrid[0:131, 0:150]
    pixels = np.stack([rows + columns, 255 - rows, np.where(columns > 70, 200, 40)], 2) + rng.normal(
        0, 6, (131, 150, 3)
    )
    return Picture.of(pixels.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def data(model, picture):
    return codec.encode(picture, model, quality=50)


def rebuilt(data: bytes, **changes) -> bytes:
    """The same file with another header; checksums right, tiles' hashes no longer."""
    file = container.parse(data)
    return container.build(dataclasses.replace(file, header=dataclasses.replace(file.header, **changes)))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_neither_bytes_nor_pixels(model, picture, data, threads):
    assert codec.encode(picture, model, quality=50, threads=threads) == data
    assert np.array_equal(codec.decode(data, threads=threads).pixels, codec.decode(data, threads=1).pixels)


@pytest.mark.parametrize("region", [(0, 0, 1, 1), (149, 130, 150, 131), (3, 17, 70, 99), (0, 0, 150, 131)])
def test_a_region_is_the_same_part_of_the_whole(data, region):
    left, top, right, bottom = region
    whole = codec.decode(data).pixels
    assert np.array_equal(codec.decode(data, region=region).pixels, whole[top:bottom, left:right])


@pytest.mark.parametrize("region", [(0, 0, 0, 5), (-1, 0, 5, 5), (0, 0, 151, 5), (9, 9, 3, 12)])
def test_a_region_outside_the_picture_is_refused(data, region):
    with pytest.raises(UsageError, match="region"):
        codec.decode(data, region=region)


@pytest.mark.parametrize("quality", [0.99, 101, float("nan"), -5])
def test_quality_outside_the_dial_is_refused(model, picture, quality):
    with pytest.raises(UsageError, match="1 to 100"):
        codec.encode(picture, model, quality=quality)


def test_the_dial_is_monotone(model):
    found = [rates.index(q, model.manifest) for q in np.linspace(1, 100, 400)]
    assert found == sorted(found) and found[0] == 0 and found[-1] == 1023


def test_another_model_is_named(data):
    with pytest.raises(ModelError, match="0102030405060708"):
        codec.decode(rebuilt(data, model_id=bytes(range(1, 9))))


def test_tiles_of_another_header_are_noticed(data):
    """A header that was exchanged, checksums and all, breaks the keyed hashes of the values."""
    with pytest.raises(CorruptError, match="latents of tiles"):
        codec.decode(rebuilt(data, quality_100ths=5100))


def test_a_tile_side_that_the_model_can_t_have_is_refused(data):
    with pytest.raises(CorruptError, match="tile side"):
        codec.decode(rebuilt(data, tile_px=528))


def test_tiles_too_large_to_decode_at_once_are_refused(data):
    with pytest.raises(LimitError, match="max_tile_px"):
        codec.decode(rebuilt(data, tile_px=8192))
    with pytest.raises(LimitError, match="max_tile_px"):
        codec.decode(data, limits=Limits(max_tile_px=256))


def test_codings_of_later_releases_are_refused_by_name(model):
    """Colours partly by a model and partly exact; several segments; planes that a picture can't have."""
    wide = Picture.of(np.zeros((9, 600, 3), np.uint8) + np.arange(600, dtype=np.uint8)[:, None])
    file = container.parse(codec.encode(wide, model, check=False))
    mixed = (dataclasses.replace(file.tiles[0], mode=container.Mode.LOSSLESS), file.tiles[1])
    with pytest.raises(UnsupportedError, match="LOSSLESS, MODEL"):
        codec.decode(container.build(dataclasses.replace(file, tiles=mixed)))
    twice = tuple(dataclasses.replace(tile, segments=tile.segments * 2) for tile in file.tiles)
    with pytest.raises(UnsupportedError, match="segments"):
        codec.decode(container.build(dataclasses.replace(file, tiles=twice)))
    cmyk = container.PlaneGroup(planes=4, colour=container.Colour.CMYK)
    with pytest.raises(UnsupportedError, match="planes"):
        codec.decode(rebuilt(codec.encode(wide, model, check=False), plane_groups=(cmyk,)))


def test_verify_makes_no_pixels_and_finds_damage(data, model):
    assert codec.verify(data).tiles == 1
    file = container.parse(data)
    stream = bytearray(file.tiles[0].segments[0].data)
    stream[len(stream) // 2] ^= 4
    segment = dataclasses.replace(file.tiles[0].segments[0], data=bytes(stream))
    tile = dataclasses.replace(file.tiles[0], segments=(segment,))
    with pytest.raises(CorruptError, match="latents of tiles"):
        codec.verify(container.build(dataclasses.replace(file, tiles=(tile,))))

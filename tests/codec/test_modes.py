"""Laws over every mode a Picture has: exact where exactness is promised, regions, threads, damage, metadata, limits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import calotype
from calotype import codec, container, planes
from calotype.container import Mode
from calotype.errors import CalotypeError, CorruptError, LimitError, UnsupportedError, UsageError
from calotype.limits import Limits
from calotype.model import store
from calotype.picture import Picture

MODES = [("1", 1), *[(mode, bits) for mode in ("L", "LA", "RGB", "RGBA") for bits in (8, 16)]]
LOSSY = [mode for mode, bits in MODES if bits == 8]
PLANES = {"1": 1, "L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


@pytest.fixture(scope="module")
def model():
    return store.find("swift")


def picture_of(mode: str, bits: int, height: int = 41, width: int = 53) -> Picture:
    """Waves, an edge and some noise, another for each plane; the last is part hidden, part soft where it is alpha."""
    random, (rows, columns) = np.random.default_rng(7), np.mgrid[0:height, 0:width]
    waves = [np.sin(columns / (5 + 3 * k)) + np.cos(rows / (7 + k)) for k in range(PLANES[mode])]
    samples = 0.5 + 0.2 * np.stack(waves, 2) + random.normal(0, 0.01, (height, width, PLANES[mode]))
    samples[height // 2 :, : width // 3] *= 0.6
    if mode in ("LA", "RGBA"):
        samples[..., -1] = np.clip((columns - width / 2) / width * 3, 0, 1)
    top = 2**bits - 1
    found = np.rint(np.clip(samples, 0, 1) * top)
    return Picture.of(found[..., 0] > 0) if bits == 1 else Picture(found.astype(np.uint8 if bits == 8 else np.uint16))


def same(one: Picture, other: Picture) -> bool:
    return (one.mode, one.depth_bits) == (other.mode, other.depth_bits) and np.array_equal(one.pixels, other.pixels)


@pytest.mark.parametrize(("mode", "bits"), MODES)
def test_lossless_means_lossless(mode, bits):
    """R20: every sample, colours under full transparency included; the header promises it; no model is needed."""
    picture = picture_of(mode, bits)
    data = codec.encode(picture, None, lossless=True)
    assert same(codec.decode(data), picture)
    said = codec.info(data)
    assert (said.lossless, said.mode, said.depth_bits, said.quality, said.fallback) == (True, mode, bits, None, None)
    assert container.parse(data).header.lossless and not any(container.parse(data).header.model_id)
    assert codec.verify(data, against=picture).exact is True
    raw = picture.pixels.nbytes
    assert len(data) <= 1.01 * raw + 64


@pytest.mark.parametrize(("mode", "bits"), MODES)
def test_a_lossless_file_of_other_pixels_is_told_from_it(mode, bits):
    """The twin of R20."""
    picture = picture_of(mode, bits)
    data = codec.encode(picture, None, lossless=True)
    pixels = picture.pixels.copy()
    pixels[5, 7] ^= 255 if bits == 1 else 1
    with pytest.raises(CorruptError, match="samples"):
        codec.verify(data, against=dataclasses.replace(picture, pixels=pixels))
    with pytest.raises(UsageError, match="against"):
        codec.verify(data, against=dataclasses.replace(picture, pixels=pixels[:9]))


@pytest.mark.parametrize("mode", [mode for mode in LOSSY if mode != "1"])
def test_lossy_keeps_structure_and_alpha(model, mode):
    picture = picture_of(mode, 8)
    done = codec.encode_reported(picture, model, quality=50)
    found = codec.decode(done.data)
    assert (found.mode, found.depth_bits) == (mode, 8)
    seen = picture.pixels[..., -1:] > 0 if picture.has_alpha else np.ones((*picture.pixels.shape[:2], 1), bool)
    colours = picture.planes - picture.has_alpha
    error = (found.pixels.astype(float) - picture.pixels)[..., :colours]
    assert np.sqrt((error**2)[np.broadcast_to(seen, error.shape)].mean()) < 8
    if picture.has_alpha:
        assert np.array_equal(found.pixels[..., -1], picture.pixels[..., -1])
    assert codec.info(done.data).mode == mode and done.psnr_db > 30
    assert codec.verify(done.data).tiles == (2 if picture.has_alpha else 1)
    assert calotype.decode(done.data).shape == ((41, 53) if mode == "L" else (41, 53, PLANES[mode]))


def test_grey_is_the_rounded_mean_of_three_planes():
    colours = np.array([[[0, 0, 1], [0, 1, 1], [255, 255, 254], [3, 4, 5], [1, 1, 2]]], np.uint8)
    assert planes.one_grey(colours)[0, :, 0].tolist() == [0, 1, 255, 4, 1]


def test_sixteen_bits_are_never_lossy(model):
    with pytest.raises(UnsupportedError, match=r"--lossless.*--convert 8bit"):
        codec.encode(picture_of("RGB", 16), model)


def test_hidden_colours_cost_little(model):
    """Noise under full transparency is smoothed away, and what can be seen is not touched by that."""
    picture = picture_of("RGBA", 8)
    pixels, hidden = picture.pixels.copy(), picture.pixels[..., 3] == 0
    pixels[hidden, :3] = np.random.default_rng(1).integers(0, 256, (hidden.sum(), 3))
    noisy = codec.encode(Picture(pixels), model)
    assert len(noisy) < 1.1 * len(codec.encode(picture, model))
    filled = planes.smoothed(pixels[..., :3], pixels[..., 3])
    assert np.array_equal(filled[~hidden], pixels[~hidden, :3]) and not np.array_equal(filled, pixels[..., :3])
    assert (planes.smoothed(pixels[..., :3], np.zeros_like(hidden, np.uint8)) == 128).all()
    assert planes.smoothed(pixels[..., :3], np.ones_like(hidden, np.uint8)) is not None


@pytest.mark.parametrize(
    ("mode", "bits", "lossless"), [*((m, b, True) for m, b in MODES), ("LA", 8, False), ("RGBA", 8, False)]
)
def test_regions_and_threads(model, mode, bits, lossless):
    """The same samples in a part as in the whole, and the same bytes from any number of threads."""
    picture = picture_of(mode, bits, 70, 75)
    options = {"lossless": lossless, "quality": 70}
    data = codec.encode(picture, model, threads=1, **options)
    assert data == codec.encode(picture, model, threads=3, **options)
    whole = codec.decode(data, threads=2).pixels
    for left, top, right, bottom in ((0, 0, 1, 1), (74, 69, 75, 70), (20, 30, 71, 60)):
        part = codec.decode(data, region=(left, top, right, bottom), threads=1).pixels
        assert np.array_equal(part, whole[top:bottom, left:right])


def test_many_tiles(monkeypatch):
    monkeypatch.setattr(planes, "TILE_PX", 32)
    picture = picture_of("RGBA", 16, 100, 90)
    data = codec.encode(picture, None, lossless=True, threads=2)
    assert len(container.parse(data).tiles) == 2 * 4 * 3
    assert same(codec.decode(data), picture)
    assert np.array_equal(codec.decode(data, region=(30, 31, 65, 66)).pixels, picture.pixels[31:66, 30:65])
    values = codec.latents(data)
    assert len(values) == 24 and values[-1]["samples"].shape == (1, 4, 26)


def test_a_thin_picture_has_few_tiles():
    """65536x1: the overhead of a tile must not be a share of it."""
    assert planes.tile_px(1, 65536) == 16384 and planes.tile_px(4000, 6000) == 512 and planes.tile_px(3, 3) == 512
    picture = Picture(np.random.default_rng(0).integers(0, 256, (1, 65536)).astype(np.uint8))
    data = codec.encode(picture, None, lossless=True)
    assert len(data) <= 1.01 * 65536 + 64 and same(codec.decode(data), picture)


def test_raw_where_it_is_shorter():
    noise = Picture(np.random.default_rng(0).integers(0, 65536, (20, 20, 3)).astype(np.uint16))
    data = codec.encode(noise, None, lossless=True)
    assert {tile.mode for tile in container.parse(data).tiles} == {Mode.RAW} and same(codec.decode(data), noise)


@pytest.mark.parametrize(("mode", "bits"), [("LA", 8), ("RGB", 16), ("1", 1)])
def test_damage_gives_typed_errors_or_the_same_samples(mode, bits):
    """L7 for exact tiles: streams changed beneath the container's checksums, and files changed anywhere."""
    picture = picture_of(mode, bits, 30, 40)
    data = codec.encode(picture, None, lossless=True)
    file, random = container.parse(data), np.random.default_rng(5)
    outcomes = set()
    for _ in range(60):
        tile = file.tiles[int(random.integers(len(file.tiles)))]
        stream = bytearray(tile.segments[0].data)
        stream[int(random.integers(len(stream)))] ^= int(random.integers(1, 256))
        segment = dataclasses.replace(tile.segments[0], data=bytes(stream))
        tiles = tuple(dataclasses.replace(t, segments=(segment,)) if t.number == tile.number else t for t in file.tiles)
        damaged = container.build(dataclasses.replace(file, tiles=tiles))
        try:
            assert same(codec.decode(damaged), picture)
        except CalotypeError as error:
            outcomes.add(type(error).__name__)
    assert outcomes and outcomes <= {"CorruptError", "TruncatedError"}
    for at in random.integers(0, len(data), 40):
        with pytest.raises(CalotypeError):
            codec.decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_limits_count_all_planes():
    data = codec.encode(picture_of("RGBA", 16), None, lossless=True)
    with pytest.raises(LimitError, match="samples"):
        codec.decode(data, limits=Limits(max_samples=41 * 53 * 3))
    with pytest.raises(LimitError, match="max_tile_px"):
        codec.decode(data, limits=Limits(max_tile_px=40))
    codec.decode(data, limits=Limits(max_tile_px=47, max_samples=41 * 53 * 4))


def test_metadata_and_orientation(model):
    """Byte-identical, whatever stands in it; an orientation of its own wins over the one in EXIF."""
    given = {
        "exif": b"broken exif",
        "icc": b"a profile",
        "xmp": b"<x/>",
        "comments": ("c",),
        "modified_ns": 10**18,
        "dpi": (72.0, 300.0),
    }
    for picture in (
        Picture(picture_of("LA", 8).pixels, **given),
        Picture(picture_of("L", 16).pixels, turned=6, **given),
    ):
        lossless = picture.depth_bits > 8
        found = codec.decode(codec.encode(picture, model, lossless=lossless))
        assert {name: getattr(found, name) for name in given} == given
        assert found.turned == picture.turned and found.orientation == (6 if lossless else 1)


def test_black_and_white_is_exact_at_any_quality(model):
    picture = picture_of("1", 1)
    done = codec.encode_reported(picture, model, quality=10)
    assert done.lossless and "exactly" in done.notes[0] and same(codec.decode(done.data), picture)

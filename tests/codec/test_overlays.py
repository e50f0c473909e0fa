"""Tiles of text beside a photograph: exact where that is shorter, nothing changed around them, and no seam."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests import tiny
from tests.golden import cases

from calotype import codec, container, encoding, formats, metrics, overlays
from calotype.container import Mode
from calotype.errors import CorruptError, UsageError
from calotype.model import store
from calotype.picture import Picture


@pytest.fixture(scope="module")
def model():
    return cases.model("swift-1")


def text(height: int, width: int) -> np.ndarray:
    image = Image.new("RGB", (width, height), (250, 250, 245))
    draw = ImageDraw.Draw(image)
    for row in range(2, height, 11):
        draw.text((2, row), "exact to the last pixel, " * (1 + width // 90), fill=(20, 30, 90))
    return np.asarray(image)


def mixed(side: int) -> np.ndarray:
    """2 x 3 tiles of a photograph, the fourth and the fifth of them text."""
    pixels = tiny.picture(2 * side, 3 * side, seed=5).copy()
    pixels[side:, : 2 * side] = text(side, 2 * side)
    return pixels


@pytest.fixture(scope="module")
def laid(model):
    """The picture, its file with two tiles overlaid, and that of the continued picture without them."""
    side = model.manifest.tile_px
    picture = Picture(mixed(side))
    plain = container.parse(codec.encode(picture, model, check=False))
    over = overlays.choose(picture.pixels, plain.tiles, plain.header, {}, pool=None)
    shown = overlays.continued(picture.pixels, plain.header, over)
    below = container.parse(codec.encode(Picture(shown), model, check=False))
    tiles = overlays.laid(picture.pixels, list(below.tiles), over, below.header, ())
    return picture, container.parse(container.build(replace(below, tiles=tuple(tiles)))), below


def test_text_is_chosen_and_the_photograph_is_not(laid):
    _, file, _ = laid
    assert overlays.numbers(file) == (3, 4)
    assert codec.info(container.build(file)).tile_modes == {"model": 4, "overlaid": 2}


def test_exact_inside_and_outside_as_if_nothing_lay_there(laid, model):
    """Samples of the text come back; the rest is bit-equal with the file of the continued picture: no seam is made."""
    picture, file, below = laid
    side = model.manifest.tile_px
    found = codec.decode(container.build(file), model=model).pixels
    around = codec.decode(container.build(below), model=model).pixels
    inside = np.zeros(found.shape[:2], bool)
    inside[side:, : 2 * side] = True
    assert np.array_equal(found[inside], picture.pixels[inside])
    assert np.array_equal(found[~inside], around[~inside])
    assert not np.array_equal(around[inside], picture.pixels[inside])  # the twin: without them it would show


def test_regions_verify_and_latents(laid, model):
    picture, file, _ = laid
    data, side = container.build(file), model.manifest.tile_px
    whole = codec.decode(data, model=model).pixels
    region = (side - 9, side - 7, 2 * side + 5, side + 20)
    left, top, right, bottom = region
    assert np.array_equal(codec.decode(data, model=model, region=region).pixels, whole[top:bottom, left:right])
    assert codec.verify(data, model=model).tiles == 6
    found = codec.latents(data, model=model)
    assert np.array_equal(found[3]["samples"].transpose(1, 2, 0), picture.pixels[side:, :side]) and "l1" in found[3]
    assert "samples" not in found[0]


@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_damage_and_strangers_are_found(laid, model, place):
    """A changed byte of the exact segment, and the segment of another tile: each is bound to its place by its key."""
    _, file, _ = laid
    tiles = list(file.tiles)
    last = tiles[3].segments[-1]
    data = bytes([*last.data[:-9], last.data[-9] ^ 1, *last.data[-8:]])
    other = replace(last, data=data) if place == "here" else tiles[4].segments[-1]
    tiles[3] = replace(tiles[3], segments=(*tiles[3].segments[:-1], other))
    broken = container.build(replace(file, tiles=tuple(tiles)))
    for use in (codec.decode, codec.verify):
        with pytest.raises(CorruptError):
            use(broken, model=model)


def test_a_file_says_what_was_done(monkeypatch):
    """With the shipped model: fewer bytes, text exact, a note, and the state of it in what the file says of itself."""
    shipped = store.find("swift")
    side = shipped.manifest.tile_px
    sumac = formats.read((resources.files("calotype") / "demo" / "sumac.png").read_bytes()).pixels
    pixels = np.concatenate([sumac[: side // 4, :side], text(side // 4, side)], axis=1)
    picture = Picture(pixels)
    done = codec.encode_reported(picture, shipped, quality=70)
    plain = codec.encode(picture, shipped, quality=70, check=False)
    assert any("1 tile coded exactly" in note for note in done.notes) and len(done.data) < 0.8 * len(plain)
    said = codec.info(done.data)
    assert said.tile_modes == {"model": 1, "overlaid": 1} and "1 of 2 tiles" in str(said.fallback) and not said.lossless
    found = codec.decode(done.data).pixels
    assert np.array_equal(found[:, side:], pixels[:, side:])
    assert metrics.psnr(pixels[:, :side], found[:, :side]) > done.psnr_db - 3
    monkeypatch.setattr(encoding.overlays, "choose", lambda *arguments, **options: {})
    assert codec.encode_reported(picture, shipped, quality=70).data == plain  # the twin


def test_an_overlaid_tile_has_something_below(laid):
    _, file, _ = laid
    with pytest.raises(UsageError, match="overlaid"):
        replace(file.tiles[3], segments=file.tiles[3].segments[:1])
    assert file.tiles[3].mode is Mode.OVERLAID

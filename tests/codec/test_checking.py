"""What the encoder does about what it wrote: the decisions, and what they come to with the shipped model."""

from __future__ import annotations

import math
from importlib import resources

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests import tiny

from calotype import checking, codec, container, encoding, formats, metrics, rates
from calotype.checking import Attempt
from calotype.coding.densities import Laplace
from calotype.coding.lattice import FULL
from calotype.coding.reader import Reader
from calotype.coding.writer import Writer
from calotype.model import store
from calotype.picture import Picture
from calotype.tiles import Region


def settled(curve, exact_bytes, *, rate=500, promise=40.0, guess=0.0):
    """settle() over a model whose rate index r gives curve(r) = (bytes, dB); which rates were tried, and the outcome."""
    tried = []

    def attempt(at):
        tried.append(at)
        size, psnr_db = curve(at)
        return Attempt(at, bytes(size), psnr_db)

    return tried, checking.settle(
        attempt, lambda: bytes(exact_bytes), rate=rate, promise_db=promise, guessed_bytes=guess
    )


def test_a_kept_promise_costs_nothing():
    tried, found = settled(lambda r: (100, 41.0), 1000, guess=500)
    assert tried == [500] and found.attempt is not None and found.notes == ()


def test_exact_coding_wins_where_it_is_no_larger():
    tried, found = settled(lambda r: (100, 41.0), 100)
    assert tried == [500] and found.attempt is None and "100 bytes" in found.notes[0]
    assert settled(lambda r: (100, 41.0), 101)[1].attempt is not None
    assert settled(lambda r: (100, 41.0), 10, guess=100)[1].attempt is not None  # not even tried


def test_the_rate_is_raised_until_the_promise_is_kept():
    tried, found = settled(lambda r: (r, 30 + r / 60), 10_000, rate=300)
    assert found.attempt is not None and found.attempt.psnr_db >= 40 and tried[0] == 300 and tried == sorted(tried)
    assert 600 <= found.attempt.rate <= 680 and "rate raised from 300" in found.notes[0]


def test_the_smaller_of_raising_and_exact_coding_is_kept():
    assert settled(lambda r: (r, 30 + r / 60), 500, rate=300)[1].attempt is None
    assert settled(lambda r: (r, 30 + r / 60), 700, rate=300)[1].attempt is not None


def test_a_promise_that_can_t_be_kept_is_kept_exactly():
    """However large: noise at the highest rate."""
    tried, found = settled(lambda r: (r, 20.0), 100_000, rate=300, guess=10**9)
    assert found.attempt is None and tried[-1] == 1023 and "promises 40.0 dB" in found.notes[0]


def test_what_can_t_be_decoded_is_coded_exactly():
    tried, found = settled(lambda r: (10, -math.inf), 100_000, guess=10**9, promise=None)
    assert tried == [500] and found.attempt is None and "could not be decoded" in found.notes[0]


def test_no_promise_and_no_check_change_nothing():
    assert settled(lambda r: (100, 3.0), 1000, promise=None, guess=500)[1].notes == ()
    assert settled(lambda r: (100, None), 1000, guess=500)[1].notes == ()


@pytest.mark.parametrize("height,width", [(1, 200_000), (512, 768), (2416, 3622), (513, 257)])
def test_large_pictures_are_looked_at_in_places(height, width):
    """A third, spread over all rows and columns, and never nothing; small ones whole."""
    whole = Region(0, height, 0, width)
    windows = checking.sampled(whole)
    assert len(set(windows)) == len(windows) and all(window.clipped(whole) == window for window in windows)
    assert 0.2 < sum(window.height * window.width for window in windows) / (height * width) < 0.5
    if height > 600 < width:
        assert len({window.top for window in windows}) == -(-height // 256)
    assert checking.sampled(Region(0, 300, 0, 400)) == (Region(0, 300, 0, 400),)


def test_the_guess_is_low_and_cheap():
    """Half an entropy: below what exact coding takes on photographs, above what a model takes at low quality."""
    pixels = tiny.picture(100, 110, seed=4)
    exact = len(codec.encode(Picture(pixels), None, lossless=True))
    assert 0.2 * exact < checking.exact_bytes_guessed(pixels) < exact
    assert checking.exact_bytes_guessed(np.zeros((300, 300, 3), np.uint8)) == 0
    assert checking.exact_bytes_guessed(np.zeros((1, 9000, 1), np.uint8)) == 0


# --- the shipped model ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model():
    return store.find("swift")


def text(height=80, width=120) -> np.ndarray:
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for row in range(0, height, 11):
        draw.text((2, row), "exact to the last pixel", fill="black")
    return np.asarray(image)


RANDOM = np.random.default_rng(3)
ADVERSARIES = {
    "noise": RANDOM.integers(0, 256, (70, 90, 3)),
    "saturated noise": RANDOM.integers(0, 2, (70, 90, 3)) * 255,
    "checker": (np.indices((90, 100)).sum(0) % 2)[..., None] * np.array([255, 255, 255]),
    "colour checker": np.where((np.indices((90, 100)).sum(0) % 2)[..., None], [255, 0, 0], [0, 0, 255]),
    "text": text(),
    "flat": np.full((90, 100, 3), 77),
    "one pixel": np.array([[[1, 2, 3]]]),
    "a row": RANDOM.integers(0, 256, (1, 700, 3)),
    "a column": RANDOM.integers(0, 256, (700, 1, 3)),
    "gradient": np.add.outer(np.arange(90), np.arange(100))[..., None] + np.array([0, 20, 40]),
}


@pytest.mark.parametrize("name", ADVERSARIES)
def test_r15_adversaries(model, name):
    """R15: it decodes, to what the encoder saw, to what was promised, in at most the raw bytes + 1 % + 64."""
    picture = Picture(ADVERSARIES[name].astype(np.uint8))
    done = codec.encode_reported(picture, model, quality=60)
    found = codec.decode(done.data, threads=1)
    psnr_db = metrics.psnr(picture.pixels, found.pixels)
    assert psnr_db == pytest.approx(done.psnr_db, abs=1e-6) or (
        done.lossless and np.array_equal(found.pixels, picture.pixels)
    )
    assert psnr_db >= checking.promised_db(model.manifest, 60)
    assert len(done.data) <= 1.01 * picture.pixels.size + 64
    said = codec.info(done.data)
    assert (said.fallback is not None) == bool(done.notes) and said.lossless == done.lossless


@pytest.mark.parametrize("name", ["noise", "saturated noise", "checker"])
def test_r15_twin_without_the_check_the_promise_is_broken(model, name):
    picture = Picture(ADVERSARIES[name].astype(np.uint8))
    data = codec.encode(picture, model, quality=60, check=False)
    assert metrics.psnr(picture.pixels, codec.decode(data).pixels) < checking.promised_db(model.manifest, 60)


def test_a_photograph_is_what_it_was_without_a_check(model):
    """No fall-back at any quality, so the same bytes."""
    photograph = resources.files("calotype") / "demo" / "sumac.png"
    picture = Picture(formats.read(photograph.read_bytes()).pixels[100:250, 200:390])
    for quality in (10, 60):
        done = codec.encode_reported(picture, model, quality=quality)
        assert done.notes == () and done.data == codec.encode(picture, model, quality=quality, check=False)
        assert done.rate_index == rates.index(quality, model.manifest) == container.parse(done.data).tiles[0].rate_index


def test_a_rate_index_is_taken_as_it_is(model):
    """For searches: no fall-back, and the quality that means the rate is stated."""
    picture = Picture(ADVERSARIES["noise"].astype(np.uint8))
    done = codec.encode_reported(picture, model, rate_index=300)
    assert done.rate_index == 300 and done.notes == () and done.psnr_db < 30
    assert rates.index(codec.info(done.data).quality, model.manifest) == 300


def fails(picture, model):
    """Whether the file is exact because what the model wrote does not come back; it must say so."""
    done = codec.encode_reported(picture, model)
    if done.lossless:
        assert "could not be decoded" in done.notes[0]
        assert np.array_equal(codec.decode(done.data).pixels, picture.pixels)
    return done.lossless


@pytest.mark.parametrize("what", ["stream", "hash"])
def test_a_stream_that_does_not_give_its_values_is_caught(model, monkeypatch, what):
    """In any tile, whichever are decoded again: each stream is read with the tables that it was written with."""
    picture, finish = Picture(tiny.picture(60, 50, seed=2)), Writer.finish
    assert not fails(picture, model)

    def broken(writer):
        (stream, check), *others = finish(writer)
        half = len(stream) // 2
        if what == "stream":
            return [(stream[:half] + bytes([stream[half] ^ 4]) + stream[half + 1 :], check), *others]
        return [(stream, bytes([check[0] ^ 1]) + check[1:]), *others]

    monkeypatch.setattr(Writer, "finish", broken)
    assert fails(picture, model)


def test_a_reader_that_finds_other_tables_is_caught(model, monkeypatch):
    """In the tiles that are decoded again as a reader does it; the twin, whose tiles are not drawn, goes through."""
    picture, code = Picture(tiny.picture(60, 50, seed=2)), Reader.code

    def astray(port, name, values, distribution, lattice=FULL, onto=None):
        other = Laplace(distribution.mean16, np.maximum(distribution.index, 1))
        return code(port, name, values, other, lattice, onto)

    monkeypatch.setattr(Reader, "code", astray)
    for drawn in (True, False):
        monkeypatch.setattr(checking, "tiles_again", lambda file, model, count, drawn=drawn: (0,) if drawn else ())
        assert codec.encode_reported(picture, model).lossless is drawn


def test_an_eighth_of_the_tiles_is_decoded_again(model):
    """Every eighth of a large picture; of small ones now and then one, by the content."""
    header = container.Header(width_px=12288, height_px=512, model_id=model.identity[:8])
    counts = []
    for first in range(256):
        check = bytes([first, 0, 0, 0])
        tiles = tuple(container.Tile(number=k, segments=(container.Segment(b"", check),)) for k in range(24))
        again = checking.tiles_again(container.PictureFile(header=header, tiles=tiles), model, 24)
        assert len(again) == 3 and again[1] - again[0] == 8
        counts.append(len(checking.tiles_again(container.PictureFile(header=header, tiles=tiles), model, 2)))
    assert sum(counts) == 2 * 256 / 8


def test_where_no_network_decides_about_tables_all_tiles_are():
    model = tiny.model("dct-zonal")
    header = container.Header(width_px=2560, height_px=64, model_id=model.identity[:8])
    tiles = tuple(container.Tile(number=k, segments=(container.Segment(b"", bytes(4)),)) for k in range(5))
    assert checking.tiles_again(container.PictureFile(header=header, tiles=tiles), model, 5) == tuple(range(5))


@pytest.mark.parametrize("seen,doubted", [(63, True), (20, False)])
def test_near_its_promise_a_picture_is_looked_at_whole(model, monkeypatch, seen, doubted):
    """A third may be the better one: noise, and more of it in the windows that are not looked at.

    The twin: where the third is decibels better than promised it is believed, and the promise broken unseen.
    """
    pixels = RANDOM.integers(0, 90, (512, 300, 3)).astype(np.uint8)
    (window,) = checking.sampled(Region(0, 512, 0, 300))
    pixels[window.rows, window.cols] = RANDOM.integers(0, seen, (window.height, window.width, 3))
    monkeypatch.setattr(checking, "MOST_RAISES", 0)
    monkeypatch.setattr(encoding, "_exactly", lambda *arguments: b"exact")
    monkeypatch.setattr(checking, "exact_bytes_guessed", lambda pixels: math.inf)
    done = codec.encode_reported(Picture(pixels), model, quality=20)
    assert (done.data == b"exact") is doubted
    found = metrics.psnr(pixels, codec.decode(codec.encode(Picture(pixels), model, quality=20, check=False)).pixels)
    assert found < checking.promised_db(model.manifest, 20)

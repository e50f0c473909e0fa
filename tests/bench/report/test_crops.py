"""Pieces at equal rate: the rate is reached where the dial allows it, and what is left out is named."""

from __future__ import annotations

import base64
import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from calotype.bench.report import crops, reading
from calotype.bench.report.curves import codecs_of
from calotype.errors import ExtraMissing


class Coder:
    """A file is so many bytes for each unit of the level; the pixels come back with the level's error."""

    def __init__(self, each: float) -> None:
        self.each = each
        self.shape = (0, 0, 3)

    def encode(self, pixels, level, threads=1):
        self.shape, self.pixels, self.level = pixels.shape, pixels, level
        return bytes(int(self.each * level * pixels.shape[0] * pixels.shape[1] / 1000))

    def decode(self, data, threads=1):
        return np.clip(self.pixels.astype(int) + 3, 0, 255).astype(np.uint8)


@pytest.fixture
def picture(tmp_path):
    """A file of noise in a calm frame, large enough for pieces."""
    pixels = np.full((420, 500, 3), 90, np.uint8)
    pixels[100:330, 200:430] = np.random.default_rng(0).integers(0, 255, (230, 230, 3))
    path = tmp_path / "p.png"
    Image.fromarray(pixels).save(path)
    return path, pixels


def rows_of(path, pixels, each, name="a", levels=(1.0, 20.0, 60.0, 95.0)):
    height, width = pixels.shape[:2]
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    for level in levels:
        size = int(each * level * width * height / 1000)
        yield {
            "kind": "row", "picture": "p.png", "picture_sha256": sha, "width_px": width, "height_px": height, "codec": name,
            "family": name, "title": name.upper(), "level": level, "lossless": False, "bytes": size,
            "bpp": 8 * size / width / height, "metrics": {"psnr": level},
        }  # fmt: skip


def made(path, pixels, coders, **more):
    codecs = codecs_of(
        reading.read([row for name, (each, _) in coders.items() for row in rows_of(path, pixels, each, name, **more)])
    )
    return crops.make(codecs, [path], lambda name: coders[name][1])


def test_codecs_are_brought_to_the_rate_between_their_levels(picture):
    path, pixels = picture
    (scene,) = made(path, pixels, {"a": (1.0, Coder(1.0)), "b": (0.6, Coder(0.6))})
    assert [crop.codec for crop in scene.crops] == ["", "a", "b"]
    for crop in scene.crops[1:]:
        assert crop.bpp == pytest.approx(crops.TARGET_BPP, rel=0.02) and crop.psnr > 30


def test_pieces_are_kept_without_loss_where_there_is_much_to_see(picture):
    path, pixels = picture
    (scene,) = made(path, pixels, {"a": (1.0, Coder(1.0)), "b": (0.6, Coder(0.6))})
    piece = np.asarray(Image.open(io.BytesIO(base64.b64decode(scene.crops[0].webp_base64))))
    wanted = pixels[scene.top : scene.top + crops.SIDE_PX, scene.left : scene.left + crops.SIDE_PX]
    assert np.array_equal(piece, wanted) and piece.std() > 30


def test_what_cannot_be_shown_is_named(picture):
    """A dial that ends too early, and a library that is gone."""
    path, pixels = picture

    class Gone(Coder):
        def encode(self, *_, **__):
            raise ExtraMissing("HEIC", package="pillow-heif", extra="bench")

    coders = {"a": (1.0, Coder(1.0)), "b": (0.6, Coder(0.6)), "far": (9.0, Coder(9.0)), "gone": (1.0, Gone(1.0))}
    (scene,) = made(path, pixels, coders, levels=(10.0, 20.0, 60.0, 95.0))
    assert [crop.codec for crop in scene.crops] == ["", "a", "b"]
    assert "FAR" in scene.missing[0] and "dial" in scene.missing[0] and "pillow-heif" in scene.missing[1]


def test_pictures_that_some_codec_lacks_are_named(picture):
    path, pixels = picture
    rows = [row for name in ("a", "b", "c") for row in rows_of(path, pixels, 1.0, name)]
    rows = [row | {"picture": "other.png"} if row["codec"] == "c" else row for row in rows]
    (scene,) = crops.make(codecs_of(reading.read(rows)), [path], lambda name: Coder(1.0))[:1]
    assert "not measured" in scene.missing[0]


def test_of_a_large_picture_only_a_window_is_coded(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 255, (1200, 1500, 3), np.uint8)
    path, coder = tmp_path / "p.png", Coder(1.0)
    Image.fromarray(pixels).save(path)
    (scene,) = made(path, pixels, {"a": (1.0, coder), "b": (0.6, Coder(0.6))})
    assert coder.shape == (crops.WINDOW_PX, crops.WINDOW_PX, 3)
    piece = np.asarray(Image.open(io.BytesIO(base64.b64decode(scene.crops[0].webp_base64))))
    assert np.array_equal(piece, pixels[scene.top : scene.top + crops.SIDE_PX, scene.left : scene.left + crops.SIDE_PX])


def test_other_pictures_are_passed_over(picture, tmp_path):
    path, pixels = picture
    other = tmp_path / "q.png"
    Image.fromarray(pixels[::-1]).save(other)
    codecs = codecs_of(reading.read(list(rows_of(path, pixels, 1.0))))
    assert crops.make(codecs, [other], lambda name: Coder(1.0)) == []
    assert crops.make([], [path], lambda name: Coder(1.0)) == []

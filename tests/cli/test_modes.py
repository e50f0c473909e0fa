"""Options of encode, decode and verify about exactness, conversions and metadata."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from calotype import conversion, formats, picture
from calotype.cli import main, modes
from calotype.picture import EXIF_PREFIX, Picture

Y, X = np.mgrid[0:50, 0:60]
RGBA = np.stack([X * 4, Y * 5, X + Y, 255 - 4 * Y], axis=-1).astype(np.uint8)


def run(*words: object) -> int:
    return main.run([str(word) for word in words])


def written(path, pixels, **metadata) -> None:
    path.write_bytes(formats.write(Picture(pixels, **metadata), path.suffix)[0])


def said(path, capsys) -> dict:
    capsys.readouterr()
    assert run("info", path, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_the_names_are_those_of_the_library():
    assert modes.CONVERSIONS == conversion.NAMES and modes.STRIPPABLE == picture.STRIPPABLE


def test_alpha_goes_there_and_back(tmp_path, capsys):
    written(tmp_path / "a.png", RGBA)
    assert run("encode", tmp_path / "a.png") == 0
    found = said(tmp_path / "a.calo", capsys)
    assert (found["mode"], found["alpha"], found["planes"], found["quality"]) == ("RGBA", True, 4, 60)
    assert run("decode", tmp_path / "a.calo", "-o", tmp_path / "b.png") == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "b.png"))[..., 3], RGBA[..., 3])
    capsys.readouterr()
    assert run("decode", tmp_path / "a.calo", "-o", tmp_path / "b.jpg") == 5
    assert "--convert rgb" in capsys.readouterr().err and not (tmp_path / "b.jpg").exists()
    assert run("decode", tmp_path / "a.calo", "-o", tmp_path / "b.jpg", "--convert", "rgb") == 0
    assert "alpha plane is gone" in capsys.readouterr().err


def test_sixteen_bits_are_exact_or_refused(tmp_path, capsys):
    samples = np.random.default_rng(0).integers(0, 65536, (9, 8, 3)).astype(np.uint16)
    written(tmp_path / "a.png", samples)
    assert run("encode", tmp_path / "a.png") == 5
    assert "--lossless" in capsys.readouterr().err
    assert run("encode", tmp_path / "a.png", "--lossless") == 0
    assert said(tmp_path / "a.calo", capsys)["lossless"] is True
    assert run("verify", tmp_path / "a.calo", "--against", tmp_path / "a.png") == 0
    assert "exact True" in capsys.readouterr().out
    assert run("decode", tmp_path / "a.calo", "-o", tmp_path / "b.png") == 0
    assert np.array_equal(formats.read(tmp_path / "b.png").pixels, samples)
    # The twin: another original is told from it.
    written(tmp_path / "c.png", samples ^ 1)
    assert run("verify", tmp_path / "a.calo", "--against", tmp_path / "c.png") == 4
    written(tmp_path / "d.png", samples[:4])
    assert run("verify", tmp_path / "a.calo", "--against", tmp_path / "d.png") == 2


def test_verify_tells_the_psnr_of_a_lossy_file(tmp_path, capsys):
    smooth = (128 + 90 * np.sin(X / 9)[..., None] * [1, 0.5, 0.2] + Y[..., None]).astype(np.uint8)
    written(tmp_path / "a.png", np.tile(smooth, (3, 3, 1)))
    assert run("encode", tmp_path / "a.png", "-q", 40) == 0
    capsys.readouterr()
    assert run("verify", tmp_path / "a.calo", "--against", tmp_path / "a.png", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["exact"] or found["psnr_db"] > 25


@pytest.mark.parametrize("word", ["--convert=purple", "--strip=faces", "--convert=rgb,", "--lossless=yes"])
def test_values_that_make_no_sense(tmp_path, word):
    written(tmp_path / "a.png", RGBA)
    assert run("encode", tmp_path / "a.png", word) == 2
    assert not (tmp_path / "a.calo").exists()


@pytest.mark.parametrize(
    ("word", "left"),
    [
        ("", {"exif", "icc", "xmp"}),
        ("--strip", set()),
        ("--strip=xmp", {"exif", "icc"}),
        ("--strip=exif,icc", {"xmp"}),
        ("--strip=gps", {"exif", "icc", "xmp"}),
    ],
)
def test_metadata_is_kept_or_stripped(tmp_path, capsys, word, left):
    """Byte-identical by default; the orientation stays, since it belongs to the pixels. A bare --strip takes no file."""
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a test", 8
    given = {"exif": exif.tobytes().removeprefix(EXIF_PREFIX), "icc": b"a profile" * 20, "xmp": b"<x:xmpmeta/>"}
    written(tmp_path / "a.png", RGBA, **given)
    assert run("encode", *[word] * bool(word), tmp_path / "a.png", "--lossless") == 0
    found = said(tmp_path / "a.calo", capsys)
    assert set(found["metadata_bytes"]) == left and found["orientation"] == 8
    assert run("decode", tmp_path / "a.calo", "-o", tmp_path / "b.png") == 0
    again = formats.read(tmp_path / "b.png")
    assert again.orientation == 8
    for kind in left:
        assert getattr(again, kind) == given[kind]
    assert run("decode", tmp_path / "a.calo", "-o", tmp_path / "c.png", "--strip") == 0
    assert formats.read(tmp_path / "c.png").orientation == 8 and not formats.read(tmp_path / "c.png").xmp

"""The verbs with the shipped model: a round trip through files and pipes, and every bad input with its code."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import calotype
from calotype import metrics
from calotype.cli import main
from calotype.picture import EXIF_PREFIX

Y, X = np.mgrid[0:67, 0:93]
PIXELS = np.stack([128 + 90 * np.sin(X / 9), 128 + 90 * np.cos(Y / 7), (X + Y) % 256], axis=-1).astype(np.uint8)
COMMAND = [sys.executable, "-m", "calotype.cli.main"]


def run(*words: object) -> int:
    return main.run([str(word) for word in words])


@pytest.fixture
def source(tmp_path):
    """A PNG with EXIF and a resolution."""
    exif = Image.Exif()
    exif[0x010E] = "a test"
    Image.fromarray(PIXELS).save(tmp_path / "in.png", exif=exif, dpi=(300, 300))
    return tmp_path / "in.png"


@pytest.fixture(scope="module")
def coded():
    return calotype.encode(PIXELS, quality=70)


def test_a_round_trip_through_files(tmp_path, source, capsys):
    """Names are derived, metadata is carried, talk goes to standard error."""
    assert run("encode", source, "-q", 80) == 0
    assert run("info", tmp_path / "in.calo", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["width_px"], said["height_px"], said["quality"]) == (93, 67, 80)
    assert said["file_bytes"] == (tmp_path / "in.calo").stat().st_size
    assert run("info", tmp_path / "in.calo") == 0
    assert "width px" in capsys.readouterr().out
    assert run("verify", tmp_path / "in.calo") == 0
    capsys.readouterr()
    assert run("decode", tmp_path / "in.calo", "-o", tmp_path / "out.png") == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "out.png" in captured.err
    out = Image.open(tmp_path / "out.png")
    assert metrics.psnr(np.asarray(out), PIXELS) > 28
    assert out.getexif()[0x010E] == "a test"
    assert out.info["exif"].removeprefix(EXIF_PREFIX) == Image.open(source).info["exif"].removeprefix(EXIF_PREFIX)
    assert out.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_quiet_says_nothing(tmp_path, source, capsys):
    assert run("--quiet", "encode", source) == 0
    assert capsys.readouterr() == ("", "")


def test_pipes_give_the_same_bytes(tmp_path, source):
    """`-` for standard input and output, at both ends; bytes equal those of the Python call, with any threads."""
    piped = subprocess.run([*COMMAND, "encode", "-"], input=source.read_bytes(), capture_output=True, check=True).stdout
    for threads in (1, 2):
        assert run("encode", source, "-f", "--threads", threads) == 0
        assert (tmp_path / "in.calo").read_bytes() == piped
    out = subprocess.run(
        [*COMMAND, "decode", "-", "--format", "ppm"], input=piped, capture_output=True, check=True
    ).stdout
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(out))), calotype.decode(piped))


def test_a_region_is_that_part_of_the_whole(tmp_path, coded):
    (tmp_path / "a.calo").write_bytes(coded)
    assert run("decode", tmp_path / "a.calo", "--region", "5,9,40,30") == 0
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), calotype.decode(coded)[9:30, 5:40])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (257, 1), (13, 7), (64, 64), (65, 63)])
def test_any_size_works(size):
    array = np.full((size[1], size[0], 3), (200, 30, 90), np.uint8)
    decoded = calotype.decode(calotype.encode(array))
    assert decoded.shape == array.shape
    assert abs(decoded.astype(int) - array).max() < 24


def test_python_takes_arrays_and_pillow_images(coded):
    """And gives arrays; info, verify and models answer."""
    assert calotype.encode(Image.fromarray(PIXELS), quality=70) == coded
    decoded = calotype.decode(coded)
    assert (decoded.dtype, decoded.shape) == (np.uint8, PIXELS.shape)
    assert (calotype.info(coded).width_px, calotype.info(coded).height_px) == (93, 67)
    assert calotype.verify(coded).tiles == 1
    assert "swift" in [entry.name for entry in calotype.models()]


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


BAD_PICTURES = {
    "text.png": (b"this is text", 4),
    "empty.png": (b"", 4),
    "cmyk.tif": ("CMYK", 5),
    "float.tif": ("F", 5),
    "cut.png": ("cut", 4),
    "already.png": ("calo", 4),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_bad_pictures(tmp_path, capsys, coded, name):
    """A typed error in one line that names the file, its code, and no output."""
    content, code = BAD_PICTURES[name]
    path = tmp_path / name
    if content in ("CMYK", "F"):
        Image.fromarray(PIXELS).convert(content).save(path)
    elif content == "cut":
        Image.fromarray(PIXELS).save(path)
        path.write_bytes(path.read_bytes()[:-200])
    else:
        path.write_bytes(coded if content == "calo" else content)
    assert run("encode", path) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
    assert str(path) in said
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def damaged(coded: bytes) -> dict[str, tuple[bytes, int]]:
    """Bad .calo files and the code of each."""
    return {
        "empty": (b"", 4),
        "a png": (b"\x89PNG\r\n\x1a\n" + bytes(99), 4),
        "text": (b"no .calo at all", 4),
        "cut in the header": (coded[:20], 4),
        "cut in a tile": (coded[: len(coded) // 2], 4),
        "cut by one": (coded[:-1], 4),
        "flipped in the header": (flipped(coded, 16), 4),
        "flipped in a tile": (flipped(coded, len(coded) // 2), 4),
        "text mode": (coded.replace(b"\r\n", b"\n"), 4),
        "a tail": (coded + b"x", 4),
    }


@pytest.mark.parametrize("name", damaged(b"x" * 99))
@pytest.mark.parametrize("verb", ["decode", "info", "verify"])
def test_bad_files(tmp_path, capsys, coded, name, verb):
    """Damage anywhere: exit code 4, one line, no picture."""
    data, code = damaged(coded)[name]
    (tmp_path / "a.calo").write_bytes(data)
    assert run(verb, tmp_path / "a.calo") == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.calo"]


def test_targets(tmp_path, source, capsys):
    """Existing targets stay, folders that are missing are named, and nothing is read before that is known."""
    target = tmp_path / "in.calo"
    target.write_bytes(b"old")
    assert run("encode", source) == 8
    assert "--force" in capsys.readouterr().err
    assert target.read_bytes() == b"old"
    assert run("encode", source, "--force") == 0
    assert target.read_bytes() != b"old"
    assert run("decode", target, "-o", tmp_path / "none" / "a.png") == 9
    assert run("decode", target, "-o", tmp_path) == 8  # into the folder, where in.png stands already
    assert run("decode", target, "-o", tmp_path / "a.xyz") == 2
    assert run("decode", target, "-o", source) == 8
    assert run("encode", tmp_path / "missing.png") == 9
    assert run("encode", tmp_path, "-o", tmp_path / "b.calo") == 9
    assert run("encode", tmp_path) == 8
    assert run("encode", "") == 9
    assert run("decode", tmp_path) == 8
    assert run("info", tmp_path) == 9


def test_values(tmp_path, source, coded, capsys):
    for words in (("-q", "0"), ("-q", "101"), ("-q", "nan"), ("-q", "x"), ("--threads", "0")):
        assert run("encode", source, "-f", *words) == 2
    assert run("encode", source, "--model", "none-such") == 6
    assert "calotype models" in capsys.readouterr().err
    assert run("encode", source, "--max-pixels", "9") == 7
    assert "--max-pixels" in capsys.readouterr().err
    (tmp_path / "a.calo").write_bytes(coded)
    assert run("decode", tmp_path / "a.calo", "--max-pixels", "9") == 7
    for region in ("1,2,3", "a,b,c,d", "9,9,9,9", "0,0,94,67", "-1,0,5,5"):
        assert run("decode", tmp_path / "a.calo", "--region", region) == 2
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.calo", "in.png"]


def test_a_file_of_an_unknown_model(tmp_path, capsys):
    """The message names the model that the file wants and the way to get it."""

    from calotype import codec, container

    file = container.parse(
        calotype.encode(PIXELS, quality=70, check=False)
    )  # checked, it would fall back to exact tiles
    wanted = bytes(range(8))
    other = container.build(replace(file, header=replace(file.header, model_id=wanted)))
    (tmp_path / "a.calo").write_bytes(other)
    assert run("decode", tmp_path / "a.calo") == 6
    assert wanted.hex() in capsys.readouterr().err
    assert codec.info(other).model_installed is None


def test_damage_can_be_told_from_no_damage(tmp_path, coded):
    """The twin of test_bad_files: the undamaged file passes all three verbs."""
    (tmp_path / "a.calo").write_bytes(coded)
    assert [run(verb, tmp_path / "a.calo") for verb in ("decode", "info", "verify")] == [0, 0, 0]


def test_a_refused_picture_is_named_with_the_reason_and_the_way_out(tmp_path, capsys):
    """File, value and conversion stand in one line."""
    from PIL import Image

    from calotype.cli.main import run

    source = tmp_path / "print.tif"
    Image.new("CMYK", (8, 8)).save(source)
    assert run(["encode", str(source)]) == 5
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "print.tif: picture mode CMYK" in said and "--convert rgb" in said

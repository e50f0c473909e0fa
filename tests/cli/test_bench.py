"""`calotype bench` from the outside: its exit codes, what it prints where, how it stops and goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calotype.cli import main

MINE = '''
"""A codec of one's own, as docs/bench.md shows."""

import time
import zlib

import numpy as np

from calotype.errors import ExtraMissing


class Mine:
    name, family, title, lossless, levels = "mine", "mine", "My codec", False, (64.0, 16.0, 4.0)
    rest_s = 0.0

    def encode(self, pixels, level, threads=1):
        time.sleep(self.rest_s)
        shape = np.array(pixels.shape, "<u4").tobytes()
        return bytes([int(level)]) + shape + zlib.compress((pixels // int(level)).tobytes())

    def decode(self, data, threads=1):
        shape = np.frombuffer(data[1:13], "<u4")
        return np.frombuffer(zlib.decompress(data[13:]), np.uint8).reshape(shape) * data[0] + data[0] // 2

    def describe(self):
        return {"library": "zlib", "version": "1", "settings": "LEVEL"}


class Broken(Mine):
    name = "broken"

    def decode(self, data, threads=1):
        raise ValueError("out of luck")


class Slow(Mine):
    name, rest_s = "slow", 0.4


class Missing(Mine):
    name = "missing"

    def describe(self):
        raise ExtraMissing("missing", package="nowhere", extra="bench")
'''


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with mycodec.py and two pictures; it is the current one."""
    (tmp_path / "mycodec.py").write_text(MINE)
    (tmp_path / "in").mkdir()
    chosen = np.random.default_rng(3)
    for name in ("a", "b"):
        coarse = chosen.integers(0, 256, (5, 3, 3), np.uint8)
        Image.fromarray(coarse.repeat(8, 0).repeat(8, 1)).save(tmp_path / "in" / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bench(*words: str) -> int:
    return main.run(["bench", *words])


def test_a_codec_of_ones_own_in_json_and_in_compressais_words(here, capsys):
    """module:attribute from the current folder; data on standard output, talk on standard error; the second run keeps."""
    words = ("in", "--codecs", "mycodec:Mine", "--out", "report", "--no-report", "--json", "--format", "compressai")
    assert bench(*words) == 0
    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert [line["kind"] for line in lines] == ["row"] * 6 + ["summary"]
    assert lines[-1] == {"kind": "summary", "report": "report", "measured": 6, "kept": 0, "failed": 0}
    assert "6 rows measured" in captured.err
    said = json.loads((here / "report" / "compressai" / "mine.json").read_text())
    assert said["name"] == "mine" and set(said) == {"name", "description", "results"}
    found = said["results"]
    assert found["bpp"] == sorted(found["bpp"]) and found["psnr-rgb"] == sorted(found["psnr-rgb"])
    assert all(len(column) == 3 for column in found.values())
    first = [line for line in lines[:6] if line["level"] == 64]
    assert found["bpp"][0] == pytest.approx(np.mean([row["bpp"] for row in first]))
    assert bench(*words, "--jobs", "2") == 0
    assert "0 rows measured, 6 were there" in capsys.readouterr().err


def test_what_fails_is_listed_and_the_rest_is_measured(here, capsys):
    (here / "in" / "c.png").write_bytes(b"no picture")
    words = ("in", "--codecs", "mycodec:Mine,mycodec:Broken", "--levels", "1", "--out", "report", "--no-report")
    assert bench(*words) == 3
    said = capsys.readouterr().err
    assert "broken: a.png at 16, b.png at 16: out of luck (code 1)" in said
    assert "can't be read: c.png: picture is wrong" in said
    assert "no ms-ssim for 2 rows" in said and "5 rows measured" in said


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["in", "--codecs", "jpeg-42", "--out", "r"], 2, "jpeg-420"),
        (["in", "--codecs", "mycodec:Nothing", "--out", "r"], 2, "can be imported"),
        (["in", "--codecs", "mycodec:np", "--out", "r"], 2, "docs/bench.md"),
        (["in", "--codecs", "mycodec:Missing", "--out", "r"], 6, "pip install 'calotype[bench]'"),
        (["in", "--codecs", "png,png,mycodec:Mine", "--metrics", "psn", "--out", "r"], 2, "psnr"),
        (["in", "--codecs", "png", "--levels", "jpeg-420=3", "--out", "r"], 2, "png"),
        (["in", "--codecs", "png", "--dataset", "kodak", "--out", "r"], 2, "24"),
        (["in", "--codecs", "png", "--dataset", "kodac", "--out", "r"], 2, "kodak"),
        (["in", "--codecs", "png", "--time-only", "--time-at", "psnr=x", "--out", "r"], 2, "psnr=DECIBELS"),
        (["in", "--codecs", "png", "--time-only", "--threads", "0", "--out", "r"], 2, "--threads"),
        (["nowhere", "--codecs", "png", "--out", "r"], 9, "nowhere"),
        (["in", "--codecs", "png"], 2, "--out"),
        (["--out", "r"], 2, "PICTURES"),
        (["in", "--codecs", "png", "--out", "mycodec.py/r"], 9, "mycodec.py"),
    ],
    ids=lambda value: str(value)[-24:],
)
def test_what_is_wrong_is_said_before_anything_is_measured(here, capsys, words, code, part):
    assert bench(*words, "--no-report") == code
    captured = capsys.readouterr()
    assert part in captured.err and captured.out == ""
    assert not (here / "r" / "rows.jsonl").exists()


def test_the_list_names_everything(capsys):
    assert bench("--list") == 0
    said = capsys.readouterr().out
    assert all(f"  {word}" in said for word in ("swift", "jpeg-420", "psnr", "ssimulacra2", "kodak"))


def test_the_report_is_drawn_and_drawn_again(here, capsys):
    pytest.importorskip("matplotlib")
    assert bench("in", "--codecs", "mycodec:Mine", "--metrics", "psnr", "--out", "report") == 0
    page = here / "report" / "report.html"
    assert page.exists()
    page.unlink()
    assert bench("--report-only", "report") == 0
    assert page.exists() and str(page.name) in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT between processes")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_keeps_its_rows_and_says_how_to_go_on(here, number, code):
    """Quickly, with no traceback; the same command finishes."""
    words = ["bench", "in", "--codecs", "mycodec:Slow", "--metrics", "psnr", "--out", "report", "--no-report"]
    script = "import sys; from calotype.cli.main import main; sys.argv[1:] = sys.argv[1:]; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        stderr=subprocess.PIPE,
        text=True,
        cwd=here,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored under nohup and in background jobs
    )
    rows = here / "report" / "rows.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (rows.exists() and rows.read_bytes().count(b"\n") >= 2):
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in said and "goes on from there" in said
    kept = rows.read_bytes().count(b"\n") - 1
    assert 1 <= kept < 6
    assert not (here / "report" / ".scratch").exists()


def test_the_codec_of_the_page_works(here, capsys):
    """docs/bench.md, "Your own codec", as it stands there."""
    page = Path(__file__).parents[2] / "docs" / "bench.md"
    code = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    (here / "shown.py").write_text(code)
    assert bench("in", "--codecs", "shown:Mine", "--metrics", "psnr", "--out", "report", "--no-report") == 0
    assert "8 rows measured" in capsys.readouterr().err

"""Timing compares codecs at equal quality, in turns, and says how much the turns differ; machines have names."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tests.bench.runner.conftest import settings

from calotype.bench import machine, pictures, processes, rows, runner, timing
from calotype.bench.codec_said import levels_of_words
from calotype.errors import UnsupportedError, UsageError


def test_every_codec_takes_its_turn_with_every_number_of_threads(folder, tmp_path, monkeypatch):
    """A row for each; medians lie between the quickest and the slowest turn; a broken codec is a row with a reason."""
    monkeypatch.setattr(timing, "SIDES_PX", (160, 120))
    asked = settings(folder, tmp_path / "report", "Plain", "Exact", "Crashing")
    said: list[str] = []
    found = timing.run(
        timing.Settings(pictures=asked.pictures, codecs=asked.codecs, report=asked.report, rounds=5, value=30.0),
        said.append,
    )
    written = rows.read(asked.report).of_kind("timing")
    assert written == found and len(found) == 6
    assert {(row["codec"], row["threads"]) for row in found} == {
        (name, threads) for name in ("plain", "exact", "crashing") for threads in (1, 2)
    }
    for row in found:
        assert row["picture"] == "mosaic of 3" and (row["width_px"], row["height_px"]) == timing.SIDES_PX
        if row["codec"] == "crashing":
            assert row["error"]["type"] == "ProcessEnded"
            continue
        assert row["error"] is None and row["rounds"] == 5
        for step in ("encode", "decode"):
            low, high = row[f"{step}_s_range"]
            assert 0 < low <= row[f"{step}_s"] <= high
            assert row[f"{step}_mp_s"] == pytest.approx(row["megapixels"] / row[f"{step}_s"], rel=1e-3)
    assert sum("round" in line for line in said) == 5
    # A second timing replaces the first.
    again = timing.run(
        timing.Settings(pictures=asked.pictures, codecs=asked.codecs[1:2], report=asked.report, threads=(1,)),
        said.append,
    )
    assert len(again) == 1 and len(rows.read(asked.report).of_kind("timing")) == 6


@pytest.mark.parametrize("value", [3, 10.4, 33, 62.5, 88, 200])
def test_the_level_is_the_nearest(value):
    """Against trying all: within the step of a whole dial, with few tries."""
    tries: list[float] = []

    def reach(level: float) -> float:
        tries.append(level)
        return 20 + 10 * np.log10(level) * 4

    levels = (5.0, 12.0, 25.0, 40.0, 60.0, 75.0, 87.0, 96.0)
    found = timing.level_near(levels, reach, reach(value))
    exact = min(max(value, 5), 96)
    assert abs(found - exact) <= max(1, 0.04 * exact)
    assert len(tries) <= 8


def test_what_is_timed_of_small_and_large_pictures(tmp_path):
    """Small ones become a mosaic that they fill; large ones are cut to their middle."""
    parts = [np.full((40, 24, 3), value, np.uint8) for value in (50, 100, 150)]
    whole = timing.mosaic(parts, 100, 90)
    assert whole.shape == (90, 100, 3) and set(np.unique(whole)) == {50, 100, 150}
    for name, size in (("a", (3000, 2000)), ("b", (1200, 900)), ("c", (30, 20))):
        Image.new("RGB", size, "red").save(tmp_path / f"{name}.png")
    found = timing.pictures_of(pictures.find([str(tmp_path)]), tmp_path)
    assert [(timed.name, timed.shape) for timed in found] == [("a.png", (1632, 2448, 3)), ("b.png", (900, 1200, 3))]
    assert np.load(found[0].sample).shape == (768, 1024, 3)
    with pytest.raises(UsageError, match="at least one"):
        timing.pictures_of([], tmp_path)


def test_a_machine_has_one_name():
    assert machine.row() == machine.row() and len(machine.row()["id"]) == 12
    assert machine.cores() >= 1
    busy = machine.busy_cores(0.05)
    assert busy is None or 0 <= busy <= 10_000


def test_pictures_are_found_named_and_refused(tmp_path):
    """Folders with what is below them, patterns, files; names that differ; grey and deep ones by reason."""
    for name in ("a/one.png", "b/one.png", "b/deep/two.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2), name and "blue").save(tmp_path / name)
    (tmp_path / "b" / "README.md").write_text("no picture")
    (tmp_path / "b" / "unnamed").write_bytes((tmp_path / "a/one.png").read_bytes())
    assert [file.name for file in pictures.find([str(tmp_path / "b")])] == ["deep/two.png", "one.png", "unnamed"]
    both = pictures.find([str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "a/one.png")])
    assert [file.name for file in both] == ["a/one.png", "deep/two.png", "b/one.png", "unnamed"]
    assert len(pictures.find([str(tmp_path / "**" / "*.png")])) == 3
    assert pictures.pixels_of(both[0]).shape == (2, 3, 3)
    for words in (["*.nothing"], [str(tmp_path / "missing.png")]):
        with pytest.raises((UsageError, OSError)):
            pictures.find(words)
    Image.new("RGBA", (3, 2)).save(tmp_path / "a" / "clear.png")
    with pytest.raises(UnsupportedError, match=r"4 planes of 8 bits.*8-bit RGB"):
        pictures.pixels_of(pictures.PictureFile(tmp_path / "a" / "clear.png", "clear.png"))


def test_levels_on_the_command_line():
    assert levels_of_words(["jpeg=5,40.5", "4", "m:A=1"]) == ({"jpeg": (5.0, 40.5), "m:A": (1.0,)}, 4)
    for word in ("0", "x", "jpeg=", "jpeg=a", "jpeg=nan", "jpeg=1,"):
        with pytest.raises(UsageError, match="levels"):
            levels_of_words([word])


def test_where_there_is_no_fork_every_step_has_a_new_interpreter(folder, tmp_path, monkeypatch):
    """Slower, with the same figures."""
    from tests.bench.runner.conftest import figures

    for path in sorted(folder.iterdir())[1:]:
        path.unlink()
    forked = settings(folder, tmp_path / "forked", "Exact")
    runner.run(forked)
    monkeypatch.setattr(processes, "_FORKS", False)
    spawned = settings(folder, tmp_path / "spawned", "Exact", "Exiting")
    outcome = runner.run(spawned)
    assert [row["error"]["type"] for row in outcome.failed] == ["ProcessEnded"]
    assert figures(forked.report) == [row for row in figures(spawned.report) if not row["error"]]

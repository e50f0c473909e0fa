"""The charts make one row for each codec, whatever the codec does with them; charts/ has tests of what is measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.bench.runner.conftest import FAKES

from calotype.bench import charting, codec_said, rows
from calotype.bench.plan import Settings
from calotype.bench.processes import Lane


def asked(report, *words: str) -> Settings:
    lane = Lane(apart=True, log=report / "log", limit_s=60)
    try:
        said = codec_said.ask(lane, words, {}, None)
    finally:
        lane.stop()
    return Settings(pictures=[], codecs=said, metrics=(), report=report)


def test_a_codec_that_fails_is_a_row_and_is_tried_again_when_told(tmp_path):
    settings, heard = asked(tmp_path, FAKES + "Raising", FAKES + "Crashing"), []
    outcome = charting.run(settings, lambda _: None, heard.append)
    assert (outcome.measured, len(outcome.failed), len(heard)) == (2, 2, 2)
    found = {row["codec"]: row["error"]["type"] for row in rows.read(tmp_path).of_kind("chart")}
    assert found == {"raising": "ValueError", "crashing": "ProcessEnded"}
    again = charting.run(settings, lambda _: None, heard.append)
    assert (again.measured, again.kept, len(again.failed)) == (0, 2, 2)
    tried = charting.run(replace(settings, retry=True), lambda _: None, heard.append)
    assert (tried.measured, tried.kept) == (2, 0)


@pytest.mark.long
def test_jpeg_on_the_charts(tmp_path):
    """Half a bit a pixel shows stripes and false directions."""
    charting.run(asked(tmp_path, "jpeg-420"), lambda _: None, lambda _: None)
    (row,) = rows.read(tmp_path).of_kind("chart")
    assert row["error"] is None and row["bpp"] == pytest.approx(0.5, rel=0.1)
    assert row["striped_region"]["g"] > 0 and row["aliasing"]["ar_db"] < 0 and row["machine"]

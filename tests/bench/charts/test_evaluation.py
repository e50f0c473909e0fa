"""Whole codecs over the charts: known faults give known rows, rates are found, rows are strict JSON."""

from __future__ import annotations

import json
import math

import pytest
from tests.bench.charts.codecs import Decimating, Exact, Fading, Refusing, Sized, Striping

from calotype.bench import charts
from calotype.bench.charts import drawing
from calotype.bench.charts.evaluation import shift_spread_db
from calotype.errors import UsageError

FEW = ("flat-grey-112", "ramp-diagonal", "gratings-0.0625", "gratings-0.3000", "gratings-0.4500", "text")


@pytest.fixture(autouse=True)
def few_charts(monkeypatch):
    """Six of them: the others are of the same kinds."""
    monkeypatch.setattr(drawing, "NAMES", FEW)


def test_an_exact_codec_has_no_fault():
    row = charts.evaluate(Exact(), 0.0)
    assert (row["schema"], row["kind"], row["codec"], row["level"]) == (1, "chart", "exact", 0.0)
    assert row["psnr"] is None and row["error"] is None and set(row["charts"]) == set(FEW)
    assert all(row["striped_region"][name] == 0 for name in "afg") and row["striped_region"]["within"] == 2
    found = row["aliasing"]
    assert found["within"] and found["shift_spread_db"] is None
    assert found["angle_error_deg"] == found["false_direction"] == found["faded"] == 0
    assert found["ar_worst_db"] < -25 and set(found["by_frequency"]) == {"0.0625", "0.3000", "0.4500"}
    assert row["bpp"] > 0 and row["describe"]["library"] == "tests"


def test_rows_are_strict_json():
    for row in charts.report_rows([Exact(), Decimating(), Refusing()]):
        assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_known_faults_are_found():
    """Each in its own figure, and not in the others'."""
    decimating, striping, fading = (
        charts.evaluate(codec, level) for codec, level in ((Decimating(), 0.0), (Striping(), 0.0), (Fading(), 0.1))
    )
    assert decimating["aliasing"]["ar_worst_db"] > 0 and decimating["aliasing"]["false_direction"] > 0.3
    assert not decimating["aliasing"]["within"] and decimating["aliasing"]["by_frequency"]["0.0625"]["ar_db"] < -10
    assert striping["striped_region"]["f"] > 100 and striping["striped_region"]["within"] == 0
    assert striping["aliasing"]["within"] and striping["psnr"] > 50
    assert fading["aliasing"]["faded"] == 1 and fading["aliasing"]["false_direction"] == 0
    assert fading["striped_region"]["f_chart"] == "ramp-diagonal"


@pytest.mark.parametrize("target", [0.06, 0.2, 0.5, 1.5, 5.0])
def test_the_level_of_a_rate_is_found(target):
    level, rate = charts.find_level(Sized(), target)
    assert rate == pytest.approx(level, rel=1e-3) and abs(math.log(rate / target)) < 0.2


def test_a_dial_of_whole_numbers_and_its_ends_are_met():
    assert charts.find_level(Sized(whole=True), 0.5)[1] == pytest.approx(0.5, rel=1e-3)
    assert charts.find_level(Sized(), 50)[0] == 6.0 and charts.find_level(Sized(), 0.001)[0] == 0.05
    assert charts.find_level(Exact(), 0.5)[0] == 0.0
    with pytest.raises(UsageError, match="above 0"):
        charts.find_level(Exact(), 0)


def test_few_levels_are_tried():
    """Each is an encoding of all charts."""
    tried: list[str] = []
    charts.find_level(Sized(), 0.5, step=tried.append)
    assert len(tried) / len(FEW) <= 7 and FEW[0] in tried[0]


def test_levels_that_are_asked_for_are_taken():
    rows = list(charts.report_rows([Fading(), Exact()], levels=(0.2, 0.8)))
    assert [(row["codec"], row["level"]) for row in rows] == [("fading", 0.2), ("fading", 0.8), ("exact", 0.0)]
    assert rows[0]["psnr"] < rows[1]["psnr"]


def test_a_codec_that_fails_is_a_row_and_the_next_one_goes_on():
    refused, fine = charts.report_rows([Refusing(), Exact()])
    assert refused["error"]["type"] == "UnsupportedError" and refused["error"]["exit_code"] == 5
    assert "1024x768" in refused["error"]["message"] and fine["error"] is None


def test_a_codec_with_a_grid_depends_on_shifts():
    """Decimation keeps other samples after a shift by one; fading treats all alike."""
    assert shift_spread_db(Fading(), 0.5) < 0.01
    assert shift_spread_db(Decimating(), 0.0) > 0.01

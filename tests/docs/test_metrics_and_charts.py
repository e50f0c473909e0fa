"""docs/metrics.md and docs/charts.md name what there is: every metric and chart, their sizes, packages and limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calotype import metrics
from calotype.bench.charts import drawing, evaluation
from calotype.bench.charts.stripes import LIMITS

DOCS = Path(__file__).parents[2] / "docs"
METRICS = (DOCS / "metrics.md").read_text(encoding="utf-8")
CHARTS = (DOCS / "charts.md").read_text(encoding="utf-8")


def test_the_table_of_metrics_is_the_registry():
    """Names in their order, direction, package, smallest side."""
    table = METRICS[: METRICS.index("## Two codecs")]
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")
    ]
    assert [row[0] for row in rows] == list(metrics.NAMES)
    for name, _, better, needs, side in rows:
        metric = metrics.get(name)
        assert (better == "higher") == metric.higher_is_better, name
        assert needs == metric.package and side == f"{metric.smallest_side_px} px", name


@pytest.mark.parametrize("name", drawing.NAMES)
def test_every_chart_is_named(name):
    """By its name, or by the first of a row of them and the ends of others."""
    family = re.sub(r"-(grey-\d+|[\d.]+|red|green|blue|horizontal|vertical|diagonal)$", "", name)
    assert f"`{family}" in CHARTS


def test_counts_and_limits_are_said():
    assert f"codes {len(drawing.NAMES)} charts" in CHARTS
    assert f"{sum(drawing.draw(name).kind == 'flat' for name in drawing.NAMES)} flat charts" in CHARTS
    for figure, limit in LIMITS.items():
        assert re.search(rf"^\| {figure} \|.*\| {limit:g} \|$", CHARTS, re.MULTILINE), figure
    said = re.findall(r"^\| (AR|angle error|false directions|shift spread) \|.*\| ([^|]+) \|$", CHARTS, re.MULTILINE)
    assert dict(said) == {
        "AR": f"worst ≤ {evaluation.AR_DB:.0f} dB".replace("-", "−"),
        "angle error": f"{evaluation.ANGLE_DEGREES:g}°",
        "false directions": f"{100 * evaluation.FALSE_RATE:g} %",
        "shift spread": f"{evaluation.SHIFT_DB:g} dB",
    }

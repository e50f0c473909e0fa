#!/usr/bin/env python
"""Whether more training would help: the default model's learning curve, from the logs of its runs.

    python tools/draw_learning.py       docs/learning-curve.png, and the rows that docs/training.md quotes

Runs go on from each other's weights; their validation crops are the same, so that all are compared with the first.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUNS = (("swift-2", None), ("swift-3", "swift-2"), ("swift-4", "swift-2"))  # run, and the run that it goes on from


def points(run: str) -> list[dict[str, Any]]:
    """Validations of a run: gigapixels seen, curve, and whether the learning rate had fallen to its end."""
    folder = ROOT / "results" / "training" / run
    settings = json.loads((folder / "run.json").read_text("utf-8"))
    phase = settings["phases"][0]
    batch, side = (
        settings["settings"].get("batch") or phase["batch"],
        settings["settings"].get("crop_px") or phase["crop_px"],
    )
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    found = [event for event in events if event["event"] == "validation"]
    last = max(event["step"] for event in found)
    return [
        {"gpx": event["step"] * batch * side**2 / 1e9, "curve": event["curve"], "decayed": event["step"] in (0, last)}
        for event in found
    ]


def against(curve: list[list[float]], reference: list[list[float]]) -> float:
    """Percent of rate at equal PSNR."""
    from calotype.train.validation import Curve, relative_rate_percent

    found = relative_rate_percent(Curve.from_rows(curve), Curve.from_rows(reference))
    return math.nan if found is None else found


def main() -> None:
    logs = {run: points(run) for run, _ in RUNS}
    reference, began = logs[RUNS[0][0]][0]["curve"], {None: 0.0}
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 3.8), layout="constrained")
    for (run, before), colour in zip(RUNS, ("#7a7a7a", "#2a9d8f", "#1d4f9c"), strict=True):
        rows = logs[run]
        places = [began[before] + row["gpx"] for row in rows]
        percents = [against(row["curve"], reference) for row in rows]
        began[run] = places[-1]
        axes.plot(places, percents, color=colour, linewidth=1.2, label=run)
        for place, percent, row in zip(places, percents, rows, strict=True):
            axes.plot(place, percent, "o", color=colour, markersize=6, fillstyle="full" if row["decayed"] else "none")
            print(f"{run}: {place:.2f} Gpx, {percent:+.2f} %{', decayed' if row['decayed'] else ''}", file=sys.stdout)
    axes.set_xlabel("pixels seen since swift-1, gigapixels")
    axes.set_ylabel("rate at equal PSNR against swift-1, %")
    axes.axhline(0, color="#bbbbbb", linewidth=0.8)
    axes.legend(frameon=False, title="full: after decay")
    figure.savefig(ROOT / "docs" / "learning-curve.png", dpi=110)


if __name__ == "__main__":
    main()

"""What a report found, as JSON for scripts and for README: means, BD-rates, costs, answers; formats of files only."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from calotype.bench.report.comparing import METHOD, Difference
from calotype.bench.report.costs import Cost
from calotype.bench.report.study import Study, mean_bpp

__all__ = ["summary", "text"]


def summary(study: Study) -> dict[str, Any]:
    """The content of summary.json; keys are documented in docs/report.md."""
    titles = {row["codec"]: row.get("title") or row["codec"] for row in study.measured.timings}
    return {
        "schema": 1,
        "dataset": study.measured.dataset,
        "pictures": len(study.measured.pictures),
        "answers": [asdict(answer) for answer in study.answers],
        "reference": study.reference.name if study.reference else None,
        "bd_rate_method": METHOD,
        "codecs": {
            codec.name: {
                "title": codec.title,
                "family": codec.family,
                "lossless": codec.lossless,
                "pictures": len(codec.cells),
                "describe": codec.describe,
                "curves": {
                    metric.name: [
                        [p.level, _rounded(p.bpp, 5), _rounded(p.quality, 4)] for p in codec.curve(metric.name)
                    ]
                    for metric in study.metrics
                    if not codec.lossless and codec.measures(metric.name)
                },
                **({"bpp": _rounded(mean_bpp(codec), 5)} if codec.lossless and codec.cells else {}),
                "cost": _cost(study.costs[codec.name]),
            }
            for codec in study.codecs
        },
        "published": {curve.name: {"title": curve.title, "source": curve.source} for curve in study.published},
        "bd_rates": {
            name: {
                tested: {against: _said(found.get(tested, against)) for against in found.against}
                for tested in found.tested
            }
            for name, found in study.matrices.items()
        },
        "timings": {
            str(threads): {name: {"title": titles[name], **_cost(cost)} for name, cost in costs.items()}
            for threads, costs in study.timed.items()
        },
        "timed_on": sorted({str(row.get("picture")) for row in study.measured.timings}),
        "failed": len(study.measured.failed),
        "machines": list(study.measured.machines.values()),
    }


def text(study: Study) -> str:
    """summary.json."""
    return json.dumps(summary(study), indent=1, ensure_ascii=False) + "\n"


def _said(there: Difference) -> dict[str, Any]:
    if there.percent is None:
        return {"percent": None, "reason": there.reason}
    spread = there.spread
    found = {"percent": round(there.percent, 2), "low": _rounded(there.low, 2), "high": _rounded(there.high, 2)}
    if spread:
        five = (spread.least, spread.lower, spread.median, spread.upper, spread.most)
        found |= {"pictures": spread.pictures, "spread": [round(value, 2) for value in five]}
    return found


def _cost(cost: Cost) -> dict[str, Any]:
    return {key: _rounded(value, 4) for key, value in asdict(cost).items()}


def _rounded(value: Any, digits: int) -> Any:
    return round(value, digits) if isinstance(value, float) else value

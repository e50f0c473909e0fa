"""Rows as CompressAI's eval writes its results, so that its users' plots read ours; see docs/bench.md."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from calotype.bench.rows import Row, read
from calotype.writing import appear

__all__ = ["results", "write"]

# Its word: ours.
_METRICS = {"psnr-rgb": "psnr", "ms-ssim-rgb": "ms-ssim"}


def results(rows: list[Row]) -> dict[str, Any]:
    """{"name", "description", "results": {"bpp": [...], ...}} of one codec's rows: means over pictures at each level.

    Only pictures count that were measured at every level; a metric that one of them lacks is left out.
    """
    rows = [row for row in rows if not row["error"]]
    levels = sorted({row["level"] for row in rows}, key=lambda level: _mean(rows, level, "bpp"))
    whole = {row["picture_sha256"] for row in rows}
    for level in levels:
        whole &= {row["picture_sha256"] for row in rows if row["level"] == level}
    rows = [row for row in rows if row["picture_sha256"] in whole]
    found: dict[str, list[float]] = {}
    for theirs, ours in _METRICS.items():
        if rows and all(row["metrics"].get(ours) is not None for row in rows):
            values = [[row["metrics"][ours] for row in rows if row["level"] == level] for level in levels]
            found[theirs] = [statistics.fmean(column) for column in values]
    for theirs, ours in (("bpp", "bpp"), ("encoding_time", "encode_s"), ("decoding_time", "decode_s")):
        found[theirs] = [_mean(rows, level, ours) for level in levels] if rows else []
    said = f"{rows[0]['title']}: {', '.join(rows[0]['describe'].values())}" if rows else ""
    return {"name": rows[0]["codec"] if rows else "", "description": said, "results": found}


def write(report: Path) -> list[Path]:
    """One file for each codec of a report, in REPORT/compressai; their paths."""
    by_codec: dict[str, list[Row]] = {}
    for row in read(report).of_kind("row"):
        if row["codec"] is not None and not row["error"]:
            by_codec.setdefault(row["codec"], []).append(row)
    folder = report / "compressai"
    folder.mkdir(exist_ok=True)
    paths = []
    for codec, rows in by_codec.items():
        name = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in codec)
        paths.append(folder / f"{name}.json")
        appear(paths[-1], (json.dumps(results(rows), indent=2) + "\n").encode(), replace=True)
    return paths


def _mean(rows: list[Row], level: float, field: str) -> float:
    return statistics.fmean(row[field] for row in rows if row["level"] == level)

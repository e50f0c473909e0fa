#!/usr/bin/env python
"""Whether a benchmark's rows on Kodak repeat what this project measured before with the same libraries and settings.

    python tools/check_anchors.py REPORT [--out FILE.md]

For each codec that was measured before (calotype.bench.anchors, kind "measured"): the greatest difference over its
levels of the mean bpp (allowed: 1 %) and the mean PSNR (0.05 dB), and the BD-rate against VTM of both (1 point).
Exit code 1 if one is further off, 2 if the rows have no Kodak.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calotype import metrics
from calotype.bench import anchors, datasets
from calotype.bench.rows import Row, read
from calotype.errors import UsageError

BPP_PERCENT, PSNR_DB, BD_POINTS = 1.0, 0.05, 1.0
SIX = ("kodim01", "kodim05", "kodim08", "kodim13", "kodim19", "kodim23")
# Codec: what it was called before, and on which pictures.
MEASURED = {
    "jpeg-420": ("measured-jpeg-420", "kodak"),
    "jpeg-444": ("measured-jpeg-444", "kodak"),
    "webp": ("measured-webp", "kodak"),
    "jpeg2000": ("measured-jpeg2000", "kodak"),
    "jpegxr": ("measured-jpegxr", "kodak"),
    "jpegxl-e7": ("measured-jpegxl-e7", "kodak"),
    "jpegxl-e9": ("measured-jpegxl-e9-6pic", "kodak-6"),
    "avif-420": ("measured-avif-420", "kodak"),
    "avif-444": ("measured-avif-444", "kodak"),
    "avif-420-psnr": ("measured-avif-420-psnr", "kodak"),
    "avif-444-psnr": ("measured-avif-444-psnr", "kodak"),
    "heic-420": ("measured-heic-420", "kodak"),
    "heic-444": ("measured-heic-444", "kodak"),
    "x265-444-10b": ("measured-x265-444-10b", "kodak"),
    "vvc-420": ("measured-vvenc-420-6pic", "kodak-6"),
}


@dataclass(frozen=True)
class Found:
    """One codec beside its earlier measurement; BD-rates against VTM are None for parts of Kodak."""

    codec: str
    pictures: int
    points: int
    bpp_percent: float
    psnr_db: float
    bd_before: float | None
    bd_now: float | None
    version: str

    @property
    def agrees(self) -> bool:
        near = self.bpp_percent <= BPP_PERCENT and self.psnr_db <= PSNR_DB
        return near and (self.bd_now is None or abs(self.bd_now - (self.bd_before or 0.0)) <= BD_POINTS)


def means(rows: list[Row], pictures: set[str]) -> dict[float, tuple[float, float]]:
    """{level: (mean bpp, mean PSNR)} of the levels that were measured on all of these pictures."""
    found: dict[float, dict[str, tuple[float, float]]] = {}
    for row in rows:
        stem = Path(row["picture"]).stem
        if stem in pictures and not row["error"]:
            found.setdefault(row["level"], {})[stem] = (row["bpp"], row["metrics"]["psnr"])
    whole = {level: list(values.values()) for level, values in found.items() if len(values) == len(pictures)}
    return {level: tuple(map(statistics.mean, zip(*values, strict=True))) for level, values in whole.items()}  # type: ignore[misc]


def setting(said: Any) -> float:
    """27.0 of 27, 27.0 and "qp27"."""
    return float(str(said).removeprefix("qp"))


def compared(codec: str, rows: list[Row]) -> Found | None:
    """A codec's rows beside its earlier measurement, or None where no level of it was measured on all pictures."""
    name, dataset = MEASURED[codec]
    before = anchors.find(name, dataset)
    kodak = set(datasets.get("kodak").hashes)
    pictures = set(SIX) if dataset == "kodak-6" else kodak
    assert before.psnr is not None
    now, points = means(rows, pictures), []
    for said, bpp, psnr in zip(before.settings, before.bpp, before.psnr, strict=True):
        if setting(said) in now:
            points.append((setting(said), bpp, psnr, *now[setting(said)]))
    if not points:
        return None

    def against_vtm(rates: list[float], quality: list[float]) -> float | None:
        vtm = anchors.find("vtm")
        if dataset != "kodak":
            return None
        try:
            return metrics.bd_rate((vtm.bpp, vtm.psnr), (rates, quality)).percent
        except UsageError:  # fewer than four points
            return None

    points.sort(key=lambda point: point[1])
    _, bpp_before, psnr_before, bpp_now, psnr_now = map(list, zip(*points, strict=True))
    return Found(
        codec,
        len(pictures),
        len(points),
        max(abs(100 * (b / a - 1)) for a, b in zip(bpp_before, bpp_now, strict=True)),
        max(abs(b - a) for a, b in zip(psnr_before, psnr_now, strict=True)),
        against_vtm(bpp_before, psnr_before),
        against_vtm(bpp_now, psnr_now),
        next(row["describe"]["version"] for row in rows),
    )


def table(found: list[Found]) -> str:
    """Markdown."""

    def percent(value: float | None) -> str:
        return "–" if value is None else f"{value:+.1f} %"

    lines = [
        "| codec | pictures | points | bpp differs by | PSNR differs by | BD-rate to VTM before | now | versions |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for one in found:
        mark = "" if one.agrees else " **(no)**"
        lines.append(
            f"| {one.codec}{mark} | {one.pictures} | {one.points} | {one.bpp_percent:.2f} % | {one.psnr_db:.3f} dB | "
            f"{percent(one.bd_before)} | {percent(one.bd_now)} | {one.version} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("report", type=Path, help="a report's folder, or its rows.jsonl")
    flags.add_argument("--out", type=Path, help="write the table here too")
    said = flags.parse_args()
    by_codec: dict[str, list[Row]] = {}
    for row in read(said.report).of_kind("row"):
        if row["codec"] in MEASURED and row["threads"] == 1 and not row["error"]:
            by_codec.setdefault(row["codec"], []).append(row)
    found = [one for codec in MEASURED if codec in by_codec and (one := compared(codec, by_codec[codec]))]
    if not found:
        print(f"{said.report}: no rows of all Kodak pictures with one thread", file=sys.stderr)
        sys.exit(2)
    page = table(found)
    print(page)
    if said.out:
        said.out.write_text(page, encoding="utf-8")
    sys.exit(0 if all(one.agrees for one in found) else 1)


if __name__ == "__main__":
    main()

"""How well targets are hit: every picture of a folder at several rates, sizes and qualities -> results/targets.{json,md}.

    python tools/measure_targets.py FOLDER [--measures bpp size psnr ms-ssim ssimulacra2]

Values are bits per pixel for bpp and size (a size is that rate in whole bytes), dB and points otherwise. A target that no
quality reaches counts as missed, and one that the smallest file exceeds as better; errors are those of the others.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import measuring

from calotype import targets
from calotype.errors import TargetMissed
from calotype.picture import Picture
from calotype.rates import ENCODES, MEASURES, Target, off

VALUES: dict[str, tuple[float, ...]] = {
    "bpp": (0.1, 0.25, 0.5, 1.0, 2.0),
    "size": (0.1, 0.25, 0.5, 1.0, 2.0),
    "psnr": (28.0, 32.0, 36.0, 40.0),
    "ms-ssim": (15.0,),
    "ssimulacra2": (70.0,),
}


def measure_picture(file: Path, model_file: Path | None, measures: list[str]) -> list[dict[str, Any]]:
    """One row for each target of a picture."""
    model, pixels = measuring.load_model(model_file), measuring.pixels_of(file)
    picture, rows = Picture.of(pixels), []
    for measure in measures:
        for value in VALUES[measure]:
            wanted = int(value * picture.width_px * picture.height_px / 8) if measure == "size" else value
            target, began = Target(measure, wanted), time.perf_counter()
            row: dict[str, Any] = {"picture": file.stem, "measure": measure, "value": value}
            try:
                reached = targets.encode(picture, model, target, threads=1)
            except TargetMissed as missed:
                rows.append(row | {"outcome": "missed", "nearest": missed.reached, "quality": missed.quality})
                continue
            rows.append(
                row
                | {
                    "outcome": "hit" if reached.hit else "better",
                    "error": off(target, reached.value),
                    "quality": reached.quality,
                    "encodes": len(reached.tried),
                    "seconds": round(time.perf_counter() - began, 3),
                }
            )
    return rows


def summary(rows: list[dict[str, Any]], measure: str, value: float | None = None) -> dict[str, Any]:
    """Counts, errors (shares for rates, else units) and encodes of a measure, or of one of its values."""
    mine = [row for row in rows if row["measure"] == measure and value in (None, row["value"])]
    hits = [row for row in mine if row["outcome"] == "hit"]
    said: dict[str, Any] = {"targets": len(mine), "hits": len(hits)}
    said |= {outcome: sum(row["outcome"] == outcome for row in mine) for outcome in ("better", "missed")}
    if hits:
        errors, encodes = [row["error"] for row in hits], [row["encodes"] for row in hits]
        said |= {"mean_error": statistics.fmean(map(abs, errors)), "worst_error": max(map(abs, errors))}
        said |= {"highest": max(errors), "encodes": statistics.fmean(encodes), "most_encodes": max(encodes)}
    return said


def page(result: dict[str, Any]) -> str:
    """results/targets.md."""

    def line(measure: str, value: object, said: dict[str, Any]) -> list[object]:
        scale, unit = (100, " %") if MEASURES[measure].ratio else (1, f" {MEASURES[measure].unit}")
        shown = [f"{scale * said[key]:+.3f}{unit}".lstrip("+" if key != "highest" else "") if "encodes" in said else "-"
                 for key in ("mean_error", "worst_error", "highest")]  # fmt: skip
        encodes = [f"{said['encodes']:.2f}", said["most_encodes"]] if "encodes" in said else ["-", "-"]
        return [f"{MEASURES[measure].title} {value}", said["targets"], said["hits"], said["better"], said["missed"],
                *shown, *encodes]  # fmt: skip

    head = ["Target", "targets", "hit", "better", "out of reach", "mean error", "worst", "highest", "encodes", "most"]
    lines = []
    for measure, by_value in result["by_value"].items():
        lines += [line(measure, value, said) for value, said in by_value.items()]
        lines.append(line(measure, "**all**", result["all"][measure]))
    return (
        f"# Targets\n\n{result['pictures']} pictures, model `{result['model']['name']}` ({result['model']['identity']}), "
        f"at most {ENCODES} encodes.\n`python tools/measure_targets.py` made this page; docs/rates.md explains it.\n\n"
        + measuring.table(head, lines)
        + "\nErrors are of targets that were hit: shares of the rate, or the measure's own units; *highest* has its sign, and "
        "a size must\nnot be exceeded. *Better*: nothing larger fits below a size, or the smallest file exceeds the "
        "quality. *Out of reach*: no\nquality from 1 to 100 gives it, which is what the error says.\n\n"
        f"{measuring.where(result['machine'])}\n"
    )


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("folder", type=Path, help="the pictures")
    flags.add_argument("--model", type=Path, help="a .calomodel file; the installed swift by default")
    flags.add_argument("--measures", nargs="+", choices=VALUES, default=list(VALUES))
    flags.add_argument("--workers", type=int, default=1, help="processes, each with one thread")
    flags.add_argument("--out", type=Path, default=measuring.RESULTS)
    said = flags.parse_args()
    files = measuring.pictures(said.folder)
    result: dict[str, Any] = {"model": measuring.model_said(measuring.load_model(said.model)), "pictures": len(files)}
    result["machine"] = measuring.machine()
    rows: list[dict[str, Any]] = []
    with measuring.load_of_machine(result["machine"]), ProcessPoolExecutor(said.workers) as pool:
        jobs = [pool.submit(measure_picture, file, said.model, said.measures) for file in files]
        for file, job in zip(files, jobs, strict=True):
            rows += job.result()
            print(file.stem, end="\r", file=sys.stderr, flush=True)
    result["all"] = {measure: summary(rows, measure) for measure in said.measures}
    result["by_value"] = {
        measure: {value: summary(rows, measure, value) for value in VALUES[measure]} for measure in said.measures
    }
    result["rows"] = rows
    measuring.write("targets", result, page(result), said.out)


if __name__ == "__main__":
    main()

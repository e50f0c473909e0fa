#!/usr/bin/env python
"""What the way of changing resolution does to patterns: strided, filtered and wavelet transforms at one rate on the charts.

    python tools/measure_aliasing.py plain=FILE.calomodel smooth=FILE.calomodel wavelet=swift [...]

Each name is a column of results/aliasing.md; what follows it is a model file, or a codec of the benchmark. The rate is
that of all charts together (docs/charts.md). `plain` and `smooth` are sizes of the recipe balle2018-factorized, trained
alike from random weights: they differ in the filters alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import machine, table, where, write

from calotype.bench import charts
from calotype.bench.codecs import registry

FIGURES = (
    ("false directions in the zone plate, %", lambda a, _: 100 * a["zone"]["false_direction"]),
    ("faded windows there, %", lambda a, _: 100 * a["zone"]["faded"]),
    ("AR of gratings, median, dB", lambda a, _: a["ar_db"]),
    ("AR, worst, dB", lambda a, _: a["ar_worst_db"]),
    ("angle error, degrees", lambda a, _: a["angle_error_deg"]),
    ("shift spread, dB", lambda a, _: a["shift_spread_db"]),
    ("stripes: a, levels", lambda _, s: s["a"]),
    ("stripes: g", lambda _, s: s["g"]),
    ("flat charts within all limits", lambda _, s: s["within"]),
)


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("transforms", nargs="+", help="NAME=FILE.calomodel or NAME=CODEC")
    flags.add_argument("--bpp", type=float, default=0.5, help="rate over all charts (default 0.5)")
    args = flags.parse_args()

    said: dict[str, Any] = {"target_bpp": args.bpp, "rows": {}}
    for given in args.transforms:
        name, _, codec = given.partition("=")
        (row,) = charts.report_rows(
            [registry.get(codec)], target_bpp=args.bpp, step=lambda words: print(words, file=sys.stderr, flush=True)
        )
        said["rows"][name] = {"codec": Path(codec).stem} | {key: row[key] for key in KEPT}
    said["machine"] = machine()
    write("aliasing", said, page(said))


KEPT = ("level", "bpp", "psnr", "striped_region", "aliasing", "charts")


def page(said: dict[str, Any]) -> str:
    """The figures as a page, a column for each transform."""
    names = list(said["rows"])
    rows = [[label, *(f"{said['rows'][name][key]:.3f}" for name in names)]
            for label, key in (("bits a pixel, all charts", "bpp"), ("PSNR of all charts, dB", "psnr"))]  # fmt: skip
    for label, of in FIGURES:
        cells = [of(said["rows"][name]["aliasing"], said["rows"][name]["striped_region"]) for name in names]
        rows.append([label, *("exact" if cell is None else f"{cell:.3g}" for cell in cells)])
    models = ", ".join(f"{name}: `{said['rows'][name]['codec']}`" for name in names)
    return (
        "# How transforms change resolution, and what it does to patterns\n\n"
        f"{models};\neach at the level that comes nearest to {said['target_bpp']:g} bits a pixel over all 28 charts. "
        "What the figures mean, and\n"
        "their limits: [docs/charts.md](../docs/charts.md).\n\n"
        f"{table(['', *names], rows)}\n{where(said['machine'])}\n"
    )


if __name__ == "__main__":
    main()

#!/usr/bin/env python
"""A system of results/systems beside JPEG at four ratios, or beside another system, from points that were measured already.

    python tools/compare_at_rates.py dimartino2019-mftr khalaf2019-tanh     PSNR and SSIM at four ratios
    python tools/compare_at_rates.py pca-blocks --against dct-threshold     rate at equal PSNR (BD-rate)

Of each picture's mean curve, linear between its points over the logarithm of the rate; JPEG 4:2:0 is that of
results/kodak, of the same pictures. A ratio is 24 bits a pixel by what the file has.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, table

from calotype.metrics.bjontegaard import bd_rate

RATIOS = (96, 48, 24, 12)
METRICS = ("psnr", "ssim")


def jpeg(names: set[str], metric: str) -> list[tuple[float, float]]:
    """Mean (bpp, metric) over the pictures, at each level."""
    levels: dict[float, list[tuple[float, float]]] = {}
    with gzip.open(RESULTS / "kodak" / "rows.jsonl.gz", "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            if row.get("kind") == "row" and row["codec"] == "jpeg-420" and row["picture"] in names:
                levels.setdefault(row["level"], []).append((row["bpp"], row["metrics"][metric]))
    return sorted((float(np.mean([a for a, _ in of])), float(np.mean([b for _, b in of]))) for of in levels.values())


def at(curve: list[tuple[float, float]], bpp: float, digits: int) -> str:
    rates, values = zip(*curve, strict=True)
    return f"{np.interp(np.log(bpp), np.log(rates), values):.{digits}f}" if rates[0] <= bpp <= rates[-1] else "–"


def rate(anchor: str, system: str) -> str:
    """BD-rate of the mean curves over the pictures that both were measured on, and the range of PSNR."""
    both = [
        json.loads((RESULTS / "systems" / f"{name}.json").read_text("utf-8"))["by_picture"] for name in (anchor, system)
    ]
    names = sorted(set(both[0]) & set(both[1]))
    first, second = (np.mean([of[name] for name in names], axis=0).T.tolist() for of in both)
    found = bd_rate((first[0], first[1]), (second[0], second[1]))
    return f"{found.percent:+.1f} % against {anchor}, {len(names)} pictures, {found.low:.1f} to {found.high:.1f} dB"


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("systems", nargs="+", help="names of files of results/systems")
    flags.add_argument("--against", help="another one: rates at equal PSNR, of the pictures that both have")
    args = flags.parse_args()
    if args.against:
        for system in args.systems:
            print(f"{system}: {rate(args.against, system)}")
        return
    rows, names = [], set()
    for system in args.systems:
        found = json.loads((RESULTS / "systems" / f"{system}.json").read_text("utf-8"))
        names |= set(found["by_picture"])
        curves = [[(point["bpp"], point[metric]) for point in found["points"]] for metric in METRICS]
        rows.append((system, curves))
    rows.append(("jpeg-420", [jpeg(names, metric) for metric in METRICS]))
    head = ["", *(f"1:{ratio} ({24 / ratio:g} bpp)" for ratio in RATIOS)]
    print(table(head, [[name, *(f"{at(psnr, 24 / ratio, 2)} dB, {at(ssim, 24 / ratio, 3)}" for ratio in RATIOS)]
                       for name, (psnr, ssim) in rows]))  # fmt: skip


if __name__ == "__main__":
    main()

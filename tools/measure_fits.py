#!/usr/bin/env python3
"""Fits pictures with `bespoke-quick` or `bespoke` and keeps what came of it in results/systems: one point a fit.

tools/measure_fits.py fit --kodak FOLDER --pictures kodim15,kodim05 --qualities 25,45,65 --effort 5
tools/measure_fits.py --layers fit --kodak FOLDER --effort 5     `bespoke`, fits in layers
tools/measure_fits.py compare       against the curves of the same pictures in results/kodak/rows.jsonl.gz
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calotype.metrics.bjontegaard import bd_rate

ROOT = Path(__file__).parents[1]
SYSTEMS, ROWS = ROOT / "results" / "systems", ROOT / "results" / "kodak" / "rows.jsonl.gz"
RIVALS = ("swift", "x265-444-10b", "avif-444-psnr", "jpegxl-e9", "vvc-420")
FEWEST = 3  # points of a picture, for a Bjontegaard difference


def fit(chosen: argparse.Namespace) -> None:
    from PIL import Image

    from calotype import codec, container, rates
    from calotype.fit import course, efforts
    from calotype.fit.loop import Plan
    from calotype.model import bundle, store
    from calotype.picture import Picture

    name = "bespoke" if chosen.layers else "bespoke-quick"
    model = bundle.read(Path(chosen.model)) if chosen.model else store.find(name)
    effort = efforts.of(chosen.effort, model.manifest.walk) if chosen.effort else efforts.Effort(0)
    for name in chosen.pictures.split(","):
        pixels = np.asarray(Image.open(chosen.kodak / f"{name}.png").convert("RGB"))
        for quality in (float(word) for word in chosen.qualities.split(",")):
            rate, count = rates.index(quality, model.manifest), pixels[..., 0].size
            wall, cpu, log = time.monotonic(), time.process_time(), []
            best = None
            if chosen.effort:
                plan = Plan(iterations=chosen.iterations or effort.iterations, network_rate=effort.network_rate,
                            kinds=effort.kinds)  # fmt: skip
                best = course.fitted(pixels, model, rate, plan, chosen.threads, None)
                log = best.log[:: max(1, len(best.log) // 20)]
            minutes = [round((time.monotonic() - wall) / 60, 2), round((time.process_time() - cpu) / 60, 2)]
            data = codec.encode(
                Picture.of(pixels), model, rate_index=rate, threads=chosen.threads, check=False, fitted=best
            )
            began = time.process_time()
            found = codec.decode(data, model=model, threads=1).pixels.astype(float)
            point = {
                "picture": name, "quality": quality, "effort": chosen.effort, "bytes": len(data),
                "iterations": best.iterations if best else 0, "bpp": round(8 * len(data) / count, 5),
                "psnr_db": round(10 * np.log10(255**2 / ((found - pixels) ** 2).mean()), 4),
                "weights_bytes": sum(len(segment.data) for segment in container.parse(data).shared),
                "minutes": minutes[0], "cpu_minutes": minutes[1], "decode_cpu_s": round(time.process_time() - began, 3),
                "identity": model.identity[:8].hex(), "log": log,
            }  # fmt: skip
            print({key: value for key, value in point.items() if key != "log"}, flush=True)
            points = json.loads(chosen.results.read_text()) if chosen.results.exists() else []
            same = ("picture", "quality", "effort", "iterations", "identity")
            points = [old for old in points if any(old[key] != point[key] for key in same)]
            chosen.results.parent.mkdir(parents=True, exist_ok=True)
            chosen.results.write_text(json.dumps([*points, point], indent=1) + "\n")


def compare(chosen: argparse.Namespace) -> None:
    """Bytes against each rival's curve at the same PSNR, interpolated in the logarithm of the rate, and their mean ratio.

    Means are over points, of a rival over those within its curve, whose number follows in brackets where they are not
    all. Below them: decibels above swift's at the same number of the quality dial, and Bjontegaard differences for efforts
    of three points or more on every picture (one less than usual, over the decibels that both curves reach).
    """
    with gzip.open(ROWS, "rt") as stream:
        rows = [json.loads(line) for line in stream]
    print("| picture | quality | effort | bpp | dB | weights | min |", " | ".join(RIVALS), "|")
    print("|" + "---|" * (7 + len(RIVALS)))
    points = sorted(json.loads(chosen.results.read_text()), key=lambda p: (p["picture"], p["effort"], p["quality"]))
    ratios = defaultdict(list)
    for point in points:
        found = [_against(rival, point, rows) for rival in RIVALS]
        ratios[point["effort"]].append(found)
        share = 100 * point["weights_bytes"] / point["bytes"]
        print(f"| {point['picture']} | {point['quality']:g} | {point['effort']} | {point['bpp']:.4f} "
              f"| {point['psnr_db']:.2f} | {share:.1f} % | {point['cpu_minutes']} | " + _said(found) + " |")  # fmt: skip
    for effort, found in sorted(ratios.items()):
        print(f"| mean of {len(found)} | | {effort} | | | | | " + _means(np.array(found)) + " |")
    for effort in sorted(ratios):
        _scale(effort, [point for point in points if point["effort"] == effort], rows)
        _differences(effort, [point for point in points if point["effort"] == effort], rows)


def _scale(effort: int, points: list[dict], rows: list[dict]) -> None:
    """Says how many decibels points lie above swift at the same quality."""
    above = []
    for point in points:
        levels, _, psnr = zip(*sorted(_curve("swift", point["picture"], rows)), strict=True)
        above.append(point["psnr_db"] - np.interp(point["quality"], levels, psnr))
    print(f"effort {effort}: {np.mean(above):+.2f} dB on swift's dial ({min(above):+.2f} to {max(above):+.2f})")


def _differences(effort: int, points: list[dict], rows: list[dict]) -> None:
    """Says the Bjontegaard differences of each picture's points, where there are enough of them."""
    ours = defaultdict(list)
    for point in points:
        ours[point["picture"]].append((point["bpp"], point["psnr_db"]))
    if min(map(len, ours.values())) < FEWEST:
        return
    for rival in RIVALS:
        found = []
        for picture, curve in ours.items():
            _, bpp, psnr = zip(*_curve(rival, picture, rows), strict=True)
            found.append(bd_rate((bpp, psnr), tuple(zip(*curve, strict=True)), fewest=FEWEST))
        said = ", ".join(
            f"{picture} {one.percent:+.1f} % ({one.low:.1f} to {one.high:.1f} dB)"
            for picture, one in zip(ours, found, strict=True)
        )
        print(f"effort {effort}: BD-rate against {rival} {np.mean([one.percent for one in found]):+.1f} %: {said}")


def _curve(codec: str, picture: str, rows: list[dict]) -> list[tuple[float, float, float]]:
    """(Level, bpp, PSNR) of the codec's rows of that picture."""
    return [
        (row["level"], row["bpp"], row["metrics"]["psnr"])
        for row in rows
        if row.get("codec") == codec and row.get("picture") == f"{picture}.png"
    ]


def _against(rival: str, point: dict, rows: list[dict]) -> float:
    """Bytes of the point as a share of the rival's at its PSNR on the same picture; NaN outside of the rival's curve."""
    curve = sorted((psnr, bpp) for _, bpp, psnr in _curve(rival, point["picture"], rows))
    psnr, bpp = (np.array(column) for column in zip(*curve, strict=True))
    inside = psnr[0] <= point["psnr_db"] <= psnr[-1]
    return float(point["bpp"] / np.exp(np.interp(point["psnr_db"], psnr, np.log(bpp)))) if inside else np.nan


def _means(ratios: np.ndarray) -> str:
    """Geometric means of [points, rivals]."""
    inside = [column[~np.isnan(column)] for column in ratios.T]
    means = [np.exp(np.log(column).mean()) if len(column) else np.nan for column in inside]
    counts = [f" ({len(column)})" if len(column) < len(ratios) else "" for column in inside]
    return " | ".join(_said([mean]) + count for mean, count in zip(means, counts, strict=True))


def _said(ratios: Sequence[float]) -> str:
    return " | ".join("-" if np.isnan(ratio) else f"{100 * (ratio - 1):+.1f} %" for ratio in ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", action="store_true", help="of bespoke instead of bespoke-quick")
    parser.add_argument("--results", type=Path, help="instead of the file of that recipe in results/systems")
    verbs = parser.add_subparsers(required=True)
    fitting = verbs.add_parser("fit")
    fitting.add_argument("--kodak", type=Path, required=True)
    fitting.add_argument("--pictures", default="kodim05,kodim15,kodim23")
    fitting.add_argument("--qualities", default="30,50,70")
    fitting.add_argument("--effort", type=int, default=5)
    fitting.add_argument("--iterations", type=int, help="instead of the effort's")
    fitting.add_argument(
        "--model", help="a .calomodel file; by default the installed `bespoke-quick`, or with --layers `bespoke`"
    )
    fitting.add_argument("--threads", type=int, default=1)
    fitting.set_defaults(run=fit)
    verbs.add_parser("compare").set_defaults(run=compare)
    chosen = parser.parse_args()
    name = "bespoke-layers-fits.json" if chosen.layers else "bespoke-fits.json"
    chosen.results = chosen.results or SYSTEMS / name
    chosen.run(chosen)


if __name__ == "__main__":
    main()

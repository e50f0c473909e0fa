#!/usr/bin/env python
"""A system's Kodak points, from whole files: results/systems/RECIPE[-SIZE].json, and the rows that its page quotes.

    python tools/measure_system.py dct-threshold --kodak KODAK --data PICTURES         a designed recipe, made now
    python tools/measure_system.py balle2016-gdn --kodak KODAK --model FILE.calomodel  a trained one
    python tools/measure_system.py dct-threshold --kodak KODAK --time-only [...]       its speed again, on a quiet machine

Points are means over the pictures at each level of the dial, as in results/kodak, whose curve of JPEG 4:2:0 they are
compared with. Comparing many codecs on a page with pictures is `calotype bench`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, load_of_machine, machine, model_said, pictures, pixels_of, table

from calotype import codec, metrics, zoo
from calotype.errors import UsageError
from calotype.metrics.bjontegaard import bd_rate
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.train import design

LEVELS = (1.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 100.0)
METRICS = ("psnr", "ssim", "ms-ssim", "ms-ssim-db")
ANCHOR = "jpeg-420"
FOLDER = RESULTS / "systems"


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("recipe", help="name of the recipe")
    flags.add_argument("--size", default="default", help="one of the recipe's sizes")
    flags.add_argument("--kodak", type=Path, required=True, help="the folder with the 24 Kodak pictures")
    flags.add_argument("--data", type=Path, help="pictures to design from; never those that are measured")
    flags.add_argument("--model", type=Path, help="a frozen model instead of a design")
    flags.add_argument("--levels", help=f"qualities, with commas (default {','.join(f'{x:g}' for x in LEVELS)})")
    flags.add_argument("--jobs", type=int, default=1, help="pictures at a time")
    flags.add_argument("--time-only", action="store_true", help="replace the seconds, keep the points")
    args = flags.parse_args()

    target = FOLDER / (args.recipe + ("" if args.size == "default" else f"-{args.size}") + ".json")
    model, design_s = _model(args)
    files = pictures(args.kodak)
    found = json.loads(target.read_text("utf-8")) if args.time_only else _points(model, files, args)
    found["model"] = model_said(model) | {"bytes": len(bundle.write(model)), "design_s": design_s}
    found["speed"] = _speed(model, files[:3])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_json(found), encoding="utf-8")
    print(_said(found))


def _model(args: argparse.Namespace) -> tuple[Model, float | None]:
    """The model, and how many seconds its design took if it was designed now."""
    if args.model:
        return bundle.read(args.model), None
    if not args.data:
        raise UsageError("--data", value=None, allowed="a folder of pictures to design from, or --model")
    crops = design.pictures(args.data)
    began = time.perf_counter()
    model = design.model_of(zoo.recipe(args.recipe), crops, size=args.size)
    return model, round(time.perf_counter() - began, 1)


def _points(model: Model, files: Sequence[Path], args: argparse.Namespace) -> dict[str, Any]:
    """Means at each level, and the Bjontegaard rate against JPEG's mean curve."""
    levels = tuple(float(x) for x in args.levels.split(",")) if args.levels else LEVELS
    data = bundle.write(model)
    per_picture: list[list[dict[str, float]]] = []
    with ProcessPoolExecutor(args.jobs, initializer=_open, initargs=(data,)) as pool:
        for file, row in zip(files, pool.map(_picture, files, [levels] * len(files)), strict=True):
            per_picture.append(row)
            print(f"{file.name}: {row[0]['bpp']:.3f} to {row[-1]['bpp']:.3f} bpp", file=sys.stderr, flush=True)
    points = [
        {"level": level} | {name: round(float(np.mean([row[place][name] for row in per_picture])), 4)
                            for name in ("bpp", *METRICS)}
        for place, level in enumerate(levels)
    ]  # fmt: skip
    return {
        "recipe": args.recipe, "size": args.size, "dataset": "kodak", "pictures": len(files), "points": points,
        "bd_rate": {name: _against(ANCHOR, {file.name for file in files}, points, name)
                    for name in ("psnr", "ssim", "ms-ssim-db")},
        "anchor": ANCHOR,
        "by_picture": {file.name: [[row["bpp"], row["psnr"]] for row in rows]
                       for file, rows in zip(files, per_picture, strict=True)},
    }  # fmt: skip


_OPENED: list[Model] = []


def _open(data: bytes) -> None:
    _OPENED[:] = [bundle.read(data)]


def _picture(file: Path, levels: Sequence[float]) -> list[dict[str, float]]:
    pixels = pixels_of(file)
    rows = []
    for level in levels:
        written = codec.encode(Picture.of(pixels), _OPENED[0], quality=level, check=False)
        decoded = codec.decode(written, model=_OPENED[0]).pixels
        measured = metrics.measure(METRICS, pixels, decoded)
        bpp = 8 * len(written) / (pixels.shape[0] * pixels.shape[1])
        rows.append({"bpp": round(bpp, 5)} | {name: round(float(measured[name]), 5) for name in METRICS})
    return rows


def _against(anchor: str, names: set[str], points: Sequence[dict[str, float]], metric: str) -> dict[str, float] | None:
    """Percent of rate at equal quality, and the range of quality in which both have points; None where there is none."""
    levels: dict[float, list[tuple[float, float]]] = {}
    with gzip.open(RESULTS / "kodak" / "rows.jsonl.gz", "rt", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            if row.get("kind") == "row" and row["codec"] == anchor and row["picture"] in names:
                levels.setdefault(row["level"], []).append((row["bpp"], row["metrics"][metric]))
    theirs = np.array(sorted(tuple(np.mean(of, axis=0)) for of in levels.values()))
    try:
        found = bd_rate(
            (theirs[:, 0].tolist(), theirs[:, 1].tolist()),
            ([point["bpp"] for point in points], [point[metric] for point in points]),
        )
    except (UsageError, ValueError):
        return None
    return {"percent": round(found.percent, 2), "low": round(found.low, 2), "high": round(found.high, 2)}


def _speed(model: Model, files: Sequence[Path]) -> dict[str, Any]:
    """Megapixels a second in the middle of the dial, median over pictures, one thread and two; the check not counted."""
    said: dict[str, Any] = {}
    with load_of_machine(said):
        for threads in (1, 2):
            encode_s, decode_s, megapixels = [], [], []
            for file in files:
                pixels = pixels_of(file)
                began = time.perf_counter()
                written = codec.encode(Picture.of(pixels), model, quality=50, check=False, threads=threads)
                between = time.perf_counter()
                codec.decode(written, model=model, threads=threads)
                encode_s.append(between - began)
                decode_s.append(time.perf_counter() - between)
                megapixels.append(pixels.shape[0] * pixels.shape[1] / 1e6)
            said[f"threads_{threads}"] = {
                name: round(statistics.median(mp / s for mp, s in zip(megapixels, seconds, strict=True)), 3)
                for name, seconds in (("encode_mp_s", encode_s), ("decode_mp_s", decode_s))
            }
    return said | {"machine": machine()}


def _json(found: dict[str, Any]) -> str:
    """JSON with a line for each list of numbers; the PSNR of what is exact is null, as JSON has no infinity."""
    plain = re.sub(r"\bInfinity\b", "null", json.dumps(found, indent=1))
    return re.sub(r"\[([\s\d.,e-]+|[\s\d.]+,\s*null\s*)\]", lambda it: f"[{' '.join(it[1].split())}]", plain) + "\n"


def _said(found: dict[str, Any]) -> str:
    rows = [[f"{p['level']:g}", f"{p['bpp']:.3f}", "exact" if p["psnr"] in (None, np.inf) else f"{p['psnr']:.2f}",
             f"{p['ssim']:.4f}", f"{p['ms-ssim']:.4f}"] for p in found["points"]]  # fmt: skip
    against = ", ".join(
        f"{name} {rate['percent']:+.1f} % ({rate['low']:g} to {rate['high']:g})" if rate else f"{name}: no common range"
        for name, rate in found["bd_rate"].items()
    )
    speed = ", ".join(f"{key.removeprefix('threads_')} thread(s): encode {value['encode_mp_s']} MP/s, decode "
                      f"{value['decode_mp_s']} MP/s" for key, value in found["speed"].items()
                      if key.startswith("threads"))  # fmt: skip
    head = ["quality", "bpp", "PSNR, dB", "SSIM", "MS-SSIM"]
    return f"{table(head, rows)}\nBD-rate against {found['anchor']}: {against}\n{speed}\n"


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What PSNR a model reaches on nearly all photographs, by quality: its promise, measured and written into its manifest.

    tools/measure_promise.py --data FOLDER [--model FILE] [--write FILE]

Photographs are taken in the order in which training takes them for validation, the held-out ones first. The promise is
the 5th percentile minus a margin, and nothing that a photograph here breaks; an encoder that finds less raises the rate
or codes exactly (calotype/checking.py). The identity of a model does not depend on it, so no picture file does.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from measuring import load_model, model_said, pixels_of

from calotype import codec, metrics
from calotype.model import bundle
from calotype.picture import Picture

QUALITIES = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
PERCENTILE = 5
MARGIN_DB = 1.5
LEAST_MARGIN_DB = 0.5  # below the worst photograph


def photographs(folder: Path, count: int) -> list[Path]:
    """One picture of each of `count` photographs, in the order of train/data.py's validation."""
    index = folder / "index.csv"
    origins = {}
    if index.exists():
        with index.open(newline="", encoding="utf-8") as lines:
            origins = {row["file"]: row.get("origin_path") or row["file"] for row in csv.DictReader(lines)}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".avif"):
            found.setdefault(origins.get(path.name, path.name), path)
    return [found[o] for o in sorted(found, key=lambda o: hashlib.sha256(b"validation " + o.encode()).digest())][:count]


def middles(folder: Path, count: int, side: int) -> list[Picture]:
    """The middle `side` x `side` pixels of `count` photographs."""
    found = []
    for path in photographs(folder, count):
        pixels = pixels_of(path)
        top, left = (max(0, (length - side) // 2) for length in pixels.shape[:2])
        found.append(Picture(pixels[top : top + side, left : left + side]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--side", type=int, default=512, help="of the middle of each picture, in pixels")
    parser.add_argument("--write", type=Path, help="a .calomodel with the promise in its manifest")
    given = parser.parse_args()
    model, psnr = load_model(given.model), []
    for picture in middles(given.data, given.count, given.side):
        row = []
        for quality in QUALITIES:
            data = codec.encode(picture, model, quality=quality, check=False)
            row.append(metrics.psnr(picture.pixels, codec.decode(data, model=model).pixels))
        psnr.append(row)
    low = np.percentile(np.array(psnr), PERCENTILE, axis=0) - MARGIN_DB
    low = np.minimum(low, np.min(psnr, axis=0) - LEAST_MARGIN_DB)
    promise = tuple((float(quality), round(float(db), 1)) for quality, db in zip(QUALITIES, low, strict=True))
    said = {"model": model_said(model), "photographs": len(psnr), "percentile": PERCENTILE, "margin_db": MARGIN_DB}
    spread = {q: [round(float(v), 2) for v in np.percentile(column, (0, 5, 50, 95))] for q, column in
              zip(QUALITIES, np.array(psnr).T, strict=True)}  # fmt: skip
    print(json.dumps(said | {"psnr_min_5_50_95": spread, "promise": promise}))
    if given.write:
        given.write.write_bytes(bundle.write(replace(model, manifest=replace(model.manifest, promise=promise))))


if __name__ == "__main__":
    main()

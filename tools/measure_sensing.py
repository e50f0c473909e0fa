#!/usr/bin/env python
"""Compressive sensing on Set5 and Set14: as published, without quantizing, and in bytes; results/sensing.json.

    python tools/measure_sensing.py --classic FOLDER --data PICTURES

FOLDER holds set5_*.png and set14_*.png. Luma as the papers take it (ITU-R BT.601, 16 to 235), mean PSNR over pictures of a
peak of 255. In bytes, luma is a grey picture, the model's share of samples is fixed, and JPEG has as many bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, pixels_of, table
from PIL import Image

from calotype import codec, recovery, sensing, zoo
from calotype.picture import Picture
from calotype.train import design

RATIOS = (0.10, 0.25, 0.50)
METHODS = ("linear", "omp", "l1", "wiener", "spl", "dct")  # the last: low frequencies, recovered linearly
QUALITIES = (45.0, 75.0)
SIDE, ITERATIONS = 32, 60
LUMA = np.array([65.481, 128.553, 24.966]) / 255


def luma_of(file: Path) -> np.ndarray:
    return np.round(16 + pixels_of(file) @ LUMA).astype(np.uint8)


def psnr(found: np.ndarray, plane: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(np.clip(found, 0, 255).astype(float) - plane).mean()))


def unquantized(plane: np.ndarray, ratio: float, method: str) -> float:
    height, width = plane.shape
    padded = np.pad(plane.astype(np.float32) - 128, ((0, -height % SIDE), (0, -width % SIDE)), mode="edge")
    rows = sensing.matrix("dct" if method == "dct" else "gaussian", SIDE, round(ratio * SIDE * SIDE))
    measured = sensing.measured(padded, rows)
    found = recovery.recovered(measured, rows, "linear" if method == "dct" else method, ITERATIONS)
    return psnr(found[:height, :width] + 128, plane)


def jpeg(plane: np.ndarray, size: int) -> float:
    """PSNR of the best grey JPEG of at most `size` bytes; of the worst there is, where none is so small."""
    best = None
    for quality in range(1, 101):
        target = io.BytesIO()
        Image.fromarray(plane).save(target, "JPEG", quality=quality, optimize=True)
        if best is not None and target.tell() > size:
            break
        best = psnr(np.asarray(Image.open(target)), plane)
    assert best is not None
    return best


def in_bytes(model: Any, plane: np.ndarray, quality: float) -> tuple[float, float, float]:
    """bpp, PSNR, PSNR of JPEG at as many bytes."""
    written = codec.encode(Picture.of(np.repeat(plane[..., None], 3, 2)), model, quality=quality, check=False)
    found = codec.decode(written, model=model).pixels.mean(2)
    return 8 * len(written) / plane.size, psnr(found, plane), jpeg(plane, len(written))


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--classic", type=Path, required=True, help="the folder with Set5 and Set14")
    flags.add_argument("--data", type=Path, required=True, help="pictures to design from")
    args = flags.parse_args()
    crops = design.pictures(args.data, most_px=1_000_000)
    recipe = zoo.recipe("bcs-spl")
    models = {ratio: design.model_of(replace(recipe, sizes={"here": {"ratio": ratio}}), crops, size="here")
              for ratio in RATIOS}  # fmt: skip
    found: dict[str, Any] = {}
    for name in ("set5", "set14"):
        planes = {file.stem: luma_of(file) for file in sorted(args.classic.glob(f"{name}_*.png"))}
        said: dict[str, Any] = {"pictures": sorted(planes), "unquantized": {}, "bytes": {}}
        for ratio in RATIOS:
            rows = [in_bytes(models[ratio], plane, quality) for quality in QUALITIES for plane in planes.values()]
            means = np.array(rows).reshape(len(QUALITIES), len(planes), 3).mean(1)
            said["bytes"][f"{ratio:g}"] = [
                dict(zip(("bpp", "psnr", "jpeg"), row, strict=True)) for row in means.round(3).tolist()
            ]
        for method in METHODS:
            said["unquantized"][method] = {
                f"{ratio:g}": round(float(np.mean([unquantized(plane, ratio, method) for plane in planes.values()])), 2)
                for ratio in RATIOS
            }
            print(name, method, said["unquantized"][method], file=sys.stderr, flush=True)
        found[name] = said
    target = RESULTS / "sensing.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name, said in found.items():
        print(name, f"({len(said['pictures'])} pictures)")
        ratios = [f"{ratio:.0%}" for ratio in RATIOS]
        rows = [[method, *(f"{value:.2f}" for value in row.values())] for method, row in said["unquantized"].items()]
        print(table(["recovery", *ratios], rows))
        rows = [[f"{float(ratio):.0%}", f"{row['bpp']:.2f}", f"{row['psnr']:.2f}", f"{row['jpeg']:.2f}"]
                for ratio, of in said["bytes"].items() for row in of]  # fmt: skip
        print(table(["samples", "bpp", "PSNR, dB", "JPEG, dB"], rows))


if __name__ == "__main__":
    main()

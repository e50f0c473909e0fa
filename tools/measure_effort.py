#!/usr/bin/env python
"""What effort brings: bytes at equal PSNR against effort 0, and time, on held-out photographs: results/effort.json and .md.

    python tools/measure_effort.py PICTURES [--efforts 0,1,2,3,6,9] [--count 8] [--model FILE.calomodel]

PICTURES is the folder that the model was trained on; of it, those that training never saw are taken (train/data.py).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measure_promise import middles
from measuring import load_model, machine, model_said, table, where, write

from calotype import codec, metrics
from calotype.metrics.bjontegaard import bd_rate
from calotype.model.bundle import Model
from calotype.picture import Picture

QUALITIES = (12.0, 30.0, 55.0, 80.0)
SIDE_PX = 512


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("pictures", type=Path, help="the folder that the model was trained on")
    flags.add_argument("--efforts", default="0,1,2,3,6,9", help="with commas; 0 is what the others are compared with")
    flags.add_argument("--count", type=int, default=8, help="how many held-out photographs")
    flags.add_argument("--model", type=Path, help="a model that is not installed")
    args = flags.parse_args()
    efforts = [int(effort) for effort in args.efforts.split(",")]
    model, shown = load_model(args.model), middles(args.pictures, args.count, SIDE_PX)

    rows, curves = [], {}
    for effort in efforts:
        points, began = [], time.process_time()
        for quality in QUALITIES:
            found = [_coded(picture, model, quality, effort) for picture in shown]
            points.append(tuple(np.mean(found, axis=0)))
        seconds = time.process_time() - began
        curves[effort] = (tuple(rate for rate, _ in points), tuple(psnr for _, psnr in points))
        percent = bd_rate(curves[efforts[0]], curves[effort]).percent
        megapixels = len(QUALITIES) * sum(picture.width_px * picture.height_px for picture in shown) / 1e6
        rows.append({"effort": effort, "percent": round(percent, 2), "cpu_s_per_mp": round(seconds / megapixels, 3)})
        print(rows[-1], file=sys.stderr, flush=True)
    said = {
        "model": model_said(model),
        "machine": machine(),
        "pictures": len(shown),
        "qualities": QUALITIES,
        "rows": rows,
    }
    lines = [[row["effort"], f"{row['percent']:+.2f} %", f"{row['cpu_s_per_mp']:.2f}"] for row in rows]
    dial = ", ".join(f"{quality:g}" for quality in QUALITIES)
    page = f"""# Effort

Bytes of whole files at equal PSNR against effort 0 (BD-rate over qualities {dial}), and seconds of one core to
encode and decode a megapixel, without the encoder's check; {len(shown)} held-out photographs of at most {SIDE_PX}x{SIDE_PX}.

{table(["effort", "bytes", "seconds"], lines)}
{where(said["machine"])}
"""
    write("effort", said, page)


def _coded(picture: Picture, model: Model, quality: float, effort: int) -> tuple[float, float]:
    """Bits per pixel and PSNR."""
    written = codec.encode(picture, model, quality=quality, effort=effort, check=False, threads=1)
    decoded = codec.decode(written, model=model, threads=1).pixels
    return metrics.bpp(len(written), picture.width_px, picture.height_px), metrics.psnr(picture.pixels, decoded)


if __name__ == "__main__":
    main()

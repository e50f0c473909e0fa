#!/usr/bin/env python3
"""What a learned start brings to fits of `bespoke-layers`: the same fits from it and from networks drawn at random.

    tools/measure_starts.py --data PICTURES [--crops 2] [--side 384] [--iterations 250 1000]

The middle of pictures that are held out for validation; whole files, networks included, decoded again.
Writes results/systems/bespoke-layers-starts.json and prints the table.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import RESULTS, centre, pixels_of, table

from calotype import codec, container, rates, zoo
from calotype.fit import course
from calotype.fit.loop import Plan
from calotype.fit.start import HELD_OUT, with_rows
from calotype.model import store
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.train import data, design


def fitted(pixels: np.ndarray, model: Model, quality: float, iterations: int) -> dict[str, Any]:
    """The file of one fit in figures; cost is bits a pixel + lambda * squared error, what a fit lowers."""
    began, rate = time.process_time(), rates.index(quality, model.manifest)
    best = course.fitted(pixels, model, rate, Plan(iterations=iterations), 1, None)
    file = codec.encode(Picture.of(pixels), model, rate_index=rate, threads=1, check=False, fitted=best)
    found = codec.decode(file, model=model, threads=1).pixels.astype(float)
    mse, count = float(np.square(found - pixels).mean()), pixels[..., 0].size
    lambda_ = float(np.exp(model.floats("log_lambda", rate)[0]))
    return {
        "iterations": iterations,
        "cost": 8 * len(file) / count + lambda_ * mse,
        "bpp": 8 * len(file) / count,
        "psnr_db": 10 * np.log10(255**2 / mse),
        "weights_bytes": sum(len(segment.data) for segment in container.parse(file).shared),
        "cpu_minutes": (time.process_time() - began) / 60,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--crops", type=int, default=2)
    parser.add_argument("--side", type=int, default=384)
    parser.add_argument("--iterations", type=int, nargs="+", default=[250, 1000])
    parser.add_argument("--quality", type=float, default=50)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    learned = store.find("bespoke")
    random = design.model_of(zoo.recipe("bespoke-layers"), [np.zeros((64, 64, 3), np.uint8)]).table("start")
    starts = {"random networks": with_rows(learned, {"start": random}, {}), "learned": learned}
    _, sources = data.split(data.find(chosen.data), HELD_OUT)
    rows: list[dict[str, Any]] = []
    for source in sources[:: max(1, len(sources) // chosen.crops)][: chosen.crops]:
        pixels = centre(pixels_of(source.path), chosen.side, chosen.side)
        for iterations in chosen.iterations:
            for start, model in starts.items():
                found = fitted(pixels, model, chosen.quality, iterations)
                rows.append({"picture": source.path.stem, "start": start, **found})
                print(rows[-1], flush=True)
    said = {"side": chosen.side, "quality": chosen.quality, "rows": rows}
    (RESULTS / "systems" / "bespoke-layers-starts.json").write_text(json.dumps(said, indent=1) + "\n")
    print(table(("picture", "iterations", "start", "cost", "bpp", "dB", "networks, bytes"), [
        (row["picture"], row["iterations"], row["start"], f"{row['cost']:.4f}", f"{row['bpp']:.4f}", f"{row['psnr_db']:.2f}",
         row["weights_bytes"])
        for row in rows
    ]))  # fmt: skip


if __name__ == "__main__":
    main()

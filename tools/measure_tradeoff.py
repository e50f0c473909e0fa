#!/usr/bin/env python3
"""How strongly the encoder of a model should prefer few bits: its quantizer's trade-off, measured and written into it.

    tools/measure_tradeoff.py --data FOLDER [--model FILE] [--write FILE]

A quantizer that gives up a coefficient sees what that saves in its own code and what it costs in squared error of the
wavelet, not what contexts, post-filter and overlapping errors make of it. So one factor on the trade-off, the worth of a
squared step in bits, is found by BD-rate (PSNR, whole files) on photographs held out from training. A decoder knows
nothing of it: neither identity nor files change.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure_promise import middles
from measuring import load_model, model_said

from calotype import codec, metrics
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.picture import Picture

QUALITIES = (12, 25, 40, 55, 70, 85)
FACTORS = (0.85, 1.15, 1.3, 1.45, 1.6)
PREFIX = "anchors/log_tradeoff."


def with_factor(model: Model, factor: float) -> Model:
    """The same model whose squared steps are worth `factor` times as many bits."""
    floats = {
        name: (array + np.float32(np.log(factor))).astype(np.float32) if name.startswith(PREFIX) else array
        for name, array in model.encoder_floats.items()
    }
    return replace(model, encoder_floats=floats)


def curves(model: Model, pictures: list[Picture]) -> tuple[np.ndarray, np.ndarray]:
    """Rates and PSNR, both [qualities, pictures]."""
    rows = []
    for quality in QUALITIES:
        files = [codec.encode(picture, model, quality=quality, check=False) for picture in pictures]
        rows.append(
            [
                (
                    metrics.bpp(len(data), picture.width_px, picture.height_px),
                    metrics.psnr(picture.pixels, codec.decode(data, model=model).pixels),
                )
                for data, picture in zip(files, pictures, strict=True)
            ]
        )
    return tuple(np.moveaxis(np.array(rows), -1, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--side", type=int, default=512, help="of the middle of each picture, in pixels")
    parser.add_argument("--write", type=Path, help="a .calomodel with the best factor in its trade-off")
    given = parser.parse_args()
    model, pictures = load_model(given.model), middles(given.data, given.count, given.side)
    anchor, found = curves(model, pictures), {1.0: 0.0}
    for factor in FACTORS:
        tried = curves(with_factor(model, factor), pictures)
        each = [
            metrics.bd_rate((anchor[0][:, i], anchor[1][:, i]), (tried[0][:, i], tried[1][:, i])).percent
            for i in range(len(pictures))
        ]
        found[factor] = round(float(np.mean(each)), 3)
    best = min(found, key=lambda factor: found[factor])
    print(json.dumps({"model": model_said(model), "pictures": len(pictures), "bd_rate_percent": found, "best": best}))
    if given.write:
        given.write.write_bytes(bundle.write(with_factor(model, best)))


if __name__ == "__main__":
    main()

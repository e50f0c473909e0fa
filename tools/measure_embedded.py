#!/usr/bin/env python
"""SPIHT on classic grey pictures at the rates of the literature, beside what was published: results/systems/spiht-classic.json.

    python tools/measure_embedded.py --classic PICTURES --data PICTURES [--model FILE --binary FILE]

Each rate is reached twice: by a file made for it, and by cutting one file of the highest quality. Both are whole files.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, machine, table

from calotype import codec, cutting, targets, zoo
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.rates import Target
from calotype.train import design

RATES = (0.25, 0.5, 1.0)
# Said and Pearlman 1996, with arithmetic coding, as collected by their authors; dB at the three rates.
PUBLISHED = {"barbara": (27.58, 31.40, 36.41)}


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--classic", type=Path, required=True, help="a folder with grey_NAME.png of 512x512")
    flags.add_argument("--data", type=Path, help="pictures to design from, where no models are given")
    flags.add_argument("--model", type=Path, help="a model of spiht")
    flags.add_argument("--binary", type=Path, help="one of its size binary")
    args = flags.parse_args()
    crops = design.pictures(args.data) if args.data else []
    models = {
        "spiht": _model(args.model, crops, "default"),
        "spiht, binary": _model(args.binary, crops, "binary"),
    }
    found: dict[str, Any] = {}
    for path in sorted(args.classic.glob("grey_*.png")):
        pixels = np.asarray(Image.open(path).convert("L"))
        if pixels.shape == (512, 512):
            found[path.stem.removeprefix("grey_")] = _measured(pixels, models)
    target = RESULTS / "systems" / "spiht-classic.json"
    target.parent.mkdir(exist_ok=True)
    said = {"rates_bpp": RATES, "published_db": PUBLISHED, "machine": machine(), "psnr_db": found}
    target.write_text(json.dumps(said, indent=1) + "\n")
    for name, rows in found.items():
        lines = [[name, kind, *(f"{db:.2f}" for db in values)] for kind, values in rows.items()]
        lines += [[name, "published", *(f"{db:.2f}" for db in PUBLISHED[name])]] if name in PUBLISHED else []
        print(table(["picture", "codec", *(f"{rate} bpp" for rate in RATES)], lines))


def _model(path: Path | None, crops: list[np.ndarray], size: str) -> Model:
    return bundle.read(path) if path else design.model_of(zoo.recipe("spiht"), crops, size=size)


def _measured(pixels: np.ndarray, models: dict[str, Model]) -> dict[str, list[float]]:
    """PSNR in dB at each rate, by codec."""
    picture, found = Picture.of(pixels), {}
    for name, model in models.items():
        best = codec.encode(picture, model, quality=95, check=False)
        made, cut = [], []
        for rate in RATES:
            data = targets.encode(picture, model, Target("bpp", rate), check=False).data
            assert 8 * len(data) <= rate * pixels.size
            made.append(_psnr(pixels, _decoded(data, model)))
            shorter = cutting.cut(best, int(rate * pixels.size / 8), model=model)
            cut.append(_psnr(pixels, _decoded(shorter, model)))
        found |= {name: made, f"{name}, one file cut": cut}
    return found | {"JPEG 2000 (OpenJPEG)": [_psnr(pixels, _openjpeg(pixels, rate)) for rate in RATES]}


def _decoded(data: bytes, model: Model) -> np.ndarray:
    return codec.decode(data, model=model).pixels[..., 0]


def _openjpeg(pixels: np.ndarray, rate: float) -> np.ndarray:
    """OpenJPEG's picture in at most that rate, by its own rate control."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG2000", quality_mode="rates", quality_layers=[8 / rate], irreversible=True)
    return np.asarray(Image.open(stream))


def _psnr(one: np.ndarray, other: np.ndarray) -> float:
    return round(float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean())), 2)


if __name__ == "__main__":
    main()

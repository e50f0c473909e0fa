#!/usr/bin/env python3
"""Lossless files of the same pictures by every predictor and coder: bpp, and processor seconds a megapixel.

    python tools/measure_coders.py --kodak KODAK --data PICTURES [--every 1] [--only PREDICTOR[:CODER]]

Real files at quality 100, decoded and compared; beside them Calotype's own lossless tiles, PNG, WebP and JPEG-LS.
Writes results/systems/coders.json and prints the table of docs/systems/lossless-coders.md.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, load_of_machine, machine, pictures, pixels_of, table
from PIL import Image

from calotype import codec, zoo
from calotype.picture import Picture
from calotype.train import design

# predictor and coder; the first eight share one predictor, the next six one coder.
PAIRS = (
    ("med", "rle"), ("med", "deflate"), ("med", "lzw"), ("med", "huffman"), ("med", "golomb"), ("med", "arithmetic"),
    ("med", "binary"), ("med", "context"),
    ("left", "context"), ("paeth", "context"), ("gradient", "context"), ("block", "context"), ("mlp", "context"),
    ("cnn", "context"), ("block", "huffman"), ("gradient", "arithmetic"),
)  # fmt: skip


def others(pixels: np.ndarray) -> dict[str, int]:
    """Bytes of other lossless coders."""
    found = {"Calotype's lossless tiles": len(codec.encode(Picture.of(pixels), None, lossless=True))}
    for name, kind, settings in (("PNG", "png", {"optimize": True}), ("WebP", "webp", {"lossless": True, "method": 4})):
        held = io.BytesIO()
        Image.fromarray(pixels).save(held, kind, **settings)
        found[name] = held.tell()
    try:
        import imagecodecs

        found["JPEG-LS"] = len(imagecodecs.jpegls_encode(pixels))
    except (ImportError, AttributeError):
        pass
    return found


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--kodak", type=Path, required=True, help="the folder with the 24 Kodak pictures")
    flags.add_argument("--data", type=Path, required=True, help="pictures to design from")
    flags.add_argument("--every", type=int, default=1, help="each so many pictures only")
    flags.add_argument("--only", help="measure this predictor (and coder), and keep what was measured of the others")
    args = flags.parse_args()
    kept: dict[str, Any] = {"rows": []}
    if args.only:
        kept = json.loads((RESULTS / "systems" / "coders.json").read_text("utf-8"))
    crops, recipe = design.pictures(args.data, most_px=1_000_000), zoo.recipe("predictive-lossless")
    files = pictures(args.kodak)[:: args.every]
    rows: list[dict[str, Any]] = []
    data: dict[str, Any] = {"pictures": len(files), "machine": machine(), "rows": rows}
    with load_of_machine(data):
        for predictor, coder in PAIRS:
            before = [row for row in kept["rows"] if (row["predictor"], row["coder"]) == (predictor, coder)]
            if args.only not in (None, predictor, f"{predictor}:{coder}") and (before or ":" in args.only):
                rows += before
                continue
            size = {"predictor": predictor, "coder": coder, "steps": (3, 1)}
            if predictor == "cnn":
                size |= {"hidden": 32, "training": 8000}  # as `schiopu2018-cnn-lossless`
            model = design.model_of(replace(recipe, sizes={"measured": size}), crops, size="measured")
            bpp, encode_s, decode_s, megapixels = [], 0.0, 0.0, 0.0
            for file in files:
                pixels = pixels_of(file)
                began = time.process_time()
                written = codec.encode(Picture.of(pixels), model, quality=100, check=False, threads=1)
                between = time.process_time()
                found = codec.decode(written, model=model, threads=1).pixels
                encode_s, decode_s = encode_s + between - began, decode_s + time.process_time() - between
                if not np.array_equal(found, pixels):
                    sys.exit(f"{predictor} {coder} {file.name}: not exact")
                megapixels += pixels.shape[0] * pixels.shape[1] / 1e6
                bpp.append(8 * len(written) / (pixels.shape[0] * pixels.shape[1]))
            row: dict[str, Any] = {"predictor": predictor, "coder": coder, "bpp": round(float(np.mean(bpp)), 3)}
            row |= {"encode_s_mp": round(encode_s / megapixels, 2), "decode_s_mp": round(decode_s / megapixels, 2)}
            rows.append(row)
            print(rows[-1], file=sys.stderr, flush=True)
        beside: dict[str, list[float]] = {}
        for file in () if "others" in kept else files:
            pixels = pixels_of(file)
            for name, size in others(pixels).items():
                beside.setdefault(name, []).append(8 * size / (pixels.shape[0] * pixels.shape[1]))
        found_others = {name: round(float(np.mean(values)), 3) for name, values in beside.items()}
        data["others"] = kept.get("others", found_others)
    head = ["predictor", "coder", "bpp", "ratio", "encode, s/MP", "decode, s/MP"]
    lines = [[row["predictor"], row["coder"], row["bpp"], f"{24 / row['bpp']:.2f}:1", row["encode_s_mp"], row["decode_s_mp"]]
             for row in rows]  # fmt: skip
    lines += [[name, "", bpp, f"{24 / bpp:.2f}:1", "", ""] for name, bpp in data["others"].items()]
    print(table(head, lines))
    (RESULTS / "systems").mkdir(parents=True, exist_ok=True)
    (RESULTS / "systems" / "coders.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

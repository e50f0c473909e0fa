#!/usr/bin/env python
"""Megapixels a second of every recipe: results/systems/speeds.json, from which the catalogue has them.

    python tools/measure_speeds.py --kodak KODAK --models FOLDER [--models FOLDER ...]

Models are FOLDER/RECIPE.calomodel; training changes rates, and speed hardly. Each is timed in the middle of its dial on
one picture of 768x512, one thread and two, medians of three; the encoder's self-check is left out. On a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, load_of_machine, machine, pictures, pixels_of

from calotype import codec, zoo
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.picture import Picture

TARGET = RESULTS / "systems" / "speeds.json"
TIMES, PICTURE = 3, 22  # kodim23: neither smooth nor busy


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--kodak", type=Path, required=True, help="the folder with the 24 Kodak pictures")
    flags.add_argument("--models", type=Path, action="append", required=True, help="a folder of RECIPE.calomodel")
    args = flags.parse_args()

    picture = Picture.of(pixels_of(pictures(args.kodak)[PICTURE]))
    said: dict[str, Any] = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {"recipes": {}}
    with load_of_machine(said):
        for name in zoo.names():
            found = next((path for folder in args.models if (path := folder / f"{name}.calomodel").exists()), None)
            if found is not None:
                said["recipes"][name] = timed(bundle.read(found), picture)
                print(name, said["recipes"][name], file=sys.stderr, flush=True)
    said["machine"] = machine()
    lines = ",\n".join(f'  "{name}": {json.dumps(row)}' for name, row in sorted(said["recipes"].items()))
    rest = {key: value for key, value in said.items() if key != "recipes"}
    TARGET.write_text(f'{{\n "recipes": {{\n{lines}\n }},\n{json.dumps(rest, indent=1)[2:]}\n', encoding="utf-8")


def timed(model: Model, picture: Picture) -> dict[str, float]:
    """Megapixels a second, "encode_1", "decode_1", "encode_2", "decode_2": by threads."""
    megapixels, found = picture.width_px * picture.height_px / 1e6, {}
    for threads in (1, 2):
        encode_s, decode_s = [], []
        for _ in range(TIMES):
            began = time.perf_counter()
            written = codec.encode(picture, model, quality=50, check=False, threads=threads)
            between = time.perf_counter()
            codec.decode(written, model=model, threads=threads)
            encode_s.append(between - began)
            decode_s.append(time.perf_counter() - between)
        found[f"encode_{threads}"] = round(megapixels / statistics.median(encode_s), 3)
        found[f"decode_{threads}"] = round(megapixels / statistics.median(decode_s), 3)
    return found


if __name__ == "__main__":
    main()

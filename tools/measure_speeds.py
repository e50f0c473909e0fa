#!/usr/bin/env python
"""Megapixels a second of every recipe: results/systems/speeds.json, from which the catalogue has them.

    python tools/measure_speeds.py --kodak KODAK --models FOLDER [--models FOLDER ...]
    python tools/measure_speeds.py --kodak KODAK --models FOLDER --processor    on a machine that others use too

Models are FOLDER/RECIPE.calomodel; training changes rates, and speed hardly. Each is timed in the middle of its dial on
one picture of 768x512, one thread and two, medians of three; the encoder's self-check is left out. On a quiet machine.
Otherwise, with --processor: seconds of processor time on one thread, which waiting does not lengthen, though caches and
clocks that are shared do. They are kept apart, so recipes that have both say how much that is.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
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
    flags.add_argument("--processor", action="store_true", help="processor time of one thread, kept apart")
    args = flags.parse_args()

    clock, threads = (time.process_time, (1,)) if args.processor else (time.perf_counter, (1, 2))
    picture = Picture.of(pixels_of(pictures(args.kodak)[PICTURE]))
    whole: dict[str, Any] = json.loads(TARGET.read_text("utf-8")) if TARGET.exists() else {"recipes": {}}
    said = whole.setdefault("processor", {"recipes": {}}) if args.processor else whole
    with load_of_machine(said):
        for name in zoo.names():
            found = next((path for folder in args.models if (path := folder / f"{name}.calomodel").exists()), None)
            if found is not None:
                said["recipes"][name] = timed(bundle.read(found), picture, clock, threads)
                print(name, said["recipes"][name], file=sys.stderr, flush=True)
    said["machine"] = machine()
    said["recipes"] = dict(sorted(said["recipes"].items()))
    text = json.dumps(whole, indent=1)
    TARGET.write_text(
        re.sub(r"\{([^{}]*_1[^{}]*)\}", lambda it: f"{{{' '.join(it[1].split())}}}", text) + "\n", "utf-8"
    )


def timed(model: Model, picture: Picture, clock: Callable[[], float], counts: Sequence[int]) -> dict[str, float]:
    """Megapixels a second of `clock`, "encode_1", "decode_1" and so on: by numbers of threads."""
    megapixels, found = picture.width_px * picture.height_px / 1e6, {}
    for threads in counts:
        encode_s, decode_s = [], []
        for _ in range(TIMES):
            began = clock()
            written = codec.encode(picture, model, quality=50, check=False, threads=threads)
            between = clock()
            codec.decode(written, model=model, threads=threads)
            encode_s.append(between - began)
            decode_s.append(clock() - between)
        found[f"encode_{threads}"] = round(megapixels / statistics.median(encode_s), 3)
        found[f"decode_{threads}"] = round(megapixels / statistics.median(decode_s), 3)
    return found


if __name__ == "__main__":
    main()

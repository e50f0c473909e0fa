#!/usr/bin/env python3
"""R15 as a long run: generated pictures that a model does not like, encoded, decoded, compared and weighed.

    tools/adversarial.py [--count 1000] [--seed 1] [--json FILE]

Of each: it decodes to what the encoder saw (the same PSNR as the self-check, or every sample), twice with other threads;
its structure, alpha and promise are kept; its bytes are at most the raw ones + 1 % + 64 (100 with alpha, which is a tile of
its own and needs an index). Exit code 1 if any fails.
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import sys
import time
from pathlib import Path

import numpy as np

from calotype import checking, codec
from calotype.model import store
from calotype.picture import Picture

SIDES = (1, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129)
KINDS = (
    "noise",
    "extremes",
    "checker",
    "stripes",
    "flat",
    "saturated",
    "gradient",
    "dots",
    "blocks",
    "wave",
    "photo-like",
)


def picture(random: np.random.Generator) -> tuple[str, Picture]:
    """One picture and its name: kind, mode, size."""
    kind = KINDS[random.integers(len(KINDS))]
    height, width = (int(side) for side in random.choice(SIDES, 2))
    if random.random() < 0.06:  # thin ones, long ones rarely
        long = 65536 if random.random() < 0.1 else int(random.integers(200, 3000))
        height, width = (1, long) if random.random() < 0.5 else (long, 1)
    planes = int(random.choice([1, 2, 3, 3, 3, 4]))
    bits = 16 if random.random() < 0.2 else 8
    shape, (rows, columns) = (height, width, planes), np.mgrid[0:height, 0:width][..., None]
    period = int(random.integers(1, 6))
    colours = random.random((2, 1, 1, planes))
    if kind == "noise":
        samples = random.random(shape)
    elif kind == "extremes":
        samples = random.integers(0, 2, shape).astype(float)
    elif kind == "checker":
        samples = np.where((rows // period + columns // period) % 2, *colours)
    elif kind == "stripes":
        samples = np.where((rows if random.random() < 0.5 else columns) // period % 2, *colours.round())
    elif kind == "flat":
        samples = np.broadcast_to(colours[0], shape)
    elif kind == "saturated":
        samples = np.eye(planes)[random.integers(0, planes, (height // period + 1, width // period + 1))]
        samples = samples.repeat(period, 0).repeat(period, 1)[:height, :width]
    elif kind == "gradient":
        samples = (rows * random.random() + columns * random.random()) / (height + width) + 0.2 * colours[0]
    elif kind == "dots":
        samples = np.where(random.random((height, width, 1)) < 0.03, *colours)
    elif kind == "blocks":
        samples = random.random((height // 8 + 1, width // 8 + 1, planes)).repeat(8, 0).repeat(8, 1)[:height, :width]
    elif kind == "wave":
        samples = 0.5 + 0.5 * np.sin((rows**2 + columns**2) * random.random() * colours[0])
    else:
        samples = random.normal(0, 0.05, shape).cumsum(0).cumsum(1) / 5 % 1
    top = 2**bits - 1
    found = np.rint(np.clip(samples, 0, 1) * top).astype(np.uint16 if bits == 16 else np.uint8)
    if bits == 8 and planes == 1 and random.random() < 0.2:
        return f"{kind} 1 {width}x{height}", Picture.of(found[..., 0] > 127)
    made = Picture(found)
    return f"{kind} {made.mode} {bits} bits {width}x{height}", made


def wrong(made: Picture, model, random: np.random.Generator) -> tuple[str, str]:
    """What is wrong with the coding of a picture, or nothing; and what became of it."""
    quality = float(random.integers(1, 101))
    lossless = made.depth_bits == 16 or random.random() < 0.15
    done = codec.encode_reported(made, model, quality=quality, lossless=lossless, threads=int(random.integers(1, 3)))
    became = "lossless" if lossless else "exactly" if done.lossless else "raised" if done.notes else "model"
    raw = made.pixels.nbytes
    if len(done.data) > 1.01 * raw + (100 if made.has_alpha else 64):
        return f"{len(done.data)} bytes of {raw} at quality {quality}", became
    found, again = codec.decode(done.data, threads=1), codec.decode(done.data, threads=2)
    codec.verify(done.data)
    if (found.mode, found.depth_bits) != (made.mode, made.depth_bits) or not np.array_equal(found.pixels, again.pixels):
        return "another mode, or other pixels with other threads", became
    if done.lossless:
        return ("" if np.array_equal(found.pixels, made.pixels) else "not exact"), became
    colours = made.planes - made.has_alpha
    if made.has_alpha and not np.array_equal(found.pixels[..., -1], made.pixels[..., -1]):
        return "alpha is not exact", became
    promise = checking.promised_db(model.manifest, quality)
    if promise is not None and done.psnr_db < promise:
        return f"{done.psnr_db:.1f} dB, promised {promise:.1f}", became
    seen = np.ones(made.pixels.shape[:2], bool) if not made.has_alpha else made.pixels[..., -1] > 0
    error = (found.pixels[..., :colours].astype(float) - made.pixels[..., :colours])[seen]
    if seen.all():
        psnr_db = 10 * math.log10(255**2 / np.square(error).mean()) if error.any() else math.inf
        if abs(psnr_db - done.psnr_db) > 1e-6 and psnr_db != done.psnr_db:
            return f"{psnr_db} dB, the encoder saw {done.psnr_db}", became
    return "", became


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model, began = store.find("swift"), time.monotonic()
    outcomes, failures = collections.Counter(), []
    for number in range(given.count):
        random = np.random.default_rng([given.seed, number])
        name, made = picture(random)
        try:
            problem, became = wrong(made, model, random)
        except Exception as error:  # whatever is raised is a failure, and the run goes on
            problem, became = f"{type(error).__name__}: {error}", "error"
        outcomes[became] += 1
        if problem:
            failures.append({"number": number, "picture": name, "problem": problem})
            print(f"{number}: {name}: {problem}", flush=True)
        if number % 100 == 99:
            print(f"{number + 1} pictures, {len(failures)} failures, {dict(outcomes)}", file=sys.stderr, flush=True)
    said = {"pictures": given.count, "seed": given.seed, "failures": failures, "became": dict(outcomes)}
    said |= {"model": model.identity[:8].hex(), "seconds": round(time.monotonic() - began)}
    print(json.dumps(said))
    if given.json:
        given.json.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The surveys' experiment with vector quantization, with PSNR: codebooks of grey pictures, beside JPEG and PNG.

    python tools/measure_codebooks.py --pictures CLASSIC --kodak KODAK

For each grey picture of CLASSIC (grey_*.png of 512x512) and the luma of each of KODAK: codebooks of 2x2 and 4x4 blocks,
designed from the picture itself; bits with the codebook counted at a byte a sample; JPEG at the same number of bytes.
On CLASSIC also the other designs of codebooks. Writes results/systems/codebooks.json and prints the page's tables.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, load_of_machine, machine, table
from PIL import Image

from calotype import codebooks
from calotype.walks.vectors import blocks_of

GRID = {2: (64, 128, 256, 512, 1024, 2048, 4096), 4: (64, 128, 256, 512, 1024, 2048)}
SURVEY = (1024, 2048)
METHODS = ("lbg", "som", "fcm", "bat")


def psnr(error: float) -> float:
    return round(10 * float(np.log10(255**2 / max(error, 1e-9))), 2)


def jpeg_at(grey: np.ndarray, most: float) -> dict[str, float]:
    """The best JPEG (Pillow, optimised tables) of at most that many bytes, by bisection of its quality."""
    low, high, best = 1, 100, None
    while low <= high:
        quality = (low + high) // 2
        held = io.BytesIO()
        Image.fromarray(grey).save(held, "jpeg", quality=quality, optimize=True)
        if held.tell() <= most:
            decoded = np.asarray(Image.open(io.BytesIO(held.getvalue())))
            error = float(np.square(decoded.astype(float) - grey).mean())
            best, low = {"bpp": round(8 * held.tell() / grey.size, 3), "psnr": psnr(error)}, quality + 1
        else:
            high = quality - 1
    return best or {"bpp": None, "psnr": None}


def png_bpp(grey: np.ndarray) -> float:
    held = io.BytesIO()
    Image.fromarray(grey).save(held, "png", optimize=True)
    return round(8 * held.tell() / grey.size, 3)


def row_of(grey: np.ndarray, side: int, count: int, method: str = "lbg") -> dict[str, Any]:
    """One codebook of one picture."""
    height, width = (length // side * side for length in grey.shape)
    vectors = blocks_of(grey[None, :height, :width].astype(np.float32), side)
    began = time.perf_counter()
    book = np.rint(codebooks.designer(method)(vectors, count)).clip(0, 255)
    seconds = time.perf_counter() - began
    index = codebooks.nearest(vectors, book)
    share = np.bincount(index) / len(index)
    share = share[share > 0]
    bits = int(np.ceil(np.log2(count)))
    book_bpp = 8 * book.size / grey.size
    return {
        "side": side, "entries": count, "method": method, "design_s": round(seconds, 2),
        "psnr": psnr(float(np.square(vectors - book[index]).mean())),
        "index_bpp": round(bits / side**2, 3), "index_entropy_bpp": round(float(-(share * np.log2(share)).sum()) / side**2, 3),
        "codebook_bpp": round(book_bpp, 3), "bpp": round(bits / side**2 + book_bpp, 3),
    }  # fmt: skip


def measured(grey: np.ndarray, grid: dict[int, tuple[int, ...]], methods: tuple[str, ...]) -> dict[str, Any]:
    rows = [row_of(grey, side, count) for side, counts in grid.items() for count in counts]
    rows += [row_of(grey, side, 1024, method) for side in grid for method in methods if method != "lbg"]
    for row in rows:
        row["jpeg"] = jpeg_at(grey, row["bpp"] * grey.size / 8)
    return {"png_bpp": png_bpp(grey), "height": grey.shape[0], "width": grey.shape[1], "rows": rows}


def mean(found: dict[str, Any], side: int, count: int, method: str, key: str) -> float:
    values = [row[key] if key != "jpeg" else row["jpeg"]["psnr"] for picture in found.values() for row in picture["rows"]
              if (row["side"], row["entries"], row["method"]) == (side, count, method)]  # fmt: skip
    return statistics.mean(values) if values else float("nan")


def said(
    found: dict[str, Any], label: str, grid: dict[int, tuple[int, ...]], methods: tuple[str, ...] = ("lbg",)
) -> str:
    head = [f"{label}, blocks", "entries", "design", "seconds", "PSNR, dB", "indices, bpp", "their entropy", "codebook, bpp",
            "total, bpp", "JPEG at it, dB"]  # fmt: skip
    columns = (("design_s", 2), ("psnr", 2), ("index_bpp", 3), ("index_entropy_bpp", 3), ("codebook_bpp", 3), ("bpp", 3),
               ("jpeg", 2))  # fmt: skip
    lines = [
        [f"{side}x{side}", count, method]
        + [f"{mean(found, side, count, method, key):.{digits}f}" for key, digits in columns]
        for side, counts in grid.items() for count in counts for method in methods
    ]  # fmt: skip
    png = statistics.mean(picture["png_bpp"] for picture in found.values())
    return table(head, lines) + f"\n{len(found)} pictures; PNG {png:.2f} bpp, without loss\n"


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--pictures", type=Path, required=True, help="the folder with grey_*.png")
    flags.add_argument("--kodak", type=Path, required=True, help="the folder with the 24 Kodak pictures")
    args = flags.parse_args()
    survey = dict.fromkeys(GRID, SURVEY)
    data: dict[str, Any] = {"machine": machine(), "classic": {}, "kodak_luma": {}}
    with load_of_machine(data):
        for file in sorted(args.pictures.glob("grey_*.png")):
            grey = np.asarray(Image.open(file).convert("L"))
            if grey.shape == (512, 512):
                data["classic"][file.stem] = measured(grey, GRID, METHODS)
        for file in sorted(args.kodak.glob("*.png")):
            grey = np.asarray(Image.open(file).convert("L"))
            data["kodak_luma"][file.stem] = measured(grey, survey, ("lbg",))
            print(file.stem, file=sys.stderr, flush=True)
    print(said(data["classic"], "Classic grey 512x512", GRID))
    print(said(data["classic"], "Classic, designs", dict.fromkeys(GRID, (1024,)), METHODS))
    print(said(data["kodak_luma"], "Kodak luma", survey))
    times = [row["design_s"] for part in ("classic", "kodak_luma") for picture in data[part].values()
             for row in picture["rows"] if row["method"] == "lbg" and row["entries"] in SURVEY]  # fmt: skip
    slowest = {count: max(row["design_s"] for part in ("classic", "kodak_luma") for picture in data[part].values()
                          for row in picture["rows"] if row["method"] == "lbg" and row["entries"] == count)
               for count in SURVEY}  # fmt: skip
    data["slowest_design_s"] = slowest
    print(f"{len(times)} LBG designs; slowest with 1024 entries {slowest[1024]} s, with 2048 {slowest[2048]} s")
    target = RESULTS / "systems" / "codebooks.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

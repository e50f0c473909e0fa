#!/usr/bin/env python3
"""What scrambling a picture before it is compressed costs: bytes without loss, and JPEG's bytes at equal PSNR.

    python tools/measure_scrambling.py --kodak KODAK [--pictures 3,5,19,23]

Each part of the key alone, then all: files are written, decoded, put together again and compared with the picture.
Writes results/systems/scrambling.json and prints the table of docs/systems/lossless-coders.md.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, pictures, pixels_of, table
from PIL import Image

from calotype import codec, metrics, scrambling
from calotype.container.layout import MAGIC
from calotype.errors import UsageError
from calotype.metrics.bjontegaard import bd_rate
from calotype.picture import Picture

KEY = b"a key of a measurement"
QUALITIES = (25, 45, 65, 80, 90)
WAYS: dict[str, tuple[str, ...]] = {
    "places": ("places",),
    "turns": ("turns",),
    "negatives": ("negatives",),
    "colours": ("colours",),
    "all but colours": ("places", "turns", "negatives"),
    "all": scrambling.PARTS,
}


def saved(kind: str, **options: Any) -> Callable[[np.ndarray], bytes]:
    """A coder of Pillow's."""

    def code(pixels: np.ndarray) -> bytes:
        held = io.BytesIO()
        Image.fromarray(pixels).save(held, kind, **options)
        return held.getvalue()

    return code


LOSSLESS: dict[str, Callable[[np.ndarray], bytes]] = {
    "calotype": lambda pixels: codec.encode(Picture.of(pixels), None, lossless=True),
    "png": saved("png", optimize=True),
    "webp": saved("webp", lossless=True, method=4),
}


JPEG = {"jpeg-444": 0, "jpeg-420": 2}  # how Pillow calls the sampling of chroma


def opened(data: bytes) -> np.ndarray:
    """The pixels of a file."""
    return (
        codec.decode(data).pixels if data.startswith(MAGIC) else np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    )


def lossless(code: Callable[[np.ndarray], bytes], pixels: np.ndarray) -> dict[str, int]:
    """Bytes by way; what comes back is what went in."""
    found = {"none": len(code(pixels))}
    for way, parts in WAYS.items():
        data = code(scrambling.scrambled(pixels, KEY, parts))
        back = scrambling.unscrambled(opened(data), KEY, parts)
        if not np.array_equal(back, pixels):
            sys.exit(f"{way}: not exact")
        found[way] = len(data)
    return found


def curve(pixels: np.ndarray, parts: tuple[str, ...], subsampling: int) -> tuple[list[float], list[float]]:
    """Bytes and PSNR of JPEG between scrambling and its undoing."""
    sizes, psnrs = [], []
    for quality in QUALITIES:
        code = saved("jpeg", quality=quality, subsampling=subsampling, optimize=True, progressive=True)
        data = code(scrambling.scrambled(pixels, KEY, parts))
        back = scrambling.unscrambled(opened(data), KEY, parts)
        sizes.append(float(len(data)))
        psnrs.append(float(metrics.measure(("psnr",), pixels, back)["psnr"]))
    return sizes, psnrs


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--kodak", type=Path, required=True, help="the folder with the 24 Kodak pictures")
    flags.add_argument("--pictures", default="3,5,19,23", help="which, with commas")
    flags.add_argument("--coders", default=",".join([*LOSSLESS, *JPEG]), help="which rows to measure; others are kept")
    args = flags.parse_args()
    wanted = [int(number) for number in args.pictures.split(",")]
    files, target = [pictures(args.kodak)[number - 1] for number in wanted], RESULTS / "systems" / "scrambling.json"
    names = [file.name for file in files]
    kept = json.loads(target.read_text("utf-8")) if target.exists() else {}
    rows: dict[str, dict[str, float | None]] = kept["rows"] if kept.get("pictures") == names else {}
    for name in args.coders.split(","):
        rows[name] = lossless_row(LOSSLESS[name], files) if name in LOSSLESS else jpeg_row(JPEG[name], files)
        said = {
            "pictures": names,
            "unit": "percent more bytes; of JPEG at equal PSNR (BD-rate), null where no quality is reached by both",
            "rows": rows,
        }
        target.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    shown = [
        [name, *("never" if row[way] is None else f"{row[way]:+.1f} %" for way in WAYS)] for name, row in rows.items()
    ]
    print(table(["coder", *WAYS], shown))


def lossless_row(code: Callable[[np.ndarray], bytes], files: list[Path]) -> dict[str, float | None]:
    """Percent more bytes of all pictures, by way."""
    each = [lossless(code, pixels_of(file)) for file in files]
    plain = sum(sizes["none"] for sizes in each)
    return {way: round(100 * (sum(sizes[way] for sizes in each) / plain - 1), 2) for way in WAYS}


def jpeg_row(subsampling: int, files: list[Path]) -> dict[str, float | None]:
    """Percent more bytes at equal PSNR, a mean over pictures, by way."""
    rates: dict[str, list[float | None]] = {way: [] for way in WAYS}
    for file in files:
        pixels = pixels_of(file)
        plain = curve(pixels, (), subsampling)
        for way, parts in WAYS.items():
            rates[way].append(rate(plain, curve(pixels, parts, subsampling)))
    known = {way: [value for value in values if value is not None] for way, values in rates.items()}
    return {way: round(float(np.mean(of)), 2) if len(of) == len(files) else None for way, of in known.items()}


def rate(plain: tuple[list[float], list[float]], other: tuple[list[float], list[float]]) -> float | None:
    """Percent more bytes at equal PSNR; None where the curves have no quality in common."""
    try:
        return bd_rate(plain, other).percent
    except UsageError:
        return None


if __name__ == "__main__":
    main()

#!/usr/bin/env python
"""What serial decoding costs: passes and seconds of one transform under five contexts, against the size of the picture.

    python tools/measure_passes.py --kodak KODAK [--models FOLDER] [--megapixels 0.1,0.4,1,3,12] [--threads 2]

Pictures of each size are mosaics of Kodak. Models are FOLDER/<recipe>[-<size>].calomodel where they are, else frozen as
initialised: then only times and passes mean something, and the page says so. Of trained ones, rates at equal PSNR are
compared on every fourth Kodak picture. Writes results/passes.json, passes.md and passes.png.

Models for it share one transform: minnen2018-hyperprior is trained, and all of them, itself included, from its weights by
`calotype train RECIPE --schedule contexts --init RUN --init-partial` with one number of steps.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import RESULTS, load_of_machine, machine, pictures, pixels_of, table, where, write

from calotype import codec, metrics, zoo
from calotype.coding.reader import Reader
from calotype.metrics.bjontegaard import bd_rate
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.picture import Picture

SERIAL = "raster, as wavefronts"
SYSTEMS = (
    ("no context", "minnen2018-hyperprior", "default"),
    ("checkerboard", "he2021-checkerboard", "default"),
    ("quad-tree", "he2021-checkerboard", "quad-tree"),
    ("channel slices", "minnen2020-charm", "default"),
    ("code divided", "li2020-ccn", "default"),
    (SERIAL, "minnen2018-joint", "default"),
)
MEGAPIXELS = (0.1, 0.4, 1.0, 3.0, 12.0)
QUALITY = 50.0
QUALITIES = (15.0, 40.0, 65.0, 90.0)


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--kodak", type=Path, required=True, help="the folder with the 24 Kodak pictures")
    flags.add_argument("--models", type=Path, help="folder with trained models, <recipe>[-<size>].calomodel")
    flags.add_argument("--megapixels", default=",".join(f"{x:g}" for x in MEGAPIXELS))
    flags.add_argument("--threads", type=int, default=2)
    args = flags.parse_args()
    sizes = [float(x) for x in args.megapixels.split(",")]
    said: dict[str, Any] = {"threads": args.threads, "quality": QUALITY, "rows": [], "curves": {}}
    with load_of_machine(said):
        for context, recipe, size in SYSTEMS:
            model, trained = _model(recipe, size, args.models)
            for megapixels in sizes:
                row = {"context": context, "recipe": recipe, "size": size, "trained": trained}
                said["rows"].append(row | _measured(model, _mosaic(args.kodak, megapixels), args.threads))
                print(said["rows"][-1], file=sys.stderr, flush=True)
            if trained:
                said["curves"][context] = _curve(model, pictures(args.kodak)[::4], args.threads)
                print(context, said["curves"][context], file=sys.stderr, flush=True)
    said["machine"] = machine()
    _draw(said)
    write("passes", said, page(said))


def _curve(model: Model, files: list[Path], threads: int) -> list[list[float]]:
    """[bits a pixel, PSNR in dB] at each of QUALITIES, means over pictures, from whole files."""
    points = []
    for quality in QUALITIES:
        found = []
        for file in files:
            pixels = pixels_of(file)
            data = codec.encode(Picture.of(pixels), model, quality=quality, threads=threads, check=False)
            decoded = codec.decode(data, model=model, threads=threads).pixels
            found.append((8 * len(data) / pixels[..., 0].size, metrics.psnr(pixels, decoded)))
        points.append([round(float(x), 4) for x in np.mean(found, 0)])
    return points


def _against_serial(said: dict[str, Any], context: str) -> str:
    """BD-rate against the serial context, in percent."""
    if SERIAL not in said["curves"] or context not in said["curves"]:
        return "untrained"
    if context == SERIAL:
        return "0"
    theirs, ours = (([x for x, _ in curve], [y for _, y in curve])
                    for curve in (said["curves"][SERIAL], said["curves"][context]))  # fmt: skip
    return f"{bd_rate(theirs, ours).percent:+.1f} %"


def _draw(said: dict[str, Any]) -> None:
    """results/passes.png: seconds to decode over megapixels."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 4.2), layout="constrained")
    for context, marker in zip(dict.fromkeys(row["context"] for row in said["rows"]), "os^vDx", strict=False):
        rows = sorted((r["megapixels"], r["decode_s"]) for r in said["rows"] if r["context"] == context)
        axes.loglog([x for x, _ in rows], [y for _, y in rows], marker=marker, linewidth=1.2, label=context)
    axes.set_xlabel("megapixels")
    axes.set_ylabel(f"seconds to decode, {said['threads']} threads")
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    figure.savefig(RESULTS / "passes.png", dpi=110)
    pyplot.close(figure)


def _model(recipe: str, size: str, folder: Path | None) -> tuple[Model, bool]:
    """A trained model of the recipe where there is one, else one as it is initialised."""
    name = recipe if size == "default" else f"{recipe}-{size}"
    if folder and (folder / f"{name}.calomodel").exists():
        return bundle.read(folder / f"{name}.calomodel"), True
    import torch

    from calotype.train.freeze import freeze_system
    from calotype.train.phases import Phase

    torch.manual_seed(0)
    system = zoo.recipe(recipe).system(size)
    system.begin(torch.rand(8, 3, 128, 128) * 255)
    system.enter(Phase(name="integers", options={"exact": True}), lambda: torch.rand(2, 3, 128, 128) * 255)
    return freeze_system(system.eval(), recipe=recipe, name=name), False


def _mosaic(folder: Path, megapixels: float) -> np.ndarray:
    """Kodak pictures side by side, cut to a 3:2 picture of about so many megapixels."""
    height = round((megapixels * 1e6 * 2 / 3) ** 0.5)
    width = round(height * 1.5)
    landscape = [pixels for file in pictures(folder) if (pixels := pixels_of(file)).shape[1] == 768]
    rows = -(-height // 512)
    columns = -(-width // 768)
    whole = [
        np.concatenate([landscape[(r * columns + c) % len(landscape)] for c in range(columns)], 1) for r in range(rows)
    ]
    return np.ascontiguousarray(np.concatenate(whole)[:height, :width])


def _measured(model: Model, pixels: np.ndarray, threads: int) -> dict[str, Any]:
    """Megapixels, rate, passes of a tile's walk, and the median of three decodes."""
    data = codec.encode(Picture.of(pixels), model, quality=QUALITY, threads=threads, check=False)
    readers: list[Reader] = []  # kept, so that no two of them have one identity
    original = Reader.code

    def counted(self: Reader, *arguments: Any, **named: Any) -> np.ndarray:
        readers.append(self)
        return original(self, *arguments, **named)

    Reader.code = counted  # type: ignore[method-assign]
    try:
        codec.decode(data, model=model, threads=threads)
    finally:
        Reader.code = original  # type: ignore[method-assign]
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        codec.decode(data, model=model, threads=threads)
        seconds.append(time.perf_counter() - began)
    count = pixels.shape[0] * pixels.shape[1]
    return {
        "megapixels": round(count / 1e6, 3),
        "bpp": round(8 * len(data) / count, 4),
        "passes": max(sum(other is reader for other in readers) for reader in {id(r): r for r in readers}.values()),
        "decode_s": round(sorted(seconds)[1], 3),
    }


def page(said: dict[str, Any]) -> str:
    """results/passes.md."""
    sizes = sorted({row["megapixels"] for row in said["rows"]})
    lines = []
    for context in dict.fromkeys(row["context"] for row in said["rows"]):
        rows = {row["megapixels"]: row for row in said["rows"] if row["context"] == context}
        one = next(iter(rows.values()))
        cells = [f"{rows[size]['decode_s']:.2f}" if size in rows else "" for size in sizes]
        passes = max(row["passes"] for row in rows.values())
        lines.append([context, f"`{one['recipe']}`", passes, *cells, _against_serial(said, context)])
    head = ["context", "recipe", "passes a tile", *(f"{size:g} MP, s" for size in sizes), "rate at equal PSNR"]
    return f"""# Passes and decoding time of contexts

One transform, tiles of 512 pixels, {said["threads"]} threads, quality {said["quality"]:g}, median of three decodes.
By `tools/measure_passes.py`; {where(said["machine"])}.

{table(head, lines)}
![Seconds to decode over megapixels](passes.png)

Passes are those of the largest tile; they do not grow with the picture, since tiles bound them, and tiles of equal size
go through them together. Times of untrained models are those of trained ones but for the entropy coder's share.
"""


if __name__ == "__main__":
    main()

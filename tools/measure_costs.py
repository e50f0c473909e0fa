#!/usr/bin/env python
"""What the exact path, real tables, tiles and the container each cost, and what the encoder's quantizer brings.

    python tools/measure_costs.py KODAK --photos A.avif B.avif --start START.npz --weights RUN [--model FILE.calomodel]

--start     float weights that training began with: the estimate that everything is compared to
--weights   the weights the model was frozen from: a run's folder, travelling files, .pt or .npz (needs torch)
KODAK       a folder of pictures; every third is used, at five rates, cropped to multiples of the model's alignment
--photos    large photographs, on which tiles are compared with one tile a picture; --tiles: of which sides
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import statistics
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import measuring
import numpy as np

from calotype import codec, container, metrics, rates, walks
from calotype.coding.counter import Counter
from calotype.errors import ModelError
from calotype.limits import Limits
from calotype.model.bundle import Model
from calotype.picture import Picture

QUALITIES = (10.0, 30.0, 50.0, 70.0, 90.0)
PHOTO_QUALITIES = (35.0, 70.0)
WHOLE = 1 << 14  # a tile larger than any picture here
LIMITS = Limits(max_tile_px=WHOLE)

Point = dict[str, float]


# --- the training system: estimates ------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _system(recipe: str, weights: Path, mode: str) -> Any:
    """The trainable system with these weights, its context networks in floats or in the integers that are frozen."""
    import torch

    from calotype import zoo
    from calotype.nets.exact import set_mode
    from calotype.train import resume

    torch.set_num_threads(1)
    held = resume.load_weights(weights)
    for size in ("default", *zoo.recipe(recipe).sizes):
        system = zoo.recipe(recipe).system(size)
        try:
            resume.take_weights(system, held)
            break
        except ModelError:
            continue
    else:
        raise ModelError("weights fit no size of the recipe", wanted=recipe, found=weights.name)
    if mode == "exact" and system.mode != "exact":
        raise ModelError("weights were never calibrated for integers", found=weights.name, hint="give the trained run")
    system.mode = mode
    set_mode(system, mode)
    return system.eval()


def estimated(file: Path, model_file: Path | None, weights: Path, mode: str) -> list[Point]:
    """bpp and PSNR of the training port in its hard mode: symbols as written, code lengths from the densities."""
    import torch

    manifest = measuring.load_model(model_file).manifest
    system, pixels = _system(manifest.recipe, weights, mode), _aligned(file, manifest.align_px)
    crops, points = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float(), []
    for quality in QUALITIES:
        with torch.inference_mode():
            found = system(crops, torch.tensor([rates.index(quality, manifest) / 1023]))
        points.append({"bpp": float(found["bpp"]), "psnr_db": 10 * math.log10(255**2 / float(found["mse"]))})
    return points


# --- the frozen model: counted, written, filed --------------------------------------------------------------------


def with_tiles(model: Model, tile_px: int) -> Model:
    """The same model with tiles of another side; tiles are a choice of the encoder and written into the header."""
    return replace(model, manifest=replace(model.manifest, tile_px=tile_px))


def plainly_rounded(model: Model) -> Model:
    """The same model without the worth of distortion, so that its encoder rounds to the nearest."""
    kept = {name: array for name, array in model.encoder_floats.items() if "log_tradeoff." not in name}
    return replace(model, encoder_floats=kept)


def counted_bits(data: bytes, model: Model) -> float:
    """Code length of a file's latents by the integer tables, from the counting port."""
    coded = {name: latent for name, latent in model.manifest.latents.items() if latent.coded}
    ranges = {name: (latent.low, latent.high) for name, latent in coded.items()}
    walk, bits = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters)), 0.0
    files = container.parse(data).tiles
    for tile, values in zip(files, codec.latents(data, model=model, limits=LIMITS), strict=True):
        given: Mapping[str, np.ndarray] = {name: values[name][None] for name in coded}
        port = Counter({name: array.shape for name, array in given.items()}, model.banks, ranges)
        walk(model.nets(np.array([tile.rate_index])), port, given)
        bits += float(port.bits.sum())
    return bits


def frozen(file: Path, model_file: Path | None, tile_px: int, rounded: bool) -> list[Point]:
    """bpp counted, of the streams, of the file, and PSNR of one picture at all qualities."""
    model = with_tiles(measuring.load_model(model_file), tile_px)
    coder, pixels, points = plainly_rounded(model) if rounded else model, _aligned(file, model.manifest.align_px), []
    for quality in QUALITIES:
        data = codec.encode(Picture.of(pixels), coder, quality=quality, threads=1)
        streams = sum(len(segment.data) for tile in container.parse(data).tiles for segment in tile.segments)
        size = pixels.shape[0] * pixels.shape[1]
        points.append(
            {
                "counted": 0.0 if rounded else counted_bits(data, model) / size,
                "written": 8 * streams / size,
                "file": 8 * len(data) / size,
                "psnr_db": metrics.psnr(pixels, codec.decode(data, model=model, threads=1, limits=LIMITS).pixels),
            }
        )
    return points


def photographed(file: Path, model_file: Path | None, tile_px: int, quality: float) -> Point:
    """Bytes and PSNR of a large photograph with one side of tiles."""
    model, pixels = with_tiles(measuring.load_model(model_file), tile_px), measuring.pixels_of(file)
    data = codec.encode(Picture.of(pixels), model, quality=quality, threads=1)
    decoded = codec.decode(data, model=model, threads=1, limits=LIMITS).pixels
    return {"file_bytes": len(data), "psnr_db": metrics.psnr(pixels, decoded)}


@lru_cache(maxsize=4)
def _aligned(file: Path, align_px: int) -> np.ndarray:
    """The picture cut to whole cells, so that estimate and file cover the same pixels."""
    pixels = measuring.pixels_of(file)
    height, width = (side // align_px * align_px for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[:height, :width])


# --- arithmetic and the page --------------------------------------------------------------------------------------


def mean_curve(jobs: list[list[Point]], key: str) -> dict[str, list[float]]:
    """Means over the pictures at each quality."""
    columns = list(zip(*jobs, strict=True))
    return {
        "bpp": [round(statistics.fmean(p[key] for p in column), 5) for column in columns],
        "psnr_db": [round(statistics.fmean(p["psnr_db"] for p in column), 4) for column in columns],
    }


def percent(before: dict[str, list[float]], after: dict[str, list[float]]) -> float:
    """BD-rate of a step against the step before it."""
    found = metrics.bd_rate((before["bpp"], before["psnr_db"]), (after["bpp"], after["psnr_db"]))
    return round(found.percent, 2)


def at_equal_psnr(whole: list[Point], tiled: list[Point]) -> list[float]:
    """Percent of bytes that tiles cost at each quality, their difference in PSNR converted by the curve's own slope."""
    log_bytes, psnr = [math.log(p["file_bytes"]) for p in whole], [p["psnr_db"] for p in whole]
    slopes = np.gradient(log_bytes, psnr)
    pairs = zip(whole, tiled, slopes, strict=True)
    return [
        round(100 * math.expm1(math.log(b["file_bytes"] / a["file_bytes"]) - slope * (b["psnr_db"] - a["psnr_db"])), 3)
        for a, b, slope in pairs
    ]


def page(result: dict[str, Any]) -> str:
    """results/costs.md."""
    model, steps = result["model"], result["steps"]
    rows = []
    for step in steps:
        figures = [f"{r:.4f} / {q:.2f}" for r, q in zip(step["bpp"], step["psnr_db"], strict=True)]
        rows.append([step["step"], *figures, "" if step["cost_percent"] is None else f"{step['cost_percent']:+.2f} %"])
    tiles = [
        [entry["photo"], f"{entry['tile_px']}", *[f"{value:+.2f} %" for value in entry["percent"]]]
        for entry in result["tiles"]
    ]
    return f"""# What each step costs

Model {model["name"]} ({model["identity"]}); {result["pictures"]} Kodak pictures, five qualities; mean bpp / mean PSNR.
A cost is the BD-rate (PSNR) of a row against the row that the step starts from; {result["start_note"]}

{measuring.table(["step", *[f"quality {q:g}" for q in QUALITIES], "cost"], rows)}
Bytes that tiles cost against one tile for the whole picture, at equal PSNR:

{measuring.table(["photograph", "tile px", *[f"quality {q:g}" for q in PHOTO_QUALITIES]], tiles)}
{measuring.where(result["machine"])}; {result["seconds"]:.0f} s in all.
"""


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("folder", type=Path, help="Kodak")
    flags.add_argument("--photos", type=Path, nargs="*", default=[], help="large photographs")
    flags.add_argument("--tiles", type=int, nargs="+", default=[512], help="sides of tiles tried on the photographs")
    flags.add_argument("--start", type=Path, help="weights before training")
    flags.add_argument("--weights", type=Path, help="weights the model was frozen from")
    flags.add_argument("--model", type=Path)
    flags.add_argument("--every", type=int, default=3, help="every n-th picture of the folder")
    flags.add_argument("--workers", type=int, default=2)
    flags.add_argument("--out", type=Path, default=measuring.RESULTS)
    said = flags.parse_args()

    files, model = measuring.pictures(said.folder)[:: said.every], measuring.load_model(said.model)
    began, side = time.perf_counter(), model.manifest.tile_px
    for weights in filter(None, (said.start, said.weights)):  # wrong ones are refused before the long work
        _system(model.manifest.recipe, weights, "float")
    result: dict[str, Any] = {"model": measuring.model_said(model), "pictures": len(files)}
    result["machine"] = measuring.machine()
    # Spawned, not forked: torch's own threads do not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    with measuring.load_of_machine(result["machine"]), ProcessPoolExecutor(said.workers, mp_context=spawn) as pool:

        def over(work: Any, *rest: object) -> list[Any]:
            return [pool.submit(work, file, said.model, *rest) for file in files]

        jobs: dict[str, list[Any]] = {}
        if said.start:
            jobs["start"] = over(estimated, said.start, "float")
        if said.weights:
            jobs["float"] = over(estimated, said.weights, "float")
            jobs["exact"] = over(estimated, said.weights, "exact")
        jobs["whole"] = over(frozen, WHOLE, False)
        jobs["tiles"] = over(frozen, side, False)
        jobs["rounded"] = over(frozen, side, True)
        photos = {
            (photo.stem, px): [pool.submit(photographed, photo, said.model, px, q) for q in PHOTO_QUALITIES]
            for photo in said.photos
            for px in (WHOLE, *said.tiles)
        }
        found = {name: [job.result() for job in waiting] for name, waiting in jobs.items()}
        measured = {key: [job.result() for job in waiting] for key, waiting in photos.items()}

    steps: list[dict[str, Any]] = []

    def add(step: str, name: str, key: str = "bpp", since: int | None = -1) -> None:
        """A row of the ladder, if it was measured; `since` is the row it is compared with."""
        if name in found:
            curve = mean_curve(found[name], key)
            before = steps[since] if steps and since is not None else None
            steps.append({"step": step, **curve, "cost_percent": percent(before, curve) if before else None})

    add("float weights before training, estimate", "start")
    add("trained weights, float contexts, estimate", "float")
    add("the same with exact contexts, estimate", "exact")
    add("frozen: integer tables, counted, one tile", "whole", "counted")
    add(f"tiles of {side} px, counted", "tiles", "counted")
    add("streams as written", "tiles", "written")
    add("whole file", "tiles", "file")
    add("whole file, encoder rounds to the nearest", "rounded", "file")
    result["steps"] = steps
    result["start_note"] = (
        "the first step is negative where training gained."
        if said.start and said.weights
        else "the estimates were not measured this time."
    )
    result["tiles"] = [
        {
            "photo": name,
            "tile_px": px,
            "percent": at_equal_psnr(measured[name, WHOLE], points),
            "points": points,
            "one_tile": measured[name, WHOLE],
        }
        for (name, px), points in measured.items()
        if px != WHOLE
    ]
    result["seconds"] = round(time.perf_counter() - began, 1)
    measuring.write("costs", result, page(result), said.out)


if __name__ == "__main__":
    main()

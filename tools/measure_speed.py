#!/usr/bin/env python
"""Speed and memory: ours and Pillow's codecs in paired, interleaved runs; a cold start; 24 megapixels; a region.

    python tools/measure_speed.py PHOTO [PHOTO ...] [--model FILE.calomodel] [--rounds 5]

Pairs: on the middle 4 MP of each photograph every codec runs once a round, in an order that turns, in one warm process;
a ratio is the median over rounds of wall times in the same round, so that a busy machine disturbs both sides. The other
codecs run at the quality that comes nearest to our PSNR. CPU seconds count all threads of the process.
Memory: each case alone in a fresh process, peak resident memory with the interpreter and the picture in it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import measuring
import numpy as np

from calotype import codec, metrics
from calotype.picture import Picture

QUALITY = 60.0
PHOTO_PX = (2448, 1632)  # 4.0 MP, no multiple of a tile
LARGE_PX = (6000, 4000)
SMALL_PX = (768, 512)
REGION = (2744, 1744, 3256, 2256)  # 512x512 in the middle of the large one, across tile borders


# --- pairs --------------------------------------------------------------------------------------------------------


def nearest_quality(name: str, pixels: np.ndarray, psnr_db: float) -> int:
    """The quality at which a peer comes nearest to a PSNR."""
    low, high, reached = 1, 100, {}
    while low < high:
        middle = (low + high) // 2
        reached[middle] = metrics.psnr(pixels, measuring.peer_decode(measuring.peer_encode(name, pixels, middle, 2), 2))
        low, high = (middle + 1, high) if reached[middle] < psnr_db else (low, middle)
    return min(reached, key=lambda quality: abs(reached[quality] - psnr_db))


def paired(photo: Path, model: Any, rounds: int) -> dict[str, Any]:
    """Every codec once a round on the middle of one photograph."""
    pixels = measuring.centre(measuring.pixels_of(photo), *PHOTO_PX)
    sample = measuring.centre(pixels, 1024, 768)
    ours = codec.encode(Picture.of(sample), model, quality=QUALITY)
    psnr = metrics.psnr(sample, codec.decode(ours, model=model).pixels)
    qualities = {name: nearest_quality(name, sample, psnr) for name in measuring.PEERS}

    work: dict[str, Callable[[], Any]] = {}
    files: dict[str, bytes] = {"calotype": codec.encode(Picture.of(pixels), model, quality=QUALITY)}
    files |= {name: measuring.peer_encode(name, pixels, qualities[name], 2) for name in measuring.PEERS}
    for threads in (2, 1):
        tail = f", {threads} thread" + "s" * (threads > 1)
        work[f"calotype encode{tail}"] = partial(
            codec.encode, Picture.of(pixels), model, quality=QUALITY, threads=threads
        )
        work[f"calotype decode{tail}"] = partial(codec.decode, files["calotype"], model=model, threads=threads)
        for name, (_, _, threaded) in measuring.PEERS.items():
            if threads == 1 or threaded:
                work[f"{name} encode{tail}"] = partial(measuring.peer_encode, name, pixels, qualities[name], threads)
                work[f"{name} decode{tail}"] = partial(measuring.peer_decode, files[name], threads)

    times, names = measuring.Times(), list(work)
    for turn in range(rounds):
        shift = turn * len(names) // rounds
        for name in names[shift:] + names[:shift]:
            times.run(name, work[name])
        print(f"{photo.stem}: round {turn + 1}/{rounds}", end="\r", file=sys.stderr, flush=True)

    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    decoded = {name: measuring.peer_decode(data) for name, data in files.items() if name != "calotype"}
    decoded = {"calotype": codec.decode(files["calotype"], model=model).pixels, **decoded}
    return {
        "photo": photo.stem,
        "megapixels": round(megapixels, 3),
        "psnr_db": {name: round(metrics.psnr(pixels, found), 2) for name, found in decoded.items()},
        "bpp": {name: round(8 * len(data) / megapixels / 1e6, 4) for name, data in files.items()},
        "quality": {"calotype": QUALITY, **qualities},
        "times": {name: times.summary(name, megapixels) for name in names},
        "times_faster_than": {
            f"{verb}, {threads}": {
                name: times.ratio(f"calotype {verb}, {threads}", f"{name} {verb}, {threads}")
                for name in measuring.PEERS
                if f"{name} {verb}, {threads}" in work
            }
            for verb in ("encode", "decode")
            for threads in ("2 threads", "1 thread")
        },
    }


# --- alone in a process -------------------------------------------------------------------------------------------


def child(kind: str, source: Path, threads: int, model_file: str, *more: str) -> dict[str, Any]:
    """What a fresh process does: encode pixels (.npy) or decode a .calo file, whole or a region."""
    model = measuring.load_model(Path(model_file) if model_file else None)
    given = Picture.of(np.load(source)) if kind == "encode" else source.read_bytes()
    before, cpu, wall = measuring.peak_mib(), time.process_time(), time.perf_counter()
    if kind == "encode":
        data = codec.encode(given, model, quality=QUALITY, threads=threads)
    else:
        data = codec.decode(given, model=model, threads=threads, region=REGION if kind == "region" else None).pixels
    said = {
        "wall_s": round(time.perf_counter() - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
        "peak_mib": round(measuring.peak_mib()),
        "before_mib": round(before),
        "sha256": hashlib.sha256(data).hexdigest()[:16],
    }
    if kind == "encode" and more:
        Path(more[0]).write_bytes(data)
    if kind == "decode":
        left, top, right, bottom = REGION
        part = np.ascontiguousarray(data[top:bottom, left:right])
        said["region_sha256"] = hashlib.sha256(part).hexdigest()[:16]
    return said


def large(photo: Path, model_file: Path | None) -> dict[str, Any]:
    """24 megapixels with 1 and 2 threads, and a region of them; each in a process of its own."""
    script, model = Path(__file__).resolve(), str(model_file or "")
    with tempfile.TemporaryDirectory() as folder:
        pixels, file = Path(folder) / "large.npy", Path(folder) / "large.calo"
        np.save(pixels, measuring.centre(measuring.pixels_of(photo), *LARGE_PX))
        found = {
            f"encode, {threads}": measuring.in_child(script, "encode", pixels, threads, model, file)
            for threads in (1, 2)
        }
        for kind in ("decode", "region"):
            for threads in (1, 2):
                found[f"{kind}, {threads}"] = measuring.in_child(script, kind, file, threads, model)
        file_bytes = file.stat().st_size
    hashes = {case: said["sha256"] for case, said in found.items()}
    part = found["decode, 1"]["region_sha256"]
    return {
        "picture": f"{LARGE_PX[0]}x{LARGE_PX[1]}, continued by reflection",
        "file_bytes": file_bytes,
        "cases": found,
        "same_bytes_with_1_and_2_threads": hashes["encode, 1"] == hashes["encode, 2"],
        "same_pixels_with_1_and_2_threads": hashes["decode, 1"] == hashes["decode, 2"],
        "region_equals_whole": hashes["region, 1"] == hashes["region, 2"] == part,
    }


def cold(photo: Path, model_file: Path | None, runs: int = 7) -> dict[str, Any]:
    """From a shell: the whole command, interpreter and imports in it; files are in the system's cache."""
    script = Path(sys.executable).with_name("calotype")
    installed = script.exists() and importlib.util.find_spec("calotype") is not None
    command = [str(script)] if installed else [sys.executable, "-m", "calotype.cli.main"]
    found: dict[str, tuple[list[float], list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder, measuring.home_with(model_file) as environment:
        from PIL import Image

        small = Path(folder) / "small"
        Image.fromarray(measuring.centre(measuring.pixels_of(photo), *SMALL_PX)).save(small.with_suffix(".png"))
        calo, ppm = small.with_suffix(".calo"), small.with_suffix(".ppm")
        cases = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "python -c 'import calotype'": [sys.executable, "-c", "import calotype"],
            "calotype --version": [*command, "--version"],
            "calotype encode": [*command, "--quiet", "encode", str(small.with_suffix(".png")), "-o", str(calo), "-f"],
            "calotype decode to PNG": [*command, "--quiet", "decode", str(calo), "-o", f"{small}-2.png", "-f"],
            "calotype decode to PPM": [*command, "--quiet", "decode", str(calo), "-o", str(ppm), "-f"],
        }
        for turn in range(runs + 1):
            for name, line in cases.items():
                wall, cpu, _ = measuring.spent(line, env=environment)
                if turn:  # the first round fills the caches
                    walls, cpus = found.setdefault(name, ([], []))
                    walls.append(wall)
                    cpus.append(cpu)
        _, _, done = measuring.spent(
            [sys.executable, "-c", "import calotype, sys; print('torch' in sys.modules, 'onnxruntime' in sys.modules)"]
        )
    medians = {
        name: {
            "wall_s": round(statistics.median(walls), 3),
            "best_wall_s": round(min(walls), 3),
            "cpu_s": round(statistics.median(cpus), 3),
        }
        for name, (walls, cpus) in found.items()
    }
    bare, imported = medians["python -c pass"], medians["python -c 'import calotype'"]
    return {
        "picture": f"{SMALL_PX[0]}x{SMALL_PX[1]}",
        "runs": runs,
        "cases": medians,
        "import_calotype_s": round(imported["wall_s"] - bare["wall_s"], 4),
        "import_loads_torch_or_onnxruntime": done.stdout.split() != ["False", "False"],
    }


# --- the page -----------------------------------------------------------------------------------------------------


def page(result: dict[str, Any]) -> str:
    """results/speed.md."""
    model = result["model"]
    parts = [f"# Speed and memory\n\nModel {model['name']} ({model['identity']}), quality {QUALITY:g}.\n"]
    for entry in result["pairs"]:
        rows = [
            [name, *(f"{t[key]:.2f}" for key in ("mp_per_s", "mp_per_cpu_s", "wall_s", "best_wall_s", "cpu_s"))]
            for name, t in entry["times"].items()
        ]
        head = ["", "MP/s", "MP per CPU s", "median s", "best s", "CPU s"]
        reached = ", ".join(
            f"{name} {entry['psnr_db'][name]} dB at {rate:.2f} bpp" for name, rate in entry["bpp"].items()
        )
        parts += [f"## {entry['photo']}, {entry['megapixels']} MP, {entry['times'][rows[0][0]]['runs']} rounds\n"]
        parts += [f"At {reached}.\n", measuring.table(head, rows)]
        names = list(measuring.PEERS)
        faster = [
            [case, *(f"{ratios[name]:.2f}" if name in ratios else "" for name in names)]
            for case, ratios in entry["times_faster_than"].items()
        ]
        parts += ["How many times faster Calotype is, medians of pairs:\n", measuring.table(["", *names], faster)]
    whole = result["large"]
    rows = [
        [case, f"{c['wall_s']:.2f}", f"{c['cpu_s']:.2f}", c["peak_mib"], c["before_mib"]]
        for case, c in whole["cases"].items()
    ]
    parts += [
        f"## {whole['picture']}, {whole['file_bytes']:,} bytes\n",
        measuring.table(["case, threads", "wall s", "CPU s", "peak MiB", "MiB before"], rows),
        f"Same bytes with 1 and 2 threads: {whole['same_bytes_with_1_and_2_threads']}; same pixels: "
        f"{whole['same_pixels_with_1_and_2_threads']}; the region equals the same part of the whole: "
        f"{whole['region_equals_whole']}.\n",
    ]
    start = result["cold"]
    rows = [[name, *(f"{c[k]:.3f}" for k in ("wall_s", "best_wall_s", "cpu_s"))] for name, c in start["cases"].items()]
    loads = "torch or onnxruntime" if start["import_loads_torch_or_onnxruntime"] else "neither torch nor onnxruntime"
    parts += [
        f"## From a shell, {start['picture']}, medians of {start['runs']}\n",
        measuring.table(["command", "wall s", "best s", "CPU s"], rows),
        f"`import calotype` itself: {start['import_calotype_s']:.3f} s; it loads {loads}.\n",
        f"{measuring.where(result['machine'])}; load average {result['machine']['load_before']} before and "
        f"{result['machine']['load_after']} after; {result['seconds']:.0f} s in all.\n",
    ]
    return "\n".join(parts)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        kind, source, threads, model, *more = sys.argv[2:]
        print(json.dumps(child(kind, Path(source), int(threads), model, *more)))
        return
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="pairs run on all, memory on the first")
    flags.add_argument("--model", type=Path)
    flags.add_argument("--rounds", type=int, default=5)
    flags.add_argument("--out", type=Path, default=measuring.RESULTS)
    said = flags.parse_args()
    model, began = measuring.load_model(said.model), time.perf_counter()
    result: dict[str, Any] = {"model": measuring.model_said(model), "machine": measuring.machine()}
    with measuring.load_of_machine(result["machine"]):
        result["pairs"] = [paired(photo, model, said.rounds) for photo in said.photos]
        result["large"] = large(said.photos[0], said.model)
        result["cold"] = cold(said.photos[0], said.model)
    result["seconds"] = round(time.perf_counter() - began, 1)
    measuring.write("speed", result, page(result), said.out)


if __name__ == "__main__":
    main()

"""A folder of pictures through one harness with several codecs, and `calotype encode` killed again and again on it.

    python tools/measure_folder.py PICTURES --work FOLDER --pictures 2000 --kills 20

Makes crops of PICTURES in FOLDER (kept for the next time), encodes them with every codec by the same processes, the same
atomic writing and the same manifest, and then kills the real command with SIGKILL at random moments, resuming each time.
Writes results/folder.json and results/folder.md. Runs unattended; its exit code is 1 if the trees differ in the end.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import Any

import measuring
import numpy as np

from calotype.batch import one, pool
from calotype.batch.finding import Kind
from calotype.batch.one import Coded
from calotype.batch.planning import Request, plan

WIDTH_PX, HEIGHT_PX = 384, 256
A_FOLDER = 100  # pictures in each folder of the tree
SAMPLE = 16  # pictures by which the peers' setting is found
OURS = "swift"
MANIFEST = ".calotype-manifest.jsonl"


def crops(source: Path, target: Path, count: int) -> None:
    """`count` pictures of 384x256 as PNG in folders of a hundred, the same for everybody who has the same sources."""
    from PIL import Image

    if len(list(target.rglob("*.png"))) == count:
        return
    shutil.rmtree(target, ignore_errors=True)
    files = measuring.pictures(source)
    chance = random.Random(0)
    for number in range(count):
        pixels = measuring.pixels_of(files[number % len(files)])
        pixels = measuring.centre(pixels, max(WIDTH_PX, pixels.shape[1]), max(HEIGHT_PX, pixels.shape[0]))
        top = chance.randint(0, pixels.shape[0] - HEIGHT_PX)
        left = chance.randint(0, pixels.shape[1] - WIDTH_PX)
        path = target / f"{number // A_FOLDER:03}" / f"{number:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cut = np.ascontiguousarray(pixels[top : top + HEIGHT_PX, left : left + WIDTH_PX])
        Image.fromarray(cut).save(path, compress_level=1)


@cache
def _codec(name: str) -> Any:
    from calotype.bench import codecs

    return codecs.get(name)


def peer_bytes(data: bytes, settings: Mapping[str, Any]) -> Coded:
    """What one.encode_bytes is for us: bytes of a picture file in, bytes of a coded one out."""
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    coded = _codec(settings["codec"]).encode(pixels, settings["level"], threads=settings.get("threads") or 1)
    return Coded(data=coded, width_px=pixels.shape[1], height_px=pixels.shape[0])


def nearest_level(name: str, files: list[Path], wanted_bytes: int) -> float:
    """The level of a codec's dial whose files of a sample are nearest in size to ours, so that speeds compare."""
    codec = _codec(name)

    def size(level: float) -> int:
        return sum(len(codec.encode(measuring.pixels_of(file), level)) for file in files)

    return min(codec.levels, key=lambda level: abs(np.log(size(level) / wanted_bytes)))


def folder_run(name: str, source: Path, target: Path, settings: dict[str, Any], jobs: int) -> dict[str, Any]:
    """Encode a tree undisturbed, all of it: planning, start of processes, writing, manifest."""
    shutil.rmtree(target, ignore_errors=True)
    request = Request(
        verb="encode",
        sources=(str(source),),
        output=str(target),
        settings={**settings, "threads": 1},
        convert=one.encode_bytes if name == OURS else peer_bytes,
        kind=Kind(lambda head: False, (".png",)),
        suffix=".calo" if name == OURS else ".out",
    )
    said: dict[str, Any] = {"codec": name, "settings": settings, "jobs": jobs}
    before, begun = os.times(), time.perf_counter()
    with (
        measuring.load_of_machine(said),
        plan(request) as run,
        closing(run.do(partial(pool.together, count=jobs))) as all,
    ):
        outcomes = list(all)
    after, seconds = os.times(), time.perf_counter() - begun
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    size, pixels = sum(outcome.target_bytes for outcome in outcomes), len(outcomes) * WIDTH_PX * HEIGHT_PX
    return said | {
        "pictures": len(outcomes),
        "failed": sum(outcome.error is not None for outcome in outcomes),
        "seconds": round(seconds, 2),
        "pictures_per_minute": round(60 * len(outcomes) / seconds, 1),
        "cpu_s_per_picture": round(cpu / len(outcomes), 4),
        "bytes": size,
        "bpp": round(8 * size / pixels, 4),
    }


def tree(folder: Path) -> dict[str, str]:
    """The digest of every file, temporary ones and the manifest included."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def command(source: Path, target: Path, quality: float, jobs: int) -> list[str]:
    words = ["encode", source, "-o", target, "-q", quality, "-j", jobs]
    return [sys.executable, "-m", "calotype.cli.main", *map(str, words)]


def _differing(found: dict[str, str], calm: dict[str, str]) -> set[str]:
    return {name for name in found.keys() | calm.keys() if found.get(name) != calm.get(name)}


def killed_run(source: Path, target: Path, calm: dict[str, str], words: Any) -> dict[str, Any]:
    """The command, killed `words.kills` times at random moments and resumed; what was found after each kill."""
    shutil.rmtree(target, ignore_errors=True)
    chance, kills, partial_files, differing, rounds = random.Random(words.seed), [], 0, set[str](), 1
    while len(kills) < words.kills:
        process = subprocess.Popen(command(source, target, words.quality, words.jobs), stderr=subprocess.DEVNULL)
        after_s = chance.uniform(0, 2 * words.seconds_between_kills)
        try:
            process.wait(after_s)
            # Finished before its kill: what it left is compared, and the next kills find an empty folder.
            differing |= _differing(tree(target), calm)
            shutil.rmtree(target)
            rounds += 1
            continue
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        time.sleep(0.2)
        there = tree(target) if target.exists() else {}
        whole = {name: digest for name, digest in there.items() if not Path(name).name.startswith(".")}
        wrong = [name for name, digest in whole.items() if calm.get(name) != digest]
        partial_files += len(wrong)
        kills.append({"after_s": round(after_s, 2), "finished": len(whole), "wrong": wrong})
        print(f"kill {len(kills)} after {after_s:.1f} s: {len(whole)} finished, {len(wrong)} wrong", flush=True)
    last = subprocess.run(
        command(source, target, words.quality, words.jobs), capture_output=True, text=True, check=False
    )
    found = tree(target)
    differing |= _differing(found, calm)
    return {
        "kills": kills,
        "rounds": rounds,
        "partial_files": partial_files,
        "exit_code": last.returncode,
        "last_words": last.stderr.strip().splitlines()[-1:],
        "temporary_files_left": sum(name.endswith(".part") for name in found),
        "differing_files": sorted(differing),
        "equal_to_undisturbed": not differing,
    }


def page(data: dict[str, Any]) -> str:
    """results/folder.md."""
    rows = [
        [
            run["codec"] + (f", level {run['settings']['level']:g}" if "level" in run["settings"] else ""),
            f"{run['pictures_per_minute']:.0f}",
            f"{run['cpu_s_per_picture']:.3f}",
            f"{run['bpp']:.3f}",
            run["load_before"],
        ]
        for run in data["runs"]
    ]
    killed = data["killed"]
    verdict = "equals" if killed["equal_to_undisturbed"] else f"DIFFERS in {len(killed['differing_files'])} files from"
    rounds = killed["rounds"]
    again = f", in {rounds} trees, each to its end" if rounds > 1 else ""
    finished = ", ".join(str(kill["finished"]) for kill in killed["kills"])
    said = (
        f"# A folder of {data['pictures']:,} pictures of {WIDTH_PX}x{HEIGHT_PX}\n\n"
        f"Made by `tools/measure_folder.py`; {data['jobs']} processes of one thread each. The same planning, processes, "
        "atomic writing and manifest for every codec; peers at the setting of their dial whose files come nearest to ours "
        "in size.\n\n"
    )
    said += measuring.table(["codec", "pictures a minute", "CPU s a picture", "bpp", "load before"], rows)
    said += (
        f"\n`calotype encode` killed {len(killed['kills'])} times by SIGKILL at random moments "
        f"(finished pictures at each: {finished}) and resumed{again}: {killed['partial_files']} partial files after a kill, "
        f"{killed['temporary_files_left']} temporary files in the end; the final tree, manifest included, "
        f"{verdict} that of the undisturbed run.\n\n{measuring.where(data['machine'])}\n"
    )
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, metavar="PICTURES", help="folder whose pictures are cropped")
    parser.add_argument("--work", type=Path, required=True, help="folder for crops and outputs")
    parser.add_argument("--pictures", type=int, default=2000, metavar="N")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quality", type=float, default=60.0)
    parser.add_argument("--peers", default="avif-444,jpegxl-e7", help="of calotype.bench.codecs, by commas")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument(
        "--seconds-between-kills", type=float, help="in the mean; by default so that all find work left"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=measuring.RESULTS)
    words = parser.parse_args()
    source = words.work / "in"
    crops(words.source, source, words.pictures)
    sample = sorted(source.rglob("*.png"))[:: max(1, words.pictures // SAMPLE)][:SAMPLE]
    ours = sum(len(one.encode_bytes(file.read_bytes(), {"quality": words.quality}).data) for file in sample)
    runs = [folder_run(OURS, source, words.work / OURS, {"quality": words.quality}, words.jobs)]
    print(json.dumps(runs[-1]), flush=True)
    for name in filter(None, words.peers.split(",")):
        settings = {"codec": name, "level": nearest_level(name, sample, ours)}
        runs.append(folder_run(name, source, words.work / name, settings, words.jobs))
        print(json.dumps(runs[-1]), flush=True)
    # The undisturbed tree is that of the command too: harness and command differ in how they say the settings.
    calm = words.work / "calm"
    shutil.rmtree(calm, ignore_errors=True)
    begun = time.perf_counter()
    subprocess.run(command(source, calm, words.quality, words.jobs), check=True, capture_output=True)
    if words.seconds_between_kills is None:
        start_s = 1.5  # of the command and its processes, each time anew
        words.seconds_between_kills = 0.7 * (time.perf_counter() - begun) / max(1, words.kills) + start_s
    killed = killed_run(source, words.work / "killed", tree(calm), words)
    data = {
        "pictures": words.pictures,
        "size_px": [WIDTH_PX, HEIGHT_PX],
        "jobs": words.jobs,
        "runs": runs,
        "killed": killed,
        "machine": measuring.machine(),
    }
    measuring.write("folder", data, page(data), words.results)
    return 0 if killed["equal_to_undisturbed"] and not killed["partial_files"] else 1


if __name__ == "__main__":
    sys.exit(main())

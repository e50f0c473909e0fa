"""Speed of codecs against each other: one at a time, warm, in shuffled turns, with one thread and with more.

Every codec has a process of its own that stays, and all take a turn in every round, so that whatever else the machine
does meets them alike. Compared is equal quality: each codec runs at the level nearest to a PSNR (or a rate).
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calotype.bench import machine
from calotype.bench.codec_said import Said
from calotype.bench.pictures import PictureFile, pixels_of
from calotype.bench.plan import LIMIT_S
from calotype.bench.processes import Failed, Lane
from calotype.bench.rows import FILE, SCHEMA, Row, Writer, key_of, read
from calotype.bench.runner import scratch_of
from calotype.errors import CalotypeError, UsageError

__all__ = ["BUSY_CORES", "Settings", "level_near", "mosaic", "pictures_of", "run"]

# Whoever else takes more than this of the machine disturbs the clock.
BUSY_CORES = 0.25
# The size of a picture that is timed: 4 MP, no multiple of a tile.
SIDES_PX = (2448, 1632)
# Above this a picture is timed as it is; smaller ones are laid side by side.
LARGE_PX = 10**6
MOST_PICTURES, MOST_SMALL = 3, 64
_FIGURES = ("encode_s", "decode_s", "encode_cpu_s", "decode_cpu_s")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is timed.

    threads  each number is a series of its own        rounds  turns of every codec in each series
    metric, value   "psnr" in dB or "bpp": what the level of each codec comes nearest to
    """

    pictures: list[PictureFile]
    codecs: list[Said]
    report: Path
    threads: tuple[int, ...] = (1, 2)
    rounds: int = 5
    metric: str = "psnr"
    value: float = 36.0
    dataset: str | None = None
    limit_s: float = LIMIT_S
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Timed:
    """A picture that is timed, as it lies in scratch; on `sample`, a part of it, levels are chosen."""

    name: str
    sha256: str
    pixels: Path
    shape: tuple[int, ...]
    sample: Path


def run(settings: Settings, say: Callable[[str], None]) -> list[Row]:
    """Time everything and append a row of kind "timing" for each picture, codec and number of threads.

    say     is told how far it is, and a warning where other work takes the processor
    errors  FileError, UsageError (another run writes there; none of the pictures can be read)
    """
    rows = []
    with Writer(settings.report) as writer, scratch_of(settings.report) as scratch:
        where, known = machine.row(), read(settings.report / FILE)
        if known.get(key_of(where)) is None:
            writer.append(where)
        for timed in pictures_of(settings.pictures, scratch):
            busy = machine.busy_cores()
            if busy is not None and busy > BUSY_CORES:
                say(f"note: other work takes {busy:g} cores; the rows say so, and CPU seconds are the better figures")
            for row in _one(settings, timed, scratch, say):
                row |= {"machine": where["id"], "busy_cores": busy}
                writer.append(row)
                rows.append(row)
    return rows


def pictures_of(files: list[PictureFile], scratch: Path) -> list[Timed]:
    """What is timed of some pictures: the middle 4 MP of the first three that have a megapixel, or a mosaic of all."""
    large, small = [], []
    for file in files:
        with contextlib.suppress(CalotypeError):  # rows say what can't be read
            pixels = pixels_of(file)
            (large if pixels.shape[0] * pixels.shape[1] >= LARGE_PX else small).append((file.name, pixels))
            if len(large) == MOST_PICTURES or len(small) == MOST_SMALL:
                break
    if not large and not small:
        raise UsageError("pictures", value="none that can be read", allowed="at least one picture to time")
    chosen = [(name, centre(pixels, *SIDES_PX)) for name, pixels in large]
    if not large:
        chosen = [(f"mosaic of {len(small)}", mosaic([pixels for _, pixels in small], *SIDES_PX))]
    found = []
    for number, (name, pixels) in enumerate(chosen):
        paths = scratch / f"timed{number}.npy", scratch / f"sample{number}.npy"
        np.save(paths[0], pixels)
        np.save(paths[1], sample_of(pixels))
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
        found.append(Timed(name, digest, paths[0], pixels.shape, paths[1]))
    return found


def centre(pixels: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """The middle of a picture, at most so large."""
    top, left = (max(0, (have - want) // 2) for have, want in zip(pixels.shape, (height_px, width_px), strict=False))
    return np.ascontiguousarray(pixels[top : top + height_px, left : left + width_px])


def mosaic(pictures: list[np.ndarray], width_px: int, height_px: int) -> np.ndarray:
    """Pictures side by side and below each other, in turn, until the area is full; those at its edges are cut."""
    whole, top, number = np.zeros((height_px, width_px, 3), np.uint8), 0, 0
    while top < height_px:
        left, tall = 0, min(picture.shape[0] for picture in pictures)
        while left < width_px:
            part = pictures[number % len(pictures)][:tall, : width_px - left][: height_px - top]
            whole[top : top + part.shape[0], left : left + part.shape[1]] = part
            left, number = left + part.shape[1], number + 1
        top += tall
    return whole


def sample_of(pixels: np.ndarray, across: int = 4, down: int = 3, side_px: int = 256) -> np.ndarray:
    """Squares from all over a picture, side by side: quick to encode, and hard where the picture is hard."""
    height, width = pixels.shape[:2]
    if height < down * side_px or width < across * side_px:
        return pixels
    tops = [round(i * (height - side_px) / (down - 1)) for i in range(down)]
    lefts = [round(i * (width - side_px) / (across - 1)) for i in range(across)]
    return np.vstack(
        [np.hstack([pixels[top : top + side_px, left : left + side_px] for left in lefts]) for top in tops]
    )


def level_near(levels: tuple[float, ...], reach: Callable[[float], float], value: float) -> float:
    """The level that comes nearest to a value which rises along the levels; some between them are tried too.

    levels  in order; where all are whole numbers, only whole numbers are tried
    reach   PSNR or rate at a level
    """
    reached: dict[float, float] = {}

    def tried(level: float) -> float:
        if level not in reached:
            reached[level] = reach(level)
        return reached[level]

    low, high = 0, len(levels) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if tried(levels[middle]) < value else (low, middle)
    ends = [levels[low], levels[high]]
    whole = all(level == int(level) for level in levels)
    for _ in range(3):
        if not tried(ends[0]) < value < tried(ends[1]):
            break
        part = (value - reached[ends[0]]) / (reached[ends[1]] - reached[ends[0]])
        between = ends[0] + part * (ends[1] - ends[0])
        between = float(round(between)) if whole else float(f"{between:.4g}")
        if between in reached:
            break
        ends[0 if tried(between) < value else 1] = between
    return min(reached, key=lambda level: abs(reached[level] - value))


def _one(settings: Settings, timed: Timed, scratch: Path, say: Callable[[str], None]) -> list[Row]:
    """Every codec on one picture."""
    apart = Lane(apart=True, log=scratch / "log", limit_s=settings.limit_s)
    comparing = Lane(apart=False, log=scratch / "log", limit_s=settings.limit_s)
    warm = {codec.name: Lane(apart=False, log=scratch / "log", limit_s=settings.limit_s) for codec in settings.codecs}
    try:
        rows: dict[tuple[str, int], Row] = {}
        for codec in settings.codecs:
            say(f"{timed.name}: {codec.name}: level and memory")
            for row in _prepared(settings, timed, codec, apart, comparing, scratch):
                rows[codec.name, row["threads"]] = row
        turns: dict[tuple[str, int], list[dict[str, float]]] = {key: [] for key in rows}
        asked = {codec.name: codec.asked for codec in settings.codecs}
        order, chosen = list(rows), random.Random(settings.seed)
        for number in range(settings.rounds + 1):
            say(f"{timed.name}: " + (f"round {number} of {settings.rounds}" if number else "warming up"))
            chosen.shuffle(order)
            for key in order:
                if rows[key]["error"]:
                    continue
                given = {"pixels": str(timed.pixels), "level": rows[key]["level"], "threads": key[1]}
                try:
                    turn = warm[key[0]].ask("turn", asked[key[0]], **given)
                except Failed as failed:
                    rows[key]["error"] = failed.said
                else:
                    turns[key] += [turn] if number else []
        for key, row in rows.items():
            if not row["error"]:
                row |= _medians(turns[key], row["megapixels"])
        return list(rows.values())
    finally:
        for lane in (apart, comparing, *warm.values()):
            lane.stop()


def _prepared(settings: Settings, timed: Timed, codec: Said, apart: Lane, comparing: Lane, scratch: Path) -> list[Row]:
    """Rows of one codec without times: the level, and for each number of threads bytes, quality and memory."""
    file, decoded = str(scratch / "file"), str(scratch / "decoded.npy")
    height, width = timed.shape[:2]

    def there_and_back(pixels: Path, shape: tuple[int, ...], level: float, threads: int) -> dict[str, Any]:
        given = {"pixels": str(pixels), "file": file, "level": level, "threads": threads}
        encoded = apart.ask("encode", codec.asked, **given)
        back = apart.ask("decode", codec.asked, file=file, decoded=decoded, shape=list(shape), threads=threads)
        names = {"names": ["psnr", "bpp"], "pixels": str(pixels), "decoded": decoded, "file_bytes": encoded["bytes"]}
        reached = comparing.ask("compare", **names)["metrics"]
        return {
            "bytes": encoded["bytes"],
            "bpp": reached["bpp"],
            "psnr": reached["psnr"],
            "encode_peak_bytes": encoded["peak_bytes"],
            "decode_peak_bytes": back["peak_bytes"],
        }

    shape = np.load(timed.sample, mmap_mode="r").shape
    blank = {
        "schema": SCHEMA,
        "kind": "timing",
        "dataset": settings.dataset,
        "picture": timed.name,
        "picture_sha256": timed.sha256,
        "width_px": width,
        "height_px": height,
        "megapixels": round(width * height / 1e6, 6),
        **codec.row(),
        "level": None,
        "chosen_for": None if codec.lossless else f"{settings.metric}={settings.value:g}",
        "rounds": settings.rounds,
        "error": None,
    }
    try:
        level = codec.levels[0]
        if len(codec.levels) > 1:

            def reach(level: float) -> float:
                found = there_and_back(timed.sample, shape, level, 1)[settings.metric]
                return np.inf if found is None else found

            level = level_near(codec.levels, reach, settings.value)
        return [
            {**blank, "threads": threads, "level": level, **there_and_back(timed.pixels, timed.shape, level, threads)}
            for threads in settings.threads
        ]
    except Failed as failed:
        return [{**blank, "threads": threads, "error": failed.said} for threads in settings.threads]


def _medians(turns: list[dict[str, float]], megapixels: float) -> dict[str, Any]:
    """Medians, the quickest and the slowest of the turns, and speeds in megapixels a second."""
    found: dict[str, Any] = {}
    for name in _FIGURES:
        seconds = [turn[name] for turn in turns]
        found[name] = round(statistics.median(seconds), 6)
        found[f"{name}_range"] = [round(min(seconds), 6), round(max(seconds), 6)]
    for step in ("encode", "decode"):
        for clock in ("", "_cpu"):
            seconds = found[f"{step}{clock}_s"]
            found[f"{step}_mp{clock}_s"] = round(megapixels / seconds, 4) if seconds else None
    return found

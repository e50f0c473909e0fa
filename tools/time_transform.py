#!/usr/bin/env python
"""Times the colour rotation and the pyramid: milliseconds per megapixel, whole and by windows, on one and two threads.

    python tools/time_transform.py [--side 2048] [--repeats 5]
    python tools/time_transform.py --memory        peak of a decode of 24 megapixels without the networks

CPU time is the best of the repeats and hardly suffers from a busy machine; wall time does.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from functools import partial

import numpy as np

from calotype import colour, pyramid, windows
from calotype.strips import Stored, Strips
from calotype.tiles import Grid, Region, plan, windows_of

ROTATION = np.array([[-0.595, 0.680, -0.429], [-0.575, 0.014, 0.818], [-0.562, -0.733, -0.383]], np.float32)
LEVELS = 6
NAMES = {f"l{k}": Stored(9, 1 << k) for k in range(1, LEVELS + 1)} | {"ll": Stored(3, 1 << LEVELS)}
FEATURES = {"f2": Stored(32, 4, "uint8", 1)}
GAINS = {name: np.full(stored.channels, 0.3, np.float32) for name, stored in NAMES.items()}


def timed(label: str, work, megapixels: float, repeats: int) -> None:
    cpu, wall = [], []
    for _ in range(repeats):
        began = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    print(f"{label:<58}{1e3 * min(cpu) / megapixels:8.1f}{1e3 * min(wall) / megapixels:8.1f}", flush=True)


def speed(side: int, repeats: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    load, shape, megapixels = colour.planes_of(picture, ROTATION), (side, side), side * side / 1e6
    everything = Region(0, side, 0, side)
    planes = np.empty((3, *shape), np.float32)
    print(f"{'ms per megapixel, ' + str(side) + ' x ' + str(side):<58}{'CPU':>8}{'wall':>8}")
    timed("colour: uint8 to planes", lambda: load(everything, planes), megapixels, repeats)
    timed("colour: planes to uint8", lambda: colour.samples_of(planes, ROTATION, picture), megapixels, repeats)
    bands = pyramid.analyse(planes, LEVELS)
    timed("analysis, whole", lambda: pyramid.analyse(planes, LEVELS), megapixels, repeats)
    timed("synthesis, whole", lambda: pyramid.synthesise(bands, LEVELS), megapixels, repeats)

    grid = Grid(*shape)
    strips = Strips(grid, NAMES)
    for tile in range(len(grid)):
        parts = {name: grid[tile].over(stored.stride) for name, stored in NAMES.items()}
        strips.write(tile, {name: bands[name][:, part.rows, part.cols].round(1) for name, part in parts.items()})
    stored = strips.loader(GAINS)
    for threads in (1, 2):
        for window_px in (512, 1024):
            jobs = windows_of(everything, window_px)

            def synthesise(window, halo_px=16):
                pyramid.synthesise_window(stored, window.grown(halo_px, *shape), shape, LEVELS)

            def analyse(keep_bytes, window_px=window_px, threads=threads, jobs=jobs):
                options = {"side_px": window_px, "threads": threads, "keep_bytes": keep_bytes}
                analysis = windows.Analysis(load, shape, LEVELS, **options)
                for _ in windows.run(analysis.bands, jobs, threads=threads):
                    pass

            said = f"windows of {window_px}, {threads} thread{'s'[: threads - 1]}"
            for passes, keep_bytes in (("kept", 2**30), ("twice", 0)):
                work = partial(analyse, keep_bytes)
                timed(f"colour and analysis, {passes}, {said}", work, megapixels, repeats)
            timed(
                f"synthesis from strips, halo 16, {said}",
                lambda jobs=jobs, threads=threads, work=synthesise: list(windows.run(work, jobs, threads=threads)),
                megapixels,
                repeats,
            )


def memory(height: int = 4000, width: int = 6000) -> None:
    """Strips, synthesis and output of 24 megapixels on two threads, with the arrays of a batch of tiles as decoded."""
    grid = Grid(height, width)
    jobs = windows_of(Region(0, grid.shape[0], 0, grid.shape[1]), 1024, 512)
    reach_px = pyramid.reach_px(LEVELS) + 16
    strips = Strips(grid, NAMES | FEATURES, windows=jobs, reach_px=reach_px)
    out, load, most = np.zeros((height, width, 3), np.uint8), strips.loader(GAINS), 0

    def decode():
        nonlocal most
        for step in plan(grid, jobs, reach_px=reach_px):
            for batch in step.batches:
                arrays = {
                    name: np.ones(
                        (len(batch.tiles), kept.channels, batch.height // kept.stride, batch.width // kept.stride),
                        np.float32,
                    )
                    for name, kept in strips.names.items()
                }
                for row, tile in enumerate(batch.tiles):
                    strips.write(tile, {name: array[row] for name, array in arrays.items()})
            most = max(most, strips.nbytes)
            yield from step.windows

    def synthesise(window):
        planes = pyramid.synthesise_window(load, window, grid.shape, LEVELS)
        strips.release(window)
        part = out[window.rows, window.cols]
        if part.size:
            colour.samples_of(planes, ROTATION, part)

    before = peak_mb()
    for _ in windows.run(synthesise, decode(), threads=2):
        pass
    print(f"peak {peak_mb():.0f} MB; before {before:.0f}, output {out.nbytes / 1e6:.0f}, strips {most / 1e6:.0f}")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", action="store_true")
    arguments = parser.parse_args()
    if arguments.memory:
        memory()
    else:
        speed(arguments.side, arguments.repeats)

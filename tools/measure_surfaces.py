#!/usr/bin/env python
"""How well surfaces fit blocks of 4x4, coefficients not quantized: what the claim for the hyperbolic tangent is about.

    python tools/measure_surfaces.py PICTURE ...

Grey (the mean of R, G, B where there is colour). Each block gets its best coefficients in least squares, samples are
rounded. "published" are the patterns of the paper's equation 3 alone: three coefficients and two flips, as "plane" has three.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import pixels_of, table

from calotype.walks.quadtree import cells, means_of, placed
from calotype.walks.surfaces import patterns

SIDE = 4


def published() -> np.ndarray:
    """tanh(c x + (1/2 - c) y) for c in hundredths of 1/2, in the four places of the corner, as `patterns` has them."""
    y, x = np.indices((SIDE, SIDE))
    found = []
    for c in np.arange(101) / 200:
        block = np.tanh(c * x + (0.5 - c) * y)
        found += [turned.ravel() for turned in (block, block[::-1], block[:, ::-1], block[::-1, ::-1])]
    flat = np.stack(found)
    return (flat - flat.mean(1, keepdims=True))[:, None]


def psnr(plane: np.ndarray, surfaces: np.ndarray) -> float:
    """Of every block's best shape of [shapes, terms, n], terms at right angles to each other, against the plane."""
    blocks = cells(plane, SIDE)
    mean = means_of(plane, SIDE)[..., None]
    energy = np.square(surfaces.astype(float)).sum(2)
    along = np.einsum("yxn,stn->yxst", blocks - mean, surfaces.astype(float))
    best = (np.square(along) / energy).sum(-1).argmax(-1)
    weight = np.take_along_axis(along, best[..., None, None], 2)[:, :, 0] / energy[best]
    fit = mean + np.einsum("yxt,yxtn->yxn", weight, surfaces[best].astype(float))
    error = np.clip(np.rint(placed(fit, SIDE)), 0, 255) - plane
    return float(10 * np.log10(255**2 / np.square(error).mean()))


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("pictures", nargs="+", type=Path)
    args = flags.parse_args()
    kinds = {"plane": patterns("plane", SIDE), "published": published(), "tanh": patterns("tanh", SIDE),
             "quadratic": patterns("quadratic", SIDE)}  # fmt: skip
    rows = []
    for file in args.pictures:
        plane = np.rint(pixels_of(file).mean(2))
        plane = plane[: plane.shape[0] // SIDE * SIDE, : plane.shape[1] // SIDE * SIDE]
        rows.append([file.stem, *(f"{psnr(plane, surfaces):.2f}" for surfaces in kinds.values())])
    print(table(["picture", *kinds], rows))


if __name__ == "__main__":
    main()

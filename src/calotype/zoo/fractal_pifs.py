"""Fractal coding: every block is a larger block of the same picture, shrunk, turned, and scaled in contrast.

    picture -> Y Co Cg (exact) -> blocks of 32x32 to 4x4 by rate and distortion -> split? --- neighbours, spread --> tables
                                  \\-> mean / step(rate, side) ---- predicted from coarser blocks ----------------> tables
                                  \\-> search: which domain, of 8 isometries, what contrast -----------------------> tables
    picture <- R G B <- Y Co Cg <- 10 times, from flat blocks: mean + contrast * (turned, shrunk domain - its mean)

A partitioned iterated function system: Jacquin 1992; quad trees as in Fisher 1995. The decoder iterates in integers, so
its picture is the encoder's on every machine.
Differs from them: domains lie in the block's tile (512 pixels); the offset is the block's mean (Oien and Lepsoy 1994);
a block may be flat, without a domain; chroma, at half the sides, has domains of its own. The encoder searches everything,
as matrix products. Size "near": domains on a grid of twice the distance, an eighth of the search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

STEPS = (48.0, 2.0)  # of means of 4x4 blocks, in samples, at the first and the last rate
LARGER = 0.6  # a step's factor for twice the side
TRADEOFF = 0.3  # squared error, in steps, that a bit is worth
GRID = {4: 16, 8: 8, 16: 8, 32: 16}  # distance of domains, in samples, for each side of ranges
SPARSE = {side: 2 * distance for side, distance in GRID.items()}
SAMPLE_PX = 700_000  # of the design's pictures that are searched


def design(
    crops: Sequence[np.ndarray],
    *,
    largest: int = 32,
    smallest: int = 2,
    grid: dict[int, int] = GRID,
    iterations: int = 10,
    anchors: int = 9,
    classes: bool = False,
) -> Any:
    """The model from pictures uint8 [h, w, 3].

    largest, smallest   sides of blocks in pixels, powers of two      grid, iterations, classes   as in walks/fractal.py
    """
    import numpy as np

    from calotype.train.tree_contexts import tree_design
    from calotype.walks.fractal import Fractal

    parameters = {
        "largest": largest,
        "smallest": smallest,
        "grid": {str(side): distance for side, distance in grid.items()},
        "iterations": iterations,
        "tradeoff": TRADEOFF,
    }
    if classes:
        parameters["classes"] = True
    some, total = [], 0
    for crop in crops:
        some.append(crop)
        total += crop.shape[0] * crop.shape[1]
        if total >= SAMPLE_PX:
            break
    steps = np.geomspace(*STEPS, anchors)
    return tree_design("fractal", parameters, Fractal(**parameters), steps, LARGER, some, {})


RECIPE = Recipe(
    name="fractal-pifs",
    title="fractal coding: blocks as turned, shrunk copies of larger ones, decoded by iteration",
    paper="Jacquin 1992, doi:10.1109/83.128028",
    walk="fractal",
    design=design,
    sizes={
        "near": {"grid": SPARSE},
        "tiny": {"largest": 16, "anchors": 3, "grid": {4: 16, 8: 16, 16: 32}},
    },
)

"""Curve fitting: each block is a hyperbolic tangent of an oriented ramp, told by level, amplitude, orientation, two flips.

    picture -> Y Co Cg (exact) -> blocks of 32x32 to 4x4 by rate and distortion -> split? ---- neighbours, spread --> tables
                                  \\-> mean / step(rate, side) ---- predicted from coarser blocks ----------------> tables
                                  \\-> amplitude / step, pattern (orientation, flips) ----------------------------> tables
    picture <- R G B <- Y Co Cg <- mean + amplitude * pattern(side), patterns from a table of tanh with 256 entries

Khalaf, Zaghar, Hashim 2019: blocks of 4x4, z = a + b tanh(c x + (1/2 - c) y) from the darkest corner, coefficients by
corner values and correction.
Differs from the paper: the level is the block's mean, so that a flat block needs nothing else; coefficients by least
squares; sides are chosen; ramps with their edge in the block's midst besides. Chroma is halved. Sizes "plane" (its
anchor, first order), "quadratic" (second order), "four" (4x4 blocks only, as published).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

STEPS = (48.0, 2.0)  # of means and amplitudes of 4x4 blocks, in samples, at the first and the last rate
LARGER = 0.6  # a step's factor for twice the side
TRADEOFF = 0.3  # squared error, in steps, that a bit is worth


def design(
    crops: Sequence[np.ndarray],
    *,
    surface: str = "tanh",
    largest: int = 32,
    smallest: int = 2,
    anchors: int = 9,
) -> Any:
    """The model from pictures uint8 [h, w, 3].

    surface             "tanh", "plane" or "quadratic"
    largest, smallest   sides of blocks in pixels, powers of two
    """
    import numpy as np

    from calotype.train.tree_contexts import tree_design
    from calotype.walks.quadtree import KINDS, sides_of
    from calotype.walks.surfaces import Surfaces, patterns

    sides = sorted({side for kind in KINDS for side in sides_of(kind, largest, smallest)})
    made = {side: patterns(surface, side) for side in sides}
    parameters = {
        "largest": largest,
        "smallest": smallest,
        "shapes": {str(side): found.shape[0] for side, found in made.items()},
        "terms": {str(side): found.shape[1] for side, found in made.items()},
        "tradeoff": TRADEOFF,
    }
    surfaces = {f"surface.{side}": found.reshape(len(found), -1) for side, found in made.items()}
    steps = np.geomspace(*STEPS, anchors)
    return tree_design("surfaces", parameters, Surfaces(**parameters), steps, LARGER, crops, surfaces)


RECIPE = Recipe(
    name="khalaf2019-tanh",
    title="blocks as hyperbolic tangents of oriented ramps, planes or quadratics, on a quad tree",
    paper="Khalaf, Zaghar, Hashim 2019, doi:10.3390/sym11020291",
    walk="surfaces",
    design=design,
    sizes={
        "plane": {"surface": "plane"},
        "quadratic": {"surface": "quadratic"},
        "four": {"largest": 4, "smallest": 4},
        "tiny": {"largest": 16, "anchors": 3},
        "tiny-plane": {"surface": "plane", "largest": 16, "anchors": 3},
        "tiny-quadratic": {"surface": "quadratic", "largest": 16, "anchors": 3},
    },
)

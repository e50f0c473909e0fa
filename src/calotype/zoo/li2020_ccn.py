"""Li, Ma, You, Zhang, Zuo 2020 (arXiv:1906.10057): context-based convolutional networks on a divided code.

    picture -> analysis -> * gain(rate) -> y (1/16) -> front k: all values with row + column + group = k
                                           |
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> side
      front k:  side, 5x5 windows of all groups in fronts before k (trimmed convolution) -> mean, table (exact)
    picture <- synthesis <- * inverse gain(rate) <- restored y

Scanned in a 3-D zigzag, the code falls into diagonal planes whose values do not need each other: a tile of 512 pixels has
66 planes with four groups of channels, where raster order would take 1024 x 4 steps for the same context.
Differs from the paper: a hyperprior beside the context; channels in four groups instead of each its own plane; one hidden
layer; Laplace tables chosen in integers instead of a mixture in floats; only the lossy mode.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import WIDE

GROUPS = 4


def system(
    widths: tuple[int, ...] = (24, 48, 80),
    latent: int = 128,
    hyper: int = 32,
    parameters: int = 48,
    groups: int = GROUPS,
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.zoo.minnen2018_joint import with_context

    return with_context((1, 1, groups), widths=widths, latent=latent, hyper=hyper, parameters=parameters)


RECIPE = Recipe(
    name="li2020-ccn",
    title="a divided code: diagonal planes of positions and channel groups, coded in parallel",
    paper="Li et al. 2020, arXiv:1906.10057",
    walk="joint",
    build=system,
    sizes={"wide": WIDE, "tiny": {"widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8, "groups": 2}},
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)

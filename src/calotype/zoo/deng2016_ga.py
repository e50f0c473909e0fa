"""Genetic search for the best bottleneck network: width, activation, learning rate and start.

    picture -> Y Cb Cr -> 8x8 blocks -> mean | rest
        -> genes -> short trainings -> fittest kept, crossed, mutated -> the best one trained on
    picture <- R G B <- mean + decoder of the hidden units, integers <- as bpnn-block

The survey only names the paper; this is a faithful reading of its title. Six networks, three generations.

Everything but the training is that of `bpnn-block`. Deng et al. 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe
from calotype.zoo.bpnn_block import TINY

if TYPE_CHECKING:
    import numpy as np


def design(crops: Sequence[np.ndarray], **size: Any) -> Any:
    """The model from pictures uint8 [h, w, 3]; the sizes' arguments are those of `bpnn_block.design`."""
    from calotype.zoo import bpnn_block

    settings: dict[str, Any] = {"trainer": "genetic", "units": 16} | size
    return bpnn_block.design(crops, **settings)


RECIPE = Recipe(
    name="deng2016-ga",
    title="genetic search for the best bottleneck network: width, activation, learning rate and start",
    paper="Deng et al. 2016",
    rows=("deng2016-ga",),
    walk="blocks",
    design=design,
    sizes={"tiny": {**TINY, "flock": 2, "generations": 1, "steps": 20}},
)

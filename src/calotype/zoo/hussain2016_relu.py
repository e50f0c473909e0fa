"""A deep bottleneck network of rectified units.

    picture -> Y Cb Cr -> 8x8 blocks -> mean | rest
        -> 64-48, rectified -> 16 hidden units -> 48, rectified -> 64
    picture <- R G B <- mean + decoder of the hidden units, integers <- as bpnn-block

Units that are zero for most blocks code cheaply, says the paper; the bottleneck itself is linear here.

Everything but the training is that of `bpnn-block`. Hussain, Jeong 2016.
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

    return bpnn_block.design(
        crops, **({"trainer": "backpropagation", "units": 16, "wide": 48, "activation": "none"} | size)
    )


RECIPE = Recipe(
    name="hussain2016-relu",
    title="a deep bottleneck network of rectified units",
    paper="Hussain, Jeong 2016",
    rows=("hussain2016-relu",),
    walk="blocks",
    design=design,
    sizes={"tiny": {**TINY, "steps": 200}},
)

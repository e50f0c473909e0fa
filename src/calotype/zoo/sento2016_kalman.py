"""A bottleneck network whose weights a Kalman filter estimates.

    picture -> Y Cb Cr -> 8x8 blocks -> mean | rest
        -> 64-16, tanh, block after block: each neuron keeps the covariance of its weights
    picture <- R G B <- mean + decoder of the hidden units, integers <- as bpnn-block

The paper codes grey digits; here photographs in colour. The filter is decoupled by neuron, the decoder solved for last.

Everything but the training is that of `bpnn-block`. Sento 2016; Puskorius, Feldkamp 1994, doi:10.1109/72.279191.
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

    settings: dict[str, Any] = {"trainer": "kalman", "units": 16} | size
    return bpnn_block.design(crops, **settings)


RECIPE = Recipe(
    name="sento2016-kalman",
    title="a bottleneck network whose weights a Kalman filter estimates",
    paper="Sento 2016; Puskorius, Feldkamp 1994, doi:10.1109/72.279191",
    rows=("sento2016-kalman",),
    walk="blocks",
    design=design,
    sizes={"tiny": {**TINY, "count": 300}},
)

"""Levenberg-Marquardt training of a bottleneck network for blocks.

    picture -> Y Cb Cr -> 8x8 blocks -> mean | rest
        -> 64-16, tanh, by (J^T J + mu I) d = J^T e; decoder by least squares
    picture <- R G B <- mean + decoder of the hidden units, integers <- as bpnn-block

The paper's second network decodes pictures from a noisy channel: docs/systems/channel-errors.md.
Differs: the decoder is linear and solved for in each round, so only the encoder's weights are searched; colour.

Everything but the training is that of `bpnn-block`. Watkins et al. 2016; Hagan, Menhaj 1994, doi:10.1109/72.329697.
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

    settings: dict[str, Any] = {"trainer": "levenberg-marquardt", "units": 16} | size
    return bpnn_block.design(crops, **settings)


RECIPE = Recipe(
    name="watkins2016-lm",
    title="levenberg-Marquardt training of a bottleneck network for blocks",
    paper="Watkins et al. 2016; Hagan, Menhaj 1994, doi:10.1109/72.329697",
    rows=("watkins2016-lm",),
    walk="blocks",
    design=design,
    sizes={"tiny": {**TINY, "rounds": 2, "count": 200}},
)

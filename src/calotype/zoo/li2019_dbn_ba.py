"""A restricted Boltzmann machine as encoder, steps of its units by Blahut and Arimoto's algorithm.

    picture -> Y Cb Cr -> 8x8 blocks -> mean | rest
        -> 64-16, sigmoid, by contrastive divergence, then back-propagation
        -> finer steps where the rate-distortion curve asks for them
    picture <- R G B <- mean + decoder of the hidden units, integers <- as bpnn-block

Blahut and Arimoto's algorithm finds for each unit the error of the best code at one slope of the curve; units whose
best code errs less than a uniform step get a finer one. One machine, not a stack: its units are not binary here.

Everything but the training is that of `bpnn-block`. Li et al. 2019; Hinton, Salakhutdinov 2006, doi:10.1126/science.1127647.
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

    settings: dict[str, Any] = {"trainer": "boltzmann", "units": 16, "ladder": True} | size
    return bpnn_block.design(crops, **settings)


RECIPE = Recipe(
    name="li2019-dbn-ba",
    title="a restricted Boltzmann machine as encoder, steps of its units by Blahut and Arimoto's algorithm",
    paper="Li et al. 2019; Hinton, Salakhutdinov 2006, doi:10.1126/science.1127647",
    rows=("li2019-dbn-ba",),
    walk="blocks",
    design=design,
    sizes={"tiny": {**TINY, "steps": 200}},
)

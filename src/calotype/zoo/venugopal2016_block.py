"""Block-wise lossless coding: the best of four predictors for each block of 16x16, Huffman codes.

    picture -> Y Co Cg, exact
        -> each block: left, above, median or gradient, whichever errs least -> errors -> Huffman codes; choices -> tables
    picture <- samples, along lines x + 2 y <- errors

The survey only names the paper; this is a faithful reading of its title.

Walk and dial are those of `predictive-lossless`. Venugopal et al. 2016, medical pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe
from calotype.zoo.predictive_lossless import TINY

if TYPE_CHECKING:
    import numpy as np


def design(crops: Sequence[np.ndarray], **size: Any) -> Any:
    """The model from pictures uint8 [h, w, 3]; the sizes' arguments are those of `predictive_lossless.design`."""
    from calotype.zoo import predictive_lossless

    settings: dict[str, Any] = {"predictor": "block", "coder": "huffman"} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="venugopal2016-block",
    title="block-wise lossless coding: the best of four predictors for each block of 16x16, Huffman codes",
    paper="Venugopal et al. 2016, medical pictures",
    rows=("venugopal2016-block",),
    walk="predictive",
    design=design,
    sizes={"tiny": {"steps": TINY}},
)

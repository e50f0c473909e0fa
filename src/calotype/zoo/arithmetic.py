"""Adaptive arithmetic coding of prediction errors: eight contexts, counts that grow row by row.

    picture -> Y Co Cg, exact
        -> errors of the median predictor -> context(six errors above) -> counts so far -> rANS
    picture <- samples, along lines x + 2 y <- errors

rANS in place of the paper's coder, of many symbols; counts change after each row, so that a row is coded at once. Size
"binary": a number is its length in unary and then its bits, each decision with a chance of its own, one of 64.

Walk and dial are those of `predictive-lossless`. Witten, Neal, Cleary 1987, doi:10.1145/214762.214771.
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

    settings: dict[str, Any] = {"coder": "arithmetic"} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="arithmetic",
    title="adaptive arithmetic coding of prediction errors: eight contexts, counts that grow row by row",
    paper="Witten, Neal, Cleary 1987, doi:10.1145/214762.214771",
    rows=("arithmetic",),
    walk="predictive",
    design=design,
    sizes={"binary": {"coder": "binary"}, "tiny": {"steps": TINY}},
)

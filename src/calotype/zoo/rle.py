"""Run-length coding of prediction errors: two equal bytes, then how many more.

    picture -> Y Co Cg, exact
        -> errors of the median predictor -> bytes -> value, value, count
    picture <- samples, along lines x + 2 y <- errors

For drawings and screens; photographs have no runs, and it makes them larger than they are.

Walk and dial are those of `predictive-lossless`. Golomb 1966, doi:10.1109/TIT.1966.1053907.
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

    settings: dict[str, Any] = {"coder": "rle"} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="rle",
    title="run-length coding of prediction errors: two equal bytes, then how many more",
    paper="Golomb 1966, doi:10.1109/TIT.1966.1053907",
    rows=("rle",),
    walk="predictive",
    design=design,
    sizes={"tiny": {"steps": TINY}},
)

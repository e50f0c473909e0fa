"""Adaptive Golomb-Rice coding of prediction errors: the parameter follows the errors above.

    picture -> Y Co Cg, exact
        -> errors of the median predictor -> 0, -1, 1, ... as 0, 1, 2, ... -> shift(six errors above) -> unary part | binary part
    picture <- samples, along lines x + 2 y <- errors

No tables, nothing to send: what lies above tells how many bits are noise.

Differs from JPEG-LS: the parameter sees two rows above and not the sample to the left, so a row is coded at once.

Walk and dial are those of `predictive-lossless`. Weinberger, Seroussi, Sapiro 2000, doi:10.1109/83.855427.
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

    settings: dict[str, Any] = {"coder": "golomb"} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="golomb-adaptive",
    title="adaptive Golomb-Rice coding of prediction errors: the parameter follows the errors above",
    paper="Weinberger, Seroussi, Sapiro 2000, doi:10.1109/83.855427",
    rows=("golomb-adaptive",),
    walk="predictive",
    design=design,
    sizes={"tiny": {"steps": TINY}},
)

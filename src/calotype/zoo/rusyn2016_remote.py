"""Lossless coding of remote sensing frames: gradient prediction, adaptive arithmetic coding.

    picture -> Y Co Cg, exact
        -> gradient-adjusted prediction -> errors -> context(six errors above) -> counts so far -> rANS
    picture <- samples, along lines x + 2 y <- errors

The survey only names the paper; this is a faithful reading of its title. Bands of more than three channels: domain codecs.

Walk and dial are those of `predictive-lossless`. Rusyn et al. 2016.
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

    settings: dict[str, Any] = {"predictor": "gradient", "coder": "arithmetic"} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="rusyn2016-remote",
    title="lossless coding of remote sensing frames: gradient prediction, adaptive arithmetic coding",
    paper="Rusyn et al. 2016",
    rows=("rusyn2016-remote",),
    walk="predictive",
    design=design,
    sizes={"tiny": {"steps": TINY}},
)

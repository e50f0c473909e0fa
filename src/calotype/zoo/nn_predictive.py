"""A small network predicts each sample from six before it, and the errors are coded by context.

    picture -> Y Co Cg, exact
        -> six neighbours - median -> 16 rectified units -> correction of the median -> errors -> tables by context
    picture <- samples, along lines x + 2 y <- errors

Trained by back-propagation on the Huber loss, then rounded to integers: encoder and decoder predict the same on every
machine. The third class of Jiang's survey: networks that improve a classical coder.

Walk and dial are those of `predictive-lossless`. Dony, Haykin 1995, doi:10.1109/5.364461.
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

    settings: dict[str, Any] = {"predictor": "mlp"} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="nn-predictive",
    title="a small network predicts each sample from six before it, and the errors are coded by context",
    paper="Dony, Haykin 1995, doi:10.1109/5.364461",
    rows=("nn-predictive",),
    walk="predictive",
    design=design,
    sizes={"tiny": {"steps": TINY, "training": 200}},
)

"""Schiopu, Liu, Munteanu 2018: a convolutional network predicts each sample from a causal window, errors are coded by context.

    picture -> Y Co Cg, exact
      15 samples of three rows - median -> masked convolution, 32 units -> + 1x1, 32 units -> correction of the median
                                        -> errors -> tables by the errors around, in interlaced passes -> rANS
    picture <- samples, along lines x + 2 y <- errors

Every weight is an integer, so that encoder and decoder predict the same on every machine; a network in floats would not be
lossless. Samples of one line x + 2 y do not see each other, and are predicted at once.
Differs from the paper: one masked convolution and a residual layer of 1x1 after it, where it had a deep network for each of
its windows; the window is what a line may see, 15 samples; a network for luma and one for chroma; contexts and tables are
those of `predictive-lossless`, where it had CALIC's contexts and binary trees.
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

    settings: dict[str, Any] = {"predictor": "cnn", "hidden": 32, "training": 8000} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="schiopu2018-cnn-lossless",
    title="a causal convolutional network of integers predicts each sample, errors by context",
    paper="Schiopu, Liu, Munteanu 2018, Picture Coding Symposium",
    walk="predictive",
    design=design,
    sizes={"tiny": {"steps": TINY, "hidden": 8, "training": 200}},
)

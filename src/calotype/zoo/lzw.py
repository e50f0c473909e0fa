"""Lempel-Ziv-Welch coding of prediction errors: words of a dictionary that both sides build.

    picture -> Y Co Cg, exact
        -> errors of the median predictor -> bytes in raster order -> longest known word -> codes of 9 to 16 bits
    picture <- samples, along lines x + 2 y <- errors

The dictionary is built word by word, so this one loops in Python; a megapixel takes about two seconds.

Walk and dial are those of `predictive-lossless`. Welch 1984, doi:10.1109/MC.1984.1659158.
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

    settings: dict[str, Any] = {"coder": "lzw"} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="lzw",
    title="lempel-Ziv-Welch coding of prediction errors: words of a dictionary that both sides build",
    paper="Welch 1984, doi:10.1109/MC.1984.1659158",
    rows=("lzw",),
    walk="predictive",
    design=design,
    sizes={"tiny": {"steps": TINY}},
)

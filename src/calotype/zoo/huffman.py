"""Huffman coding of prediction errors: one canonical code for a tile, its lengths in front.

    picture -> Y Co Cg, exact
        -> errors of the median predictor -> bytes, large ones behind -> counts -> lengths, at most 14 bits -> codes
    picture <- samples, along lines x + 2 y <- errors

A picture is no stream of independent symbols, so the code is for what prediction leaves. 512 codes a lane are read in
lock-step, which costs two bytes a lane.

Walk and dial are those of `predictive-lossless`. Huffman 1952, doi:10.1109/JRPROC.1952.273898.
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

    settings: dict[str, Any] = {"coder": "huffman"} | size
    return predictive_lossless.design(crops, **settings)


RECIPE = Recipe(
    name="huffman",
    title="huffman coding of prediction errors: one canonical code for a tile, its lengths in front",
    paper="Huffman 1952, doi:10.1109/JRPROC.1952.273898",
    rows=("huffman",),
    walk="predictive",
    design=design,
    sizes={"tiny": {"steps": TINY}},
)

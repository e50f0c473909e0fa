"""Vector quantization with a self-organising map: the codebook is a chain whose neighbouring entries resemble each other.

    pictures -> blocks -> nearest entry, and its neighbours on the chain, moved to them -> narrower and narrower -> codebooks
    picture -> as vq-lbg

What Kohonen's map promises a coder: an index that is off by one is an entry that is nearly right, so errors of a
channel do little, and indices of neighbouring blocks are close. Kohonen 1990; Nasrabadi and Feng 1988.

Differs from the papers: batch rounds on samples in place of one vector at a time; the walk and the dial of `vq-lbg`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe
from calotype.zoo.vq_lbg import TINY

if TYPE_CHECKING:
    import numpy as np


def design(crops: Sequence[np.ndarray], **size: Any) -> Any:
    """The model from pictures uint8 [h, w, 3]; the sizes' arguments are those of `vq_lbg.design`."""
    from calotype.zoo import vq_lbg

    return vq_lbg.design(crops, method="som", **size)


RECIPE = Recipe(
    name="nn-vq-som",
    title="vector quantization, codebooks by a self-organising map",
    paper="Kohonen 1990, doi:10.1109/5.58325",
    rows=("nn-vq-som",),
    walk="vectors",
    design=design,
    sizes={"fixed": {"indices": "fixed"}, "tiny": {"books": TINY}},
)

"""Vector quantization with fuzzy c-means: each vector pulls at every entry, the more the nearer it is.

    pictures -> blocks -> memberships u_ij, weighted centroids, exponent falling from 1.6 to 1.1 -> codebooks
    picture -> as vq-lbg

Bezdek 1981; Karayiannis and Pai 1995. The survey names fuzzy c-means and then describes another transform.

Differs from the papers: the exponent falls, samples in each round; the walk and the dial of `vq-lbg`.
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

    return vq_lbg.design(crops, method="fcm", **size)


RECIPE = Recipe(
    name="fcm-vq",
    title="vector quantization, codebooks by fuzzy c-means",
    paper="Karayiannis, Pai 1995",
    rows=("fcm-vq",),
    walk="vectors",
    design=design,
    sizes={"fixed": {"indices": "fixed"}, "tiny": {"books": TINY}},
)

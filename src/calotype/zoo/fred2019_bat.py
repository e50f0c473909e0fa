"""Vector quantization with the bat algorithm: a flock of codebooks refines the one that splitting found.

    pictures -> blocks -> LBG codebook -> bats around it: fly to the best, walk about it, centroids -> codebooks
    picture -> as vq-lbg

Yang 2010; Fred et al. 2019 for medical pictures. What a metaheuristic finds beyond splitting is measured in
docs/systems/vector-quantization.md.

Differs from the paper: four bats and eight rounds on samples; colour; the walk and the dial of `vq-lbg`.
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

    return vq_lbg.design(crops, method="bat", **size)


RECIPE = Recipe(
    name="fred2019-bat",
    title="vector quantization, codebooks by splitting, refined by the bat algorithm",
    paper="Fred et al. 2019; Yang 2010, arXiv:1004.4170",
    rows=("fred2019-bat",),
    walk="vectors",
    design=design,
    sizes={"fixed": {"indices": "fixed"}, "tiny": {"books": TINY}},
)

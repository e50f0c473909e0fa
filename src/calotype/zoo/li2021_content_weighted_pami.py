"""Li, Zuo, Gu, You, Zhang 2021 (arXiv:1904.00664): content-weighted compression with levels instead of bits, in parallel.

    picture -> residual analysis -> nearest of 8 centres -> y (1/8), 32 a place, the first 2 x importance remain
                                |-> importance 0..16 (1/8)
      importance, 5x5 windows of eight groups of channels in fronts before (trimmed convolution, exact) -> table -> front k
    picture <- residual synthesis <- values of centres

The journal version of `li2018-content-weighted`: learned quantizer levels, and a context that is trimmed rather than masked,
so that all values of a diagonal plane of the code are coded at once.
Differs from the paper: as `li2018-content-weighted` does; one set of centres for all channels; tables of symbols, where it
coded a level bit by bit.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483)
TYPICAL_BPP = (0.15, 0.25, 0.40, 0.60, 0.85, 1.10)
DIAGONALS = (1, 1, 8)


def system(
    widths: tuple[int, ...] = (32, 48), latent: int = 32, blocks: int = 2, top: int = 16, parameters: int = 48
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.zoo.li2018_content_weighted import with_importance

    sizes = {"widths": widths, "latent": latent, "blocks": blocks, "top": top, "parameters": parameters}
    return with_importance(levels=8, order=DIAGONALS, lambdas=LAMBDAS, typical=TYPICAL_BPP, **sizes)


RECIPE = Recipe(
    name="li2021-content-weighted-pami",
    title="eight levels under a map of importance, trimmed contexts of diagonal planes",
    paper="Li et al. 2021, arXiv:1904.00664",
    walk="masked",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 16, "blocks": 1, "top": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
)

"""Mentzer, Agustsson, Tschannen, Timofte, Van Gool 2018 (arXiv:1801.04260): centres, a map of importance, a 3-D context.

    picture -> residual analysis -> nearest of 6 centres -> symbols y (1/8), 32 a place, the first 2 x importance remain
                                |-> importance 0..16 (1/8)
      importance, symbols of all channels and places in fronts before, within 5x5 (exact)
                                                     -> where its symbol is likely, how sure -> table -> front k of y
    picture <- residual synthesis <- values of centres

Forward the nearest centre, backward the soft assignment; the context is trained with everything else, on the entropy that
both share. Front k holds all symbols with row + column + group = k: the masked 3-D convolution's order, in which a tile of
512 pixels takes 130 steps with four groups of channels.
Differs from the paper: channels in four groups, each seeing those before it, instead of one step a channel; one masked
layer and a hidden one instead of four; a symbol's probabilities fall off exponentially from the likeliest one, in tables
that integers choose, where a softmax gave six; the map is sent instead of folded into the symbols; MSE instead of MS-SSIM;
one model for all rates, by the map; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483)
TYPICAL_BPP = (0.15, 0.25, 0.40, 0.60, 0.80, 1.00)


def system(
    widths: tuple[int, ...] = (32, 48), latent: int = 32, blocks: int = 3, top: int = 16, parameters: int = 48
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.zoo.li2018_content_weighted import with_importance

    sizes = {"widths": widths, "latent": latent, "blocks": blocks, "top": top, "parameters": parameters}
    return with_importance(levels=6, lambdas=LAMBDAS, typical=TYPICAL_BPP, **sizes)


RECIPE = Recipe(
    name="mentzer2018-cpm",
    title="scalar centres, a map of importance, and a 3-D context in diagonal planes",
    paper="Mentzer et al. 2018, arXiv:1801.04260",
    walk="masked",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 12, "blocks": 1, "top": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
)

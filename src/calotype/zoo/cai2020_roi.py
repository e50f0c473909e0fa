"""Cai, Chen, Zhang, Gao 2020: a predicted region of interest weights the error and gets the bits, trained jointly.

    picture -> residual analysis -> nearest of 6 centres -> y (1/8), 40 a place, the first 2.5 x region remain
                      |-> 1/8, 1/16, 1/32 -> joined -> region 0..16 (1/8): sent, coarse steps of importance
      training: the region learns what stands out; squared errors count up to four times inside it
    picture <- residual synthesis <- values of centres <- table(channel, rate)

Bits follow the region because only so much of a place is coded as its region says, and the transforms follow it because
that is where errors count. PSNR over a whole picture falls for it: that is the method's bargain.
Differs from the paper: no labelled regions are at hand, so the region is taught by centre-surround contrast; its multi-scale
network sees what the analysis found, at three scales, not the picture in a network of its own; MSE; one model for all rates.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe


def system(widths: tuple[int, ...] = (32, 48), latent: int = 40, blocks: int = 2, top: int = 16) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.importance import Scales
    from calotype.train.methods.salient import SalientSystem
    from calotype.zoo.li2018_content_weighted import with_importance

    return with_importance(
        widths=widths, latent=latent, blocks=blocks, levels=6, top=top, parameters=0, order=None,
        make=SalientSystem, head=Scales(latent, 16),
    )  # fmt: skip


RECIPE = Recipe(
    name="cai2020-roi",
    title="a region of interest that is predicted, gets the bits, and weights the error",
    paper="Cai, Chen, Zhang, Gao 2020, doi:10.1109/TIP.2019.2960869",
    walk="masked",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 12, "blocks": 1, "top": 4}},
    phases=(Phase(name="everything"),),
)

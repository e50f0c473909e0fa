"""Alexandre, Chang, Peng, Hang 2018 (arXiv:1902.07385): a residual autoencoder, depths from an importance net, two losses.

    picture -> residual analysis -> nearest of 4 centres -> y (1/8), 48 a place, the first 3 x importance remain
                                |-> 1/8, 1/16, 1/32 -> importance 0..16 (1/8): how deep the code of a place is
      y <- table(channel, rate)
    picture <- residual synthesis <- values of centres

      loss: rate + lambda * (squared error + a share of 1 - MS-SSIM)

Differs from the paper: its importance net saw the picture, this one what the analysis found, at three scales; a table for
each channel and rate instead of a context of bits; one model for all rates, by the map, where it aimed at 0.15 bpp; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe


def system(widths: tuple[int, ...] = (32, 48), latent: int = 48, blocks: int = 3, top: int = 16) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.importance import Scales
    from calotype.train.methods.structured import StructuredSystem
    from calotype.zoo.li2018_content_weighted import with_importance

    return with_importance(
        widths=widths, latent=latent, blocks=blocks, levels=4, top=top, parameters=0, order=None,
        make=StructuredSystem, head=Scales(latent, 16),
    )  # fmt: skip


RECIPE = Recipe(
    name="alexandre2018-nctu",
    title="residual autoencoder, an importance net says how deep a place is coded, MSE and MS-SSIM",
    paper="Alexandre et al. 2018, arXiv:1902.07385",
    walk="masked",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 12, "blocks": 1, "top": 4}},
    phases=(Phase(name="everything"),),
)

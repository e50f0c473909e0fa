"""Cheng, Sun, Takeuchi, Katto 2020 (arXiv:2001.01568): mixtures of Gaussians as likelihoods, attention in the transforms.

    picture -> 3x3 steps with GDN, residual blocks, gates -> * gain(rate) -> y (1/16) -> round(y - mean) -> ...
                                           |                                                 ^
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) --+      | mean, scale, shape -> table
                                                 values above and to the left (5x5) --+-> parameters (exact)
    picture <- sub-pixel steps with IGDN, residual blocks, gates <- * inverse gain(rate) <- restored y

What a single Gaussian cannot say, several peaks, skew, heavy tails, a mixture of three can. Here, in integers: a model has
five learned mixtures; the network says which of them codes a value, how wide, and where.
Differs from the paper: a mixture per table instead of free weights, means and scales for each value, because a table must
be the same on every machine; gates without non-local blocks, and two of them; one model for all rates; fewer channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe


def system(widths: tuple[int, ...] = (24, 32, 48), latent: int = 64, hyper: int = 32, parameters: int = 48) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.attention import AttentionAnalysis, AttentionSynthesis
    from calotype.nets.families import Mixture
    from calotype.train.system import Row
    from calotype.zoo.minnen2018_joint import WAVEFRONT, with_context

    family = Mixture()
    return with_context(
        WAVEFRONT, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        outputs=("mean16", "index", "shape"), shapes=family.shapes,
        families={"y": family}, rows={"y.scale": Row.of_shaped(latent)},
        analysis=AttentionAnalysis(widths, latent), synthesis=AttentionSynthesis(widths, latent),
    )  # fmt: skip


RECIPE = Recipe(
    name="cheng2020-gmm",
    title="learned mixtures as likelihoods, gates of attention in the transforms, serial context",
    paper="Cheng et al. 2020, arXiv:2001.01568",
    walk="joint",
    build=system,
    sizes={
        "wide": {"widths": (32, 48, 64), "latent": 96, "hyper": 48, "parameters": 96},
        "tiny": {"widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8},
    },
    phases=INTEGERS_LAST,
)

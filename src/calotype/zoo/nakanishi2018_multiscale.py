"""Nakanishi, Maeda, Miyato, Okanohara 2018 (arXiv:1805.06386): multi-scale autoencoder, parallel multi-scale coder.

    picture -> conv5/2 GDN -> conv5/2 GDN -> conv3/2 GDN -> conv3/2 ----+
                        |  1/2         |  1/4         |  1/8            |
                        +-> cells -----+-> cells -----+-> cells --------+-> * gain(rate) -> y (1/16)
                                                                                            | fold 2x2
          coder:  w (1/64) -> table(rate);  z (1/32) <- mean, table(w);  y <- mean, table(z)          each in one pass
    picture <- deconvolutions and IGDN, at each resolution + what y says to it directly <- / gain(rate) <- y

Every resolution reaches the code on a short way of its own, and the code every resolution; the coder of the codes is
lossless and has scales itself: the coarser ones predict all positions of the next at once.
Differs from the paper: latents are rounded, not quantized to seven levels, and rate is in the loss; the coder's coarser
codes are side information with gradients of their own (walk and networks of hu2020-coarse2fine) where the paper codes
positions in groups; Laplace; integers where tables are chosen; one model for all rates; fewer channels. The survey prints
no entry for its reference: this is the codec of that name.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe


def system(
    widths: tuple[int, ...] = (24, 40, 64), apart: tuple[int, ...] = (1, 3, 8), latent: int = 96, hyper: int = 32,
    coarse: int = 24, parameters: int = 40,
) -> Any:  # fmt: skip
    """The trainable system: channels at each resolution, channels each sends on its own way, then those of the coder."""
    from calotype.nets.multiscale import MultiScaleAnalysis, MultiScaleSynthesis
    from calotype.zoo import hu2020_coarse2fine
    from calotype.zoo.minnen2018_hyperprior import STAGES

    return hu2020_coarse2fine.system(
        widths=widths, latent=latent, hyper=hyper, coarse=coarse, parameters=parameters,
        analysis=MultiScaleAnalysis(widths, latent, STAGES, apart),
        synthesis=MultiScaleSynthesis(widths, latent, STAGES, apart),
    )  # fmt: skip


RECIPE = Recipe(
    name="nakanishi2018-multiscale",
    title="features of every resolution in one code, coded from coarse to fine in parallel",
    paper="Nakanishi et al. 2018, arXiv:1805.06386",
    walk="coarse-to-fine",
    build=system,
    sizes={
        "tiny": {"widths": (4, 6, 8), "apart": (1, 1, 2), "latent": 12, "hyper": 8, "coarse": 6, "parameters": 12},
    },
    phases=INTEGERS_LAST,
)

"""Theis, Shi, Cunningham, Huszar 2017 (arXiv:1703.00395): compressive autoencoder of residual blocks and sub-pixels.

    picture -> conv5/2 -> conv5/2 -> residual blocks (1/4) -> conv5/2 -> * gain(rate) -> round -> y (1/8)
                                                                                           |
                                                                   tables(channel, rate) of Gaussian scale mixtures
    picture <- shuffle2 <- shuffle2 <- residual blocks (1/4) <- shuffle2 <- * inverse gain(rate) <-

Rounding has the gradient of the identity; the rate is that of a Gaussian scale mixture per coefficient, six scales each;
rates differ by scales of the coefficients that are tuned for each (here the gains, trained together).
Differs from the paper: rate's slope to the latents is the mean over the rounding interval; all coefficients train at
once, not one after the other; leaner: 48 channels at 1/4 and two residual blocks instead of 128 and three.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import EVERYTHING
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
TYPICAL_BPP = (0.22, 0.34, 0.50, 0.75, 1.10, 1.55, 2.10, 2.75)


def system(widths: tuple[int, ...] = (32, 48), latent: int = 48, blocks: int = 2) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.model.manifest import Latent
    from calotype.nets.density import ScaleMixture
    from calotype.nets.residual import ResidualAnalysis, ResidualSynthesis
    from calotype.train.system import System

    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=ResidualAnalysis(widths, latent, blocks),
        synthesis=ResidualSynthesis(widths, latent, blocks),
        latents={"y": Latent(latent, 8, -1023, 1023)},
        walk="factorized",
        priors={"y": {"density": ScaleMixture}},
        align_px=32,
    )


RECIPE = Recipe(
    name="theis2017-cae",
    title="compressive autoencoder: residual blocks, sub-pixels, Gaussian scale mixtures",
    paper="Theis et al. 2017, arXiv:1703.00395",
    walk="factorized",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 6, "blocks": 1}},
    phases=EVERYTHING,
)

"""Cheng, Sun, Takeuchi, Katto 2018 (arXiv:1804.09535): convolutional autoencoder, latents rotated by principal components.

    picture -> (conv3, conv3/2, PReLU) x 3 -> rotation -> * gain(rate) -> round -> y (1/8)   tables(channel, rate)
                                                                            |
    picture <- (shuffle2, conv3, PReLU) x 3 <- rotation back <- * inverse gain(rate) <-

The rotation packs the energy of the feature maps into few of them; it is computed from the training pictures, at the
start and again when the transform has been trained ("rotated"), after which the rest adapts to it.
Differs from the paper: tables per channel and rANS where it had JPEG 2000's bit-plane coder; rate in the loss where it had
noise of a fixed step; one model for all rates, by gains; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import BOLD, Phase
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
TYPICAL_BPP = (0.22, 0.34, 0.50, 0.75, 1.10, 1.55, 2.10, 2.75)


def system(widths: tuple[int, ...] = (24, 48), latent: int = 32) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.model.manifest import Latent
    from calotype.nets.residual import PlainAnalysis, PlainSynthesis, Rotation
    from calotype.train.system import System

    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Rotation(PlainAnalysis(widths, latent), latent),
        synthesis=Rotation(PlainSynthesis(widths, latent), latent, inverse=True),
        latents={"y": Latent(latent, 8, -1023, 1023)},
        walk="factorized",
        priors=("y",),
        align_px=32,
    )


RECIPE = Recipe(
    name="cheng2018-cae-pca",
    title="convolutional autoencoder whose latents are rotated by principal components",
    paper="Cheng et al. 2018, arXiv:1804.09535",
    walk="factorized",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 6}},
    phases=(
        Phase(name="transform", share=0.6, schedule="constant", bold=BOLD),
        Phase(name="rotated", share=0.4, bold=BOLD, options={"rotate": True}),
    ),
)

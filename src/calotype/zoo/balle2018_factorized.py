"""Balle, Minnen, Singh, Hwang, Johnston 2018 (arXiv:1802.01436), the factorized-prior model of section 4.

    picture -> conv5/2 GDN conv5/2 GDN conv3/2 GDN conv3/2 -> * gain(rate) -> round -> y (1/16)   tables(channel, rate)
                                                                                    |
    picture <- deconv IGDN deconv IGDN deconv IGDN deconv  <- * inverse gain(rate) <-

Differs from the paper: GDN without roots (Johnston et al. 2019); one model for all rates, by gain vectors (Cui et al.
2020, arXiv:2003.02012) and tables for every rate; fewer channels and kernels of 3x3 at the coarse levels, so that a CPU
trains it, and decodes it at 4 kMAC a pixel instead of 80.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import EVERYTHING
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import STAGES

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
TYPICAL_BPP = (0.18, 0.28, 0.42, 0.62, 0.92, 1.30, 1.80, 2.40)


def system(widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, sampling: str = "") -> Any:
    """The trainable system; sizes as the figure above has them.

    sampling   "smooth": a low-pass filter at every change of resolution; "plain": the same training without one
    """
    from calotype.model.manifest import Latent
    from calotype.nets.smoothed import Sampled
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.system import System

    def sampled(transform: Any) -> Any:
        return Sampled(transform, STAGES, smooth=sampling == "smooth") if sampling else transform

    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=sampled(Analysis(widths, latent, STAGES)),
        synthesis=sampled(Synthesis(widths, latent, STAGES)),
        latents={"y": Latent(latent, 16, -1023, 1023)},
        walk="factorized",
        priors=("y",),
    )


RECIPE = Recipe(
    name="balle2018-factorized",
    title="four strided convolutions with GDN, a learned table per channel, no side information",
    paper="Balle et al. 2018, arXiv:1802.01436",
    walk="factorized",
    build=system,
    sizes={
        "smooth": {"sampling": "smooth"},
        "plain": {"sampling": "plain"},
        "wide": {"widths": (48, 96, 128), "latent": 160},
        "tiny": {"widths": (4, 6, 8), "latent": 8},
    },
    phases=EVERYTHING,
)

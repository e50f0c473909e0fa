"""Balle, Laparra, Simoncelli 2016 (arXiv:1611.01704): three convolutions with GDN, a learned table per channel.

    picture -> conv9/4 GDN -> conv5/2 GDN -> conv5/2 GDN -> * gain(rate) -> round -> y (1/16)   tables(channel, rate)
                                                                              |
    picture <- deconv9/4 IGDN <- deconv5/2 IGDN <- deconv5/2 IGDN <- * inverse gain(rate) <-

The first complete learned codec: normalisation with roots as it was published, noise in training (here its mean
gradient in closed form), rate plus weighted distortion as the loss, tables alone in the decoder's entropy path.
Differs from the paper: one model for all rates, by gains and tables for every rate, in place of one model a rate; 48
to 96 filters instead of 128 or 256; colour pictures, as all later work has them.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import EVERYTHING
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
TYPICAL_BPP = (0.20, 0.31, 0.47, 0.70, 1.03, 1.45, 2.00, 2.60)
STAGES = ((9, 4), (5, 2), (5, 2))


def system(widths: tuple[int, ...] = (48, 64), latent: int = 96, make: Any = None) -> Any:
    """The trainable system; sizes as the figure above has them; `make`: a subclass of `System` in its place."""
    from calotype.model.manifest import Latent
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.system import System

    return (make or System)(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Analysis(widths, latent, STAGES, rooted=True, ends=True),
        synthesis=Synthesis(widths, latent, STAGES, rooted=True, ends=True),
        latents={"y": Latent(latent, 16, -1023, 1023)},
        walk="factorized",
        priors=("y",),
    )


RECIPE = Recipe(
    name="balle2016-gdn",
    title="three strided convolutions with GDN, a learned table per channel",
    paper="Balle, Laparra, Simoncelli 2016, arXiv:1611.01704",
    walk="factorized",
    build=system,
    sizes={"wide": {"widths": (96, 96), "latent": 128}, "tiny": {"widths": (4, 6), "latent": 8}},
    phases=EVERYTHING,
)

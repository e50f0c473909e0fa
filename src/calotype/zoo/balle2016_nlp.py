"""Balle, Laparra, Simoncelli 2016 (arXiv:1607.05006): a one-stage nonlinear transform, trained in a perceptual domain.

    picture -> conv17/8 GDN -> * gain(rate) -> round -> y (1/8)   tables(channel, rate)
                                                 |
    picture <- deconv17/8 IGDN <- * inverse gain(rate) <-

      loss: rate + lambda * distance of (picture ^ 1/2.6 -> Laplacian pyramid -> / amplitude around), both pictures

The year before the first deep codec: a transform of overlapping blocks and one normalisation, with the quantizer relaxed
by noise, optimised for what the eye's first stages keep of the error: contrast counts relative to the contrast around it.
Differs from the paper: colours, each primary in its own pyramid; five scales with one window of amplitudes instead of
fitted ones; a small share of plain error, without which flat areas drift; one model for all rates; 96 filters.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDAS = (5.0, 9.0, 16.0, 28.0, 50.0, 90.0)
TYPICAL_BPP = (0.22, 0.34, 0.50, 0.75, 1.10, 1.55)


def system(latent: int = 96) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.model.manifest import Latent
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.methods.perceptual import PerceptualSystem

    stages = ((17, 8),)
    return PerceptualSystem(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Analysis((), latent, stages, rooted=True, ends=True),
        synthesis=Synthesis((), latent, stages, rooted=True, ends=True),
        latents={"y": Latent(latent, 8, -1023, 1023)},
        walk="factorized",
        priors=("y",),
        align_px=32,
    )


RECIPE = Recipe(
    name="balle2016-nlp",
    title="a one-stage nonlinear transform, trained for the normalized Laplacian pyramid",
    paper="Balle, Laparra, Simoncelli 2016, arXiv:1607.05006",
    walk="factorized",
    build=system,
    sizes={"tiny": {"latent": 12}},
    phases=(Phase(name="everything"),),
)

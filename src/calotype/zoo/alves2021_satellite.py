"""Alves de Oliveira et al. 2021 (doi:10.3390/rs13030447): a narrow autoencoder for on board use, Laplacians fitted and sent.

    picture -> narrow analysis, GDN -> * gain(rate) -> y (1/16) --------------------> round(y - mean) -> ...
                                           |                                             ^
                     of every feature: median, and the table of least bits -> sent -> mean, table(scale)
                                           (once for 256x256 pixels: two small numbers a feature)
    picture <- narrow synthesis, IGDN <- * inverse gain(rate) <- restored y

On a satellite what counts is the encoder: no second network describes the first one's output, a median and a sum of
magnitudes for each feature do, and few filters make y. What was sent is what the decoder uses: it estimates nothing.
Differs from the paper: the scale is one of 64 tables, told as a difference to what is usual at the rate, and so is the
median, by learned tables; trained on photographs, of 8 bits and in colour, not on panchromatic Pleiades pictures of 12
bits; one model for all rates; GDN without roots; 48 filters at the most in place of 64, 96 features.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

TYPICAL_BPP = (0.17, 0.27, 0.41, 0.61, 0.91, 1.28, 1.77, 2.35)
CELL = 64  # pixels; what is sent of a block lies in the first of its cells


def system(widths: tuple[int, ...] = (24, 32, 48), latent: int = 96, block: int = 4) -> Any:
    """The trainable system; sizes as the figure above has them.

    block   cells of 64 pixels along the side for which a Laplacian is fitted; 4 is a quarter of a tile
    """
    from calotype.model.manifest import Latent
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.system import Row, System
    from calotype.zoo.minnen2018_hyperprior import LAMBDAS

    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Analysis(widths, latent),
        synthesis=Synthesis(widths, latent),
        latents={
            "y": Latent(latent, 16, -1023, 1023),
            "middle": Latent(latent, CELL, -1023, 1023),
            "scale": Latent(latent, CELL, -63, 63),
        },
        walk="laplacians",
        walk_parameters={"block": block, "cells": CELL // 16},
        priors={"middle": {"masked": True}, "scale": {"masked": True, "reach": 63}},
        rows={"y.index": Row.of_scales(latent, fine=1.0)},
    )


RECIPE = Recipe(
    name="alves2021-satellite",
    title="a narrow autoencoder, a Laplacian fitted to every feature and sent",
    paper="Alves de Oliveira et al. 2021, doi:10.3390/rs13030447",
    walk="laplacians",
    build=system,
    sizes={
        "tiny": {"widths": (4, 6, 8), "latent": 8, "block": 1},
        "paper": {"widths": (64, 64, 64), "latent": 192},
    },
    phases=(
        Phase(name="everything", share=0.9, schedule="constant_then_linear", hold=0.6, final=0.2),
        Phase(name="integers", share=0.1, rate_scale=0.2, schedule="linear", options={"exact": True}),
    ),
)

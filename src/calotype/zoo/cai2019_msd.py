"""Cai, Chen, Zhang, Gao 2019: multi-scale decomposition; each scale gets bits by content, one model for all rates.

    picture -> 2x2 cells -> residual -> 1x1 --12--> cells -> residual -> 1x1 --16--> ... --16--> ... -> 48 (1/16)
                                                                         | 2 (1/4)      | 8 (1/8)
                                              codes of three scales, * gain(rate) -> y
      encoder: each scale in each cell of 64 pixels: nothing, few, middling or many bits, whatever costs least -> "share"
      share <- table(rate), y <- table(channel, rate, share)
    picture <- each scale joins what rises from the coarser one <- * inverse gain(rate) <- y

An encoder decides for every cell and scale by counting: bits of each level's tables plus what the error is worth. A model
serves all rates: the dial moves the steps, the content moves the bits between scales and places.
Differs from the paper: it picks one of several complete representations, coarse or fine, for each block by its cost; here
every block has all three scales and each of them its level, the lowest of which is nothing; transforms begin as principal
components of cells, scale by scale, with residual blocks in place of its convolutions; allocation for a target rate is the
codec's own (--bpp). The paper was not at hand: a reading of its abstract and of the texts that cite it.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase, Player
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
TYPICAL_BPP = (0.20, 0.32, 0.48, 0.72, 1.05, 1.50, 2.05, 2.70)
LEVELS = 4
GENTLY = (Player(slower=(("*.turns.*", 0.02), ("analysis*", 0.2), ("synthesis*", 0.2))),)  # turns began in closed form


def system(on: tuple[int, ...] = (12, 16, 16), sent: tuple[int, ...] = (0, 2, 8, 48), apart: int = 7) -> Any:
    """The trainable system: channels that go on from 1/2, 1/4, 1/8; channels that leave; tables between levels."""
    from calotype.model.manifest import Latent
    from calotype.nets.decomposition import Decomposition, Recomposition
    from calotype.train.priors import CountedPrior
    from calotype.train.system import Row, System

    analysis = Decomposition(on, sent)
    scales, latent = analysis.groups, sum(analysis.groups)
    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=analysis,
        synthesis=Recomposition(analysis),
        latents={"y": Latent(latent, 16, -1023, 1023), "share": Latent(len(scales), 64, 0, LEVELS - 1)},
        walk="allocated",
        # A step of an orthonormal transform's best quantizer at high rates is worth 26 / 3 bits, squared.
        walk_parameters={"groups": scales, "cells": 4, "levels": LEVELS, "apart": apart, "worth": 8.7},
        priors={"share": {"make": CountedPrior, "symbols": LEVELS, "levels": 9}},
        rows={"y.index": Row.of_scales(latent, fine=1.0)},
    )


RECIPE = Recipe(
    name="cai2019-msd",
    title="codes of three scales, bits allotted to each by content; one model for all rates",
    paper="Cai et al. 2019, doi:10.1109/TCSVT.2018.2880492",
    walk="allocated",
    build=system,
    sizes={"tiny": {"on": (4, 4, 4), "sent": (0, 1, 2, 6)}},
    phases=(Phase(name="everything", players=GENTLY),),
)

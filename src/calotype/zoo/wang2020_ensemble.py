"""Wang, Liu, Ma, Wu, Gao 2020: an ensemble of transforms and priors as coding modes, chosen block by block by their cost.

    picture, and the picture transposed -> transforms 1, 2 -> * gain(mode, rate) -> y of 4 modes (1/8)
      encoder: each mode decoded and counted -> blocks of 64 pixels take the cheapest, or fall into four of 32
      "choice" (1/64), "finer" (1/32) where split; y of the mode that won: table(mode, channel, rate), nothing of the others
    picture <- each block from its mode's synthesis <- * inverse gain(mode, rate) <-

Modes differ in transform, prior and orientation; bits by the mode's own tables plus lambda times the error decide. Every
transform learns most on the blocks that it wins, as boosting wants; a share of blocks is drawn, so that all stay in use.
Differs from the paper: two transforms that learn together instead of one after the other, each as it is and transposed
instead of in eight positions; two levels of blocks; modes share no synthesis, and all are computed everywhere, so decoding
costs four times one mode's; a factorized prior per mode; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483)
TYPICAL_BPP = (0.22, 0.34, 0.50, 0.75, 1.10, 1.55)
STAGES = ((5, 2), (5, 2), (5, 2))


def system(widths: tuple[int, ...] = (24, 32), latent: int = 32, transforms: int = 2, block_px: int = 32) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.model.manifest import Latent
    from calotype.nets.ensemble import EnsembleAnalysis, EnsembleSynthesis
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.methods.modes import ModesSystem
    from calotype.train.priors import CountedPrior
    from calotype.train.system import Row

    modes = 2 * transforms
    counted = {"make": CountedPrior, "levels": 9}
    return ModesSystem(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=EnsembleAnalysis([Analysis(widths, latent, STAGES) for _ in range(transforms)]),
        synthesis=EnsembleSynthesis([Synthesis(widths, latent, STAGES) for _ in range(transforms)], block_px),
        latents={
            "y": Latent(modes * latent, 8, -1023, 1023),
            "choice": Latent(1, 2 * block_px, 0, modes),
            "finer": Latent(1, block_px, 0, modes - 1),
            "mode": Latent(1, block_px, 0, modes - 1, coded=False),
            "worth": Latent(modes, block_px, 0, 1 << 20, coded=False),
        },
        walk="modes",
        walk_parameters={"modes": modes, "cells": block_px // 8},
        priors={"choice": {**counted, "symbols": modes + 1}, "finer": {**counted, "symbols": modes}},
        rows={"y.index": Row.of_scales(modes * latent, fine=1.0)},
    )


RECIPE = Recipe(
    name="wang2020-ensemble",
    title="transforms, priors and orientations as modes, chosen by cost on a quad-tree",
    paper="Wang et al. 2020, doi:10.1109/TCSVT.2020.3000331",
    walk="modes",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 6, "block_px": 16}},
    phases=(Phase(name="everything"),),
)

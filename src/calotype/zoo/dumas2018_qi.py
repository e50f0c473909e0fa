"""Dumas, Roumy, Guillemot 2018 (arXiv:1802.09371): can the learning be quantization independent?

    picture -> conv9/4 GDN -> conv5/2 GDN -> conv5/2 GDN -> * gain(channel) / step(rate) -> round -> y (1/16)
                                                              |                     tables(channel, rate)
    picture <- deconv9/4 IGDN <- deconv5/2 IGDN <- deconv5/2 IGDN <- * step(rate) / gain(channel) <-

One transform for every step: steps of all maps are learned once, relative to each other, and a rate scales all of them
alike, as a classical codec does. What a transform of its own for every rate would bring is the question of the paper.
Differs from `balle2016-gdn` in this alone. Differs from the paper: training sees all steps, where it also tried to train
at one; colour; 96 filters.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import EVERYTHING
from calotype.zoo import Recipe


def system(widths: tuple[int, ...] = (48, 64), latent: int = 96) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.train.methods.stepped import SteppedSystem
    from calotype.zoo import balle2016_gdn

    return balle2016_gdn.system(widths, latent, make=SteppedSystem)


RECIPE = Recipe(
    name="dumas2018-qi",
    title="one transform at any quantization step, steps learned once for all maps",
    paper="Dumas, Roumy, Guillemot 2018, arXiv:1802.09371",
    walk="factorized",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 8}},
    phases=EVERYTHING,
)

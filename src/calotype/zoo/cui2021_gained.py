"""Cui, Wang, Gao, Guo, Feng, Bai 2021 (arXiv:2003.02012): gain vectors, all rates from one model; asymmetric Gaussians.

    picture -> analysis -> y (1/16) -> * gain(rate) --------------------------> round(y - mean) -> ...
                                           |                                         ^
                              hyper-analysis -> z (1/64) -> * gain(rate) -> round    | mean, scale, skew -> table
                                                               |                     |
                                    rate row -> hyper-synthesis (exact) -> parameters (exact) <- scale row(rate)

    picture <- synthesis <- * inverse gain(rate) <- restored y

A gain and an inverse gain per channel at each trained rate; between two of them gains are interpolated in their
exponents, which makes the dial continuous. The Gaussian has one deviation to the left of its mean and one to the right.
Differs from the paper: z is coded by tables for every rate instead of gains of its own; what chooses tables computes in
integers: 32 scales, 5 skews; no attention blocks; no serial context; fewer channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import WIDE

TYPICAL_BPP = (0.16, 0.25, 0.38, 0.57, 0.85, 1.20, 1.65, 2.20)
OUTPUTS = ("mean16", "index", "shape")


def system(widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, hyper: int = 32, parameters: int = 48) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.families import Asymmetric
    from calotype.train.system import Row
    from calotype.zoo.minnen2018_hyperprior import entropy_parameters, with_hyperprior

    family = Asymmetric()
    return with_hyperprior(
        "hyperprior",
        {"entropy_parameters": entropy_parameters(latent, parameters, OUTPUTS, family.shapes)},
        TYPICAL_BPP,
        widths=widths,
        latent=latent,
        hyper=hyper,
        parameters=parameters,
        walk_parameters={"family": {"outputs": OUTPUTS, "shapes": family.shapes}},
        families={"y": family},
        rows={"y.scale": Row.of_shaped(latent)},
    )


RECIPE = Recipe(
    name="cui2021-gained",
    title="gain vectors for all rates, asymmetric Gaussians",
    paper="Cui et al. 2021, arXiv:2003.02012",
    walk="hyperprior",
    build=system,
    sizes={"wide": WIDE, "tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
)

"""Balle, Minnen, Singh, Hwang, Johnston 2018 (arXiv:1802.01436): the scale hyperprior.

    picture -> analysis -> * gain(rate) -> y (1/16) ---------------------> round(y) -> ...
                                           |                                  ^
                              hyper-analysis -> z (1/64) -> round             | table of a Gaussian
                                                            |                 |
                             rate row -> hyper-synthesis (exact) -> scales (exact) <- scale row(rate)

    picture <- synthesis <- * inverse gain(rate) <- round(y)

What z says is how large the values of y are, not what they are: zero-mean Gaussians, convolved with the quantizer's box.
Differs from the paper: what chooses tables computes in integers, 31 scales of a factor 1.33; values of the smallest scale
are not coded at all; hyper-analysis sees signed logarithms, because one model serves all rates; GDN without roots; fewer
channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import WIDE

TYPICAL_BPP = (0.17, 0.26, 0.40, 0.60, 0.88, 1.25, 1.72, 2.30)
OUTPUTS, SHAPES = ("index",), 1


def system(widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, hyper: int = 32, parameters: int = 48) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.families import Normal
    from calotype.train.system import Row
    from calotype.zoo.minnen2018_hyperprior import entropy_parameters, with_hyperprior

    return with_hyperprior(
        "hyperprior",
        {"entropy_parameters": entropy_parameters(latent, parameters, OUTPUTS, SHAPES)},
        TYPICAL_BPP,
        widths=widths,
        latent=latent,
        hyper=hyper,
        parameters=parameters,
        walk_parameters={"family": {"outputs": OUTPUTS, "shapes": SHAPES}},
        families={"y": Normal()},
        rows={"y.scale": Row.of_shaped(latent)},
    )


RECIPE = Recipe(
    name="balle2018-hyperprior",
    title="scale hyperprior: side information says how large the latents are",
    paper="Balle et al. 2018, arXiv:1802.01436",
    walk="hyperprior",
    build=system,
    sizes={"wide": WIDE, "tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
)

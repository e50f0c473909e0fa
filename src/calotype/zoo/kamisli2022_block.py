"""Kamisli 2022 (arXiv:2203.11686): 8x8 blocks whose networks see the decoded blocks to the left and above, and nothing else.

    picture -> blocks of 8x8 -> hyper-analysis -> z (1/32) -> hyper-synthesis (exact) -> side
                 |                                                                        |
                 |     decoded blocks left, above, between them --> context (exact) <-----+
                 |                        |                            |
                 v                        v                        mean, table
               analysis of block and neighbours -> / step(rate) -> round(. - mean) -> q -> * integer step(rate)
                                                                                                |
    picture <- decoded blocks, levels <- synthesis of coefficients and neighbours (exact) <-----+

No prediction in between and no filter behind: networks of all samples of four blocks, three of them decoded (the masked
convolution of the paper, written as what it does to one block), learn both. All of it is integers, so pixels are the same
on every machine. Training is the paper's asymptotic closed loop: neighbours are what an earlier round made of them.
Differs from the paper: two such rounds within a step, from the picture itself, instead of one in each epoch; one hidden
layer; waves, row + column, 127 steps in a tile of 512 pixels; Laplace instead of Gauss; linear parts begin as least
squares and cosines; one model for all rates.
"""

from __future__ import annotations

from typing import Any

from calotype.zoo import Recipe
from calotype.zoo.wu2021_lbhic import RECIPE as PREDICTED


def system(side: int = 8, hyper: int = 32, parameters: int = 80) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.intra import BlockPixels
    from calotype.zoo.wu2021_lbhic import with_blocks

    walk = {"waves": (1, 1), "sees": "samples", "predicts": False}
    return with_blocks(walk, side=side, hyper=hyper, parameters=parameters, synthesis=BlockPixels(side))


RECIPE = Recipe(
    name="kamisli2022-block",
    title="8x8 blocks, networks that see the decoded blocks left and above, exact pixels",
    paper="Kamisli 2022, arXiv:2203.11686",
    walk="neighbours",
    build=system,
    sizes={"tiny": {"side": 4, "hyper": 4, "parameters": 8}},
    phases=PREDICTED.phases,
)

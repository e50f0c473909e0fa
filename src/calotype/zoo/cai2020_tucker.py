"""Cai, Cao, Zhang 2020 (arXiv:1807.03470): a Tucker layer between the transforms, the rank of its core sets the rate.

    picture -> conv5/2 -> conv5/2 -> residual block (1/4) -> conv5/2 -> y (1/8), 24 channels
      y in blocks of 4x4 -> x channels x rows x columns, three learned matrices -> core 24x4x4
                         -> x^p for each entry -> the entries of rank(rate) -> round -> table(entry)
    picture <- shuffle2 <- shuffle2 <- residual block <- shuffle2 <- three matrices <- x^(1/p) <- zeros beyond the rank

One network for many rates: the core of a lower rank is a corner of that of a higher one, so a file of a lower rate holds
the same numbers, fewer of them; entries are in the order of the rank that first has them.
Differs from the paper: the core is of blocks of latents, so that pictures of any size and tiles have it; its matrices are
learned for all pictures and not sent; a learned power for each entry where its quantizer was fitted in turns, so steps
widen with what they quantize as its did; rate in the loss.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDA = 0.03  # of all ranks: the last bit of every entry is worth the same
TYPICAL_BPP = (0.12, 0.2, 0.3, 0.4, 0.55, 0.7, 0.9, 1.1)
SIDE = 4


def system(widths: tuple[int, ...] = (32, 48), latent: int = 24, blocks: int = 1) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.model.manifest import Latent
    from calotype.nets.residual import ResidualAnalysis, ResidualSynthesis
    from calotype.nets.tucker import Projected, rank_order
    from calotype.train.system import Row, System

    anchors, (_, lengths) = len(TYPICAL_BPP), rank_order(latent, SIDE)
    kept = [[lengths[(latent * (k + 1) + anchors - 1) // anchors - 1]] for k in range(anchors)]
    entries = latent * SIDE**2
    return System(
        lambdas=(LAMBDA,) * anchors,
        typical=TYPICAL_BPP,
        analysis=Projected(ResidualAnalysis(widths, latent, blocks), latent, SIDE),
        synthesis=Projected(ResidualSynthesis(widths, latent, blocks), latent, SIDE, inverse=True),
        latents={"y": Latent(entries, 8 * SIDE, -1023, 1023)},
        walk="truncated",
        priors={"y": {"masked": True, "levels": 2, "anchors": 1}},
        rows={"y.kept": Row(1, 1.0, fixed=kept)},
        one_gain=True,
        align_px=8 * SIDE,
    )


RECIPE = Recipe(
    name="cai2020-tucker",
    title="latents as a core and three projections, whose rank is the rate",
    paper="Cai, Cao, Zhang 2020, arXiv:1807.03470",
    walk="truncated",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 8}},
    phases=(Phase(name="everything"),),
)

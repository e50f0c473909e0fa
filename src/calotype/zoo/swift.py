"""Swift, the default model: a 9/7 wavelet pyramid coded coarse to fine by small exact context networks.

    picture -> colour rotation -> CDF 9/7, 6 levels -> gains -> (+ analysis branch) -> quantizer
                                                                          |
      LL (1/64) -> l6 -> l5 -> l4 -> l3 -> l2 -> l1 (1/2)  each band: lift the coarser features, then 2 or 4 steps:
                                                                          |  mean, table <- networks(known symbols)
    picture <- colour rotation <- inverse 9/7 <- inverse gains

No hyperprior: the coarser bands are the side information (the idea of EZW and its kin, Shapiro 1993, with networks in
place of zero-trees). The project's own; docs/training.md has what each part brought.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase, Player
from calotype.zoo import Recipe

LAMBDAS = (0.00093, 0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800, 0.3475)
TYPICAL_BPP = (0.09, 0.15, 0.24, 0.36, 0.54, 0.80, 1.15, 1.60, 2.15, 2.80)


def system(
    widths: tuple[int, ...] = (24, 32, 48, 48, 48, 48), steps: tuple[int, ...] = (2, 2, 4, 4, 4, 4), post: bool = False
) -> Any:
    """The trainable system; widths and steps of levels 1 (finest) upwards, and whether it has a post-filter."""
    from calotype.train.pyramid_system import PyramidSystem

    return PyramidSystem(lambdas=LAMBDAS, typical=TYPICAL_BPP, widths=widths, steps=steps, post=post)


_ALL = Player(slower=(("branch*", 1 / 3),))
_OUTER = ("branch*", "post*")

_EXACT = {"exact": True}

RECIPE = Recipe(
    name="swift",
    title="9/7 pyramid, coarse-to-fine exact contexts; decodes at 7 kMAC a pixel",
    walk="pyramid",
    build=system,
    sizes={
        "wide": {"widths": (24, 32, 48, 64, 64, 64)},
        "roomy": {"widths": (32, 48, 48, 48, 48, 48), "steps": (2, 4, 4, 4, 4, 4)},  # 11.4 kMAC a pixel
        "filtered": {"post": True},
        "tiny": {"widths": (8, 8, 8, 8), "steps": (2, 1, 1, 1)},  # for tests
    },
    phases=(
        Phase(
            name="contexts", share=0.04, at_most_steps=400, batch=4, frozen=_OUTER, schedule="constant", players=(_ALL,)
        ),
        Phase(name="without the branch", share=0.56, frozen=("branch*",), schedule="constant", players=(_ALL,)),
        Phase(name="everything", share=0.25, schedule="linear", players=(_ALL,)),
        Phase(name="integers", share=0.15, rate_scale=0.3, schedule="linear", players=(_ALL,), options=_EXACT),
    ),
    schedules={
        # From trained weights: integers from the first step on, everything learns, the rate falls to nothing.
        "continue": (Phase(name="integers", rate_scale=0.7, hold=0.35, final=0.01, players=(_ALL,), options=_EXACT),),
    },
)

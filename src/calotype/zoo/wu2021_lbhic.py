"""Wu, Li, Zhang, Jin, Chen 2021 (arXiv:2012.09550): blocks predicted from decoded ones, and a filter that knows their seams.

    picture -> blocks of 8x8 -> hyper-analysis -> z (1/32) -> hyper-synthesis (exact) -> side
                 |                                                                        |
                 |     decoded blocks around, strip-pooled --> context (exact) <----------+
                 |                                               |         |
                 |                                           prediction  hidden, tables
                 v                                               |
               block - prediction -> analysis -> / step(rate) -> q -> * integer step(rate) -> synthesis (exact)
                                                                 |                              |
    picture <- boundary filter <--- decoded blocks, levels <-----+------------------------------+

What later blocks are predicted from is integers, so the loop closes alike on every machine; the filter lies outside of it
and computes in floats. Every other block of every other row goes first, then what lies between their corners, then what
lies between sides: four steps whatever the size. Size "waves" sees what is above and to the left instead, as the paper does,
in waves 2 row + column: 190 steps in a tile of 512 pixels, and no better prediction (docs/systems/blocks-in-a-loop.md).
Differs from the paper: that order; blocks of 8x8 with one vector each, where it has large blocks with latents of their
own; one network sees both strips and predicts samples, not latents, with a hidden layer instead of a cascade; Laplace
instead of Gauss; linear parts begin as least squares and cosines; one model for all rates.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase, Player
from calotype.zoo import Recipe

TYPICAL_BPP = (0.16, 0.25, 0.38, 0.57, 0.85, 1.20, 1.65, 2.20)
SLOWLY = (Player(slower=(("*linear*", 0.1), ("*predict*", 0.1), ("*leave*", 0.1))),)  # what began as least squares


def with_blocks(walk: dict[str, Any], *, side: int, hyper: int, parameters: int, synthesis: Any, **others: Any) -> Any:
    """The figure above with other parameters of the walk and another way from decoded blocks to the picture."""
    import torch

    from calotype.model.manifest import Latent
    from calotype.nets.integer import FINE_TOP
    from calotype.nets.intra import BlockAnalysis, BlockContext, BlockSynthesis, PixelsToBlocks
    from calotype.train.freeze import FrozenNet
    from calotype.train.methods.closed_loop import ClosedLoopSystem
    from calotype.walks.neighbours import Neighbours
    from calotype.zoo.minnen2018_hyperprior import with_hyperprior

    m, walk = 3 * side**2, {"side": side, "top": FINE_TOP, **walk}
    planes, predicts = Neighbours(**walk).planes, walk["predicts"]
    u, seen, hidden = (torch.zeros(2, channels, 1, 8) for channels in (m, planes, parameters))
    apart = {} if predicts else {"seen": seen}
    known: dict[str, Any] = {} if predicts else {"seen": (-128, 127, 0)}
    first = "prediction" if predicts else "mean16"
    nets = {
        "context": FrozenNet(
            module=BlockContext(planes, parameters, m, predicts=predicts), exact=True, outputs=("hidden", first, "index"),
            inputs={"seen": seen, "side": hidden, "row": torch.zeros(2, m, 1, 1)},
            ranges={"seen": (-128, 127, 0), "side": (0, 255, 0), "row": "rows/y.scale"},
        ),
        "block_analysis": FrozenNet(
            module=BlockAnalysis(m, 0 if predicts else planes, parameters), part="encoder", outputs=("coefficients",),
            inputs={"block": u, "hidden": hidden, **apart},
        ),
        "block_synthesis": FrozenNet(
            module=BlockSynthesis(m, 0 if predicts else planes, parameters), exact=True, outputs=("levels",),
            inputs={"u": u, "hidden": hidden, **apart},
            ranges={"u": (-FINE_TOP, FINE_TOP, 0), "hidden": (0, 255, 0), **known},
        ),
    }  # fmt: skip
    latents = {
        "y": Latent(m, side, -FINE_TOP, FINE_TOP, coded=False),
        "q": Latent(m, side, -1023, 1023),
        "z": Latent(hyper, 4 * side, -127, 127),
    }
    return with_hyperprior(
        "neighbours", nets, TYPICAL_BPP, widths=(1, 1, 1), latent=m, hyper=hyper, parameters=parameters, latents=latents,
        walk_parameters=walk, analysis=PixelsToBlocks(side), synthesis=synthesis, make=ClosedLoopSystem,
        align_px=4 * side, **others,
    )  # fmt: skip


def system(
    waves: Any = "phases", side: int = 8, hyper: int = 32, parameters: int = 80, features: int = 16, width: int = 48
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.intra import BoundaryFilter

    walk = {"waves": waves, "sees": "strips", "predicts": True}
    return with_blocks(
        walk, side=side, hyper=hyper, parameters=parameters, synthesis=BoundaryFilter(side, features, width)
    )


RECIPE = Recipe(
    name="wu2021-lbhic",
    title="blocks predicted from decoded neighbours in a closed loop of integers, seams filtered",
    paper="Wu et al. 2021, arXiv:2012.09550",
    walk="neighbours",
    build=system,
    sizes={
        "waves": {"waves": (2, 1)},
        "tiny": {"side": 4, "hyper": 4, "parameters": 8, "features": 4, "width": 8},
    },
    phases=(
        Phase(name="everything", share=0.6, players=SLOWLY, schedule="constant_then_linear", hold=0.7, final=0.3),
        Phase(name="integers", share=0.4, players=SLOWLY, rate_scale=0.3, schedule="linear", options={"exact": True}),
    ),
)

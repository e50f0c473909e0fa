"""Minnen et al. 2018 (arXiv:1802.02629): tiles of 32x32 predicted from decoded ones, then refined until they are good enough.

    picture -> tiles of 32x32, those of a diagonal together
      borders of the tiles above, left and between, decoded --> prediction, side            (exact)
      c, 0..4: the least number of stages after which the tile's squared error is below what the rate asks for --> coded
      stage 1..c:  tile - decoded -> blocks of 8x8 -> analysis -> / step -> q, in two groups of coefficients
                   side, c, magnitudes of all q of the tile so far --> tables                (exact)
                   decoded += synthesis(q * integer step)                                    (exact); a third of the step
    picture <- decoded tiles, levels

A tile that its neighbours foresee well enough costs one symbol, sky one stage, hair all of them: the dial is the quality
that every tile must have, and no gain knows the rate. Decoded samples are integers, the same on every machine.
Differs from the paper: each stage is one network of blocks, the same in all stages, that sees what is left of the tile,
where the paper unrolls a recurrent encoder and decoder with memory cells, whose floats are no ground for a closed loop;
integers with a step that falls to a third each time instead of 1-bit codes; what was coded of the tile before chooses
tables, in integers, for its recurrent entropy coder; borders of decoded tiles instead of all their samples; the number of
stages goes first, and chooses tables too.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase, Player
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import LAMBDAS

TYPICAL_BPP = (0.17, 0.27, 0.42, 0.63, 0.95, 1.40, 1.90, 2.60)
TARGETS = (190.0, 116.0, 71.0, 43.0, 26.0, 16.0, 9.8, 6.0)  # squared error that tiles must reach: 25.3 to 40.3 dB
SLOWLY = (Player(slower=(("*linear*", 0.1), ("*leave*", 0.1))),)  # what began as least squares and cosines


def system(
    side: int = 32, cell: int = 8, stages: int = 4, width: int = 48, smooth: int = 12, step: float = 128.0
) -> Any:
    """The trainable system; sizes as the figure above has them. `width`: of hidden layers; `smooth`: predicted waves."""
    import torch

    from calotype.model.manifest import Latent
    from calotype.nets.integer import FINE_TOP
    from calotype.nets.intra import BlockAnalysis, BlockPixels, BlockSynthesis, PixelsToBlocks
    from calotype.nets.tiles import Refined, TileContext, TilePrediction
    from calotype.train.freeze import FrozenNet
    from calotype.train.methods.tiled import TiledSystem
    from calotype.train.priors import CountedPrior
    from calotype.train.system import Row
    from calotype.walks.tiled import SYMBOL_TOP, planes_of

    m, cells, planes = 3 * cell**2, side // cell, planes_of(side, cell)
    u, hidden = torch.zeros(2, m, cells, cells), torch.zeros(2, width, cells, cells)
    nets = {
        "predict": FrozenNet(
            module=TilePrediction(planes, width, m, cells, smooth), exact=True, outputs=("side", "prediction"),
            inputs={"seen": torch.zeros(2, planes, 1, 1)}, ranges={"seen": (-128, 127, 0)},
        ),
        "context": FrozenNet(
            module=TileContext(width, m), exact=True, outputs=("index",),
            inputs={"side": hidden, "seen": u, "row": torch.zeros(2, m, 1, 1)},
            ranges={"side": (0, 255, 0), "seen": (0, 127, 0), "row": (-1000, 1000, 0)},
        ),
        "block_analysis": FrozenNet(
            module=BlockAnalysis(m, 0, width), part="encoder", outputs=("coefficients",),
            inputs={"block": u, "hidden": hidden},
        ),
        "block_synthesis": FrozenNet(
            module=BlockSynthesis(m, 0, width), exact=True, outputs=("levels",), inputs={"u": u, "hidden": hidden},
            ranges={"u": (-FINE_TOP, FINE_TOP, 0), "hidden": (0, 255, 0)},
        ),
    }  # fmt: skip
    latents = {"y": Latent(m, cell, -FINE_TOP, FINE_TOP, coded=False), "count": Latent(1, side, 0, stages)}
    latents |= {f"q{k + 1}": Latent(m * cells**2, side, -SYMBOL_TOP, SYMBOL_TOP) for k in range(stages)}
    return TiledSystem(
        targets=TARGETS, step=step, lambdas=LAMBDAS, typical=TYPICAL_BPP, nets=nets, latents=latents, align_px=side,
        analysis=PixelsToBlocks(cell), synthesis=BlockPixels(cell), walk="tiled",
        walk_parameters={"side": side, "cell": cell, "stages": stages, "groups": 2, "top": FINE_TOP},
        priors={"count": {"make": CountedPrior, "symbols": stages + 1}}, rows={"y.scale": Row.of_shaped(stages * stages * m)},
        families={"q": Refined()},
    )  # fmt: skip


RECIPE = Recipe(
    name="minnen2018-tiled",
    title="32x32 tiles predicted from decoded ones and refined until each is good enough",
    paper="Minnen et al. 2018, arXiv:1802.02629",
    walk="tiled",
    build=system,
    sizes={"tiny": {"side": 16, "cell": 4, "stages": 2, "width": 6, "smooth": 6, "step": 120.0}},
    phases=(
        Phase(name="everything", share=0.6, players=SLOWLY, schedule="constant_then_linear", hold=0.7, final=0.3),
        Phase(name="integers", share=0.4, players=SLOWLY, rate_scale=0.3, schedule="linear", options={"exact": True}),
    ),
)

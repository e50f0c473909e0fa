"""Yin et al. 2018, as the surveys tell it: features of similar pictures guide the coding of what a picture's own have beyond.

    picture -> analysis -> * gain(rate) -> y (1/16) -> cells of 2x2 -> nearest of 256 references -> its number (1/32), coded
                                            |                                   |
                                            |           store (exact) -> features -> * integer gain(rate) -> means
                                            +-> importance 0..16 (1/16), coded  |
                                                        |                       v
                                                        +----------> guide (exact) -> tables
    round(y - mean) of a place's first channels, as many as it deserves; the others are those of its reference
    picture <- synthesis <- * inverse gain(rate) <- y

The store is a network of the model: a decoder that has not the same references has another model, and is told so by the
file. The search is the encoder's own; a better one needs no other decoder. References begin as what the pictures of the
first batch look like in the transform, found by Lloyd's algorithm, and then learn.
A faithful reading of what the surveys say in two sentences, as the original was not at hand.
Differs from the paper: references are cells of 32x32 pixels in the features of the transform, not pictures; likeness is
their distance in these features; one number a cell; Gaussians by tables; one model for all rates.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import LAMBDAS

TYPICAL_BPP = (0.16, 0.25, 0.38, 0.57, 0.85, 1.20, 1.65, 2.20)


def system(
    widths: tuple[int, ...] = (24, 48, 64), latent: int = 96, entries: int = 256, top: int = 16, parameters: int = 48
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    import torch

    from calotype.model.manifest import Latent
    from calotype.nets.families import Normal
    from calotype.nets.reference import FEATURE_TOP, Guided, Importance, Search, Store
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.freeze import FrozenNet
    from calotype.train.methods.consulted import ConsultedSystem
    from calotype.train.priors import CountedPrior
    from calotype.train.system import Row
    from calotype.walks.consulted import MEAN_TOP
    from calotype.zoo.minnen2018_hyperprior import STAGES

    y, cells = torch.zeros(2, latent, 32, 32), torch.zeros(2, entries, 16, 16)
    nets = {
        "search": FrozenNet(module=Search(entries, latent), part="encoder", inputs={"y": y}, outputs=("likeness",)),
        "importance": FrozenNet(
            module=Importance(latent, 24, top), part="encoder", inputs={"y": y}, outputs=("importance",)
        ),
        "store": FrozenNet(
            module=Store(entries, latent), exact=True, outputs=("features",),
            inputs={"selected": cells}, ranges={"selected": (0, 1, 0)},
        ),
        "guide": FrozenNet(
            module=Guided(parameters, latent, top), exact=True, outputs=("index",),
            inputs={"features": y, "importance": torch.zeros(2, 1, 32, 32), "row": torch.zeros(2, latent, 1, 1)},
            ranges={"features": (-FEATURE_TOP, FEATURE_TOP, 0), "importance": (0, top, 0), "row": "rows/y.scale"},
        ),
    }  # fmt: skip
    return ConsultedSystem(
        lambdas=LAMBDAS, typical=TYPICAL_BPP, analysis=Analysis(widths, latent, STAGES),
        synthesis=Synthesis(widths, latent, STAGES), walk="consulted", walk_parameters={"entries": entries, "top": top},
        latents={
            "y": Latent(latent, 16, -1023, 1023), "ref": Latent(1, 32, 0, entries - 1), "map": Latent(1, 16, 0, top),
            "expected": Latent(latent, 16, -(MEAN_TOP // 16 + 1), MEAN_TOP // 16 + 1, coded=False),
        },
        priors={
            "ref": {"make": CountedPrior, "symbols": entries, "levels": 2},
            "map": {"make": CountedPrior, "symbols": top + 1},
        },
        families={"y": Normal()}, nets=nets, rows={"y.scale": Row.of_shaped(latent)}, align_px=32,
    )  # fmt: skip


RECIPE = Recipe(
    name="yin2018-reference",
    title="the nearest of a store of references foretells the latents, importance says how many are coded",
    paper="Yin et al. 2018, by the surveys; importance as Li et al. 2018, arXiv:1703.10553",
    walk="consulted",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 12, "entries": 6, "top": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
)

"""Bao et al. 2022 (doi:10.1155/2022/4926124): channel and spatial attention, scale mixtures, a guess at what rounding took.

    picture -> steps with GDN, a gate (1/8) -> * gain(rate) -> y --------------> round(y - mean) -> ...
                                           |                                              ^
           hyper-analysis with a gate -> z (1/64) -> hyper-synthesis (exact) -> parameters (exact): mean, scale, shape
                                                                                      of a Gaussian scale mixture -> table
    picture <- post-filter <- synthesis with a gate <- * inverse gain(rate) <- + guess(restored y) <- restored y

A gate asks which channels matter around a position, and at which positions all of them do. Before the synthesis, a small
network adds the part of a step that rounding is expected to have taken; behind it another corrects the picture.
Differs from the paper: channels are averaged over 7x7 positions instead of the picture, so that windows have no seams; one
gate in each transform, and none in the hyper-synthesis, whose integers know no products; five learned scale mixtures
instead of free ones; both added networks are trained with the codec; one model for all rates; GDN without roots, few
channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe


def system(
    widths: tuple[int, ...] = (24, 32, 48), latent: int = 64, hyper: int = 24, parameters: int = 32, guess: int = 24,
    filter_width: int = 24,
) -> Any:  # fmt: skip
    """The trainable system; sizes as the figure above has them."""
    import torch

    from calotype.nets.dequantizer import Dequantizer
    from calotype.nets.hybrid import HybridAnalysis, HybridHyperAnalysis, HybridSynthesis
    from calotype.nets.scale_mixtures import ScaleMixtures
    from calotype.train.freeze import FrozenNet
    from calotype.train.methods.dequantized import DequantizedSystem
    from calotype.train.system import Row
    from calotype.zoo.minnen2018_hyperprior import TYPICAL_BPP, entropy_parameters, with_hyperprior

    family, outputs = ScaleMixtures(), ("mean16", "index", "shape")
    return with_hyperprior(
        "hyperprior",
        {
            "entropy_parameters": entropy_parameters(latent, parameters, outputs, family.shapes),
            "hyper_analysis": FrozenNet(
                module=HybridHyperAnalysis(latent, hyper), inputs={"y": torch.zeros(2, latent, 32, 32)},
                outputs=("z",), part="encoder",
            ),
        },
        TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        walk_parameters={"family": {"outputs": outputs, "shapes": family.shapes}},
        families={"y": family}, rows={"y.scale": Row.of_shaped(latent)},
        analysis=HybridAnalysis(widths, latent), synthesis=HybridSynthesis(widths, latent, filter_width),
        make=DequantizedSystem, dequantizer=Dequantizer(latent, guess),
    )  # fmt: skip


RECIPE = Recipe(
    name="bao2022-hybrid-attention",
    title="channel and spatial attention, scale mixtures, rounding undone in part, post-filter",
    paper="Bao et al. 2022, doi:10.1155/2022/4926124",
    walk="hyperprior",
    build=system,
    sizes={
        "tiny": {
            "widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8, "guess": 6, "filter_width": 6,
        }
    },
    phases=INTEGERS_LAST,
)  # fmt: skip

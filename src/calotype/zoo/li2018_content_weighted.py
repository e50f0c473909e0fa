"""Li, Zuo, Gu, Zhao, Zhang 2018 (arXiv:1703.10553): binary codes, masked by a learned map of importance that is the rate.

    picture -> conv5/2 -> conv5/2 -> residual blocks (1/4) -> conv5/2 -> above or below? -> bits y (1/8), 64 a place
                                                                 |                            | masked: the first
                                                                 +-> importance 0..16 (1/8) --+ 4 x importance remain
      importance, 5x5 windows of bits in fronts before (exact) -> probability of each bit that remains
    picture <- shuffle2 <- shuffle2 <- residual blocks <- shuffle2 <- 0 (so is what is masked) or 1

A smooth place keeps few bits, an eye many: what codes the map's sum is what codes the picture. The dial moves the map
everywhere; bits are the same ones at all rates, so a place that deserves more keeps what it had.
Differs from the paper: its loss on the map's sum became the bits that tables say, of which the map's gradient knows; the
context is one masked layer that computes in integers, in fronts of the code divided into four groups of channels, instead
of the convolutional network that was trained afterwards; soft instead of clipped gradients of the binarizer; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483)
TYPICAL_BPP = (0.15, 0.25, 0.40, 0.55, 0.70, 0.85)
DIAGONALS = (1, 1, 4)


def with_importance(
    *, widths: tuple[int, ...], latent: int, blocks: int, levels: int, top: int, parameters: int,
    order: tuple[int, int, int] | None = DIAGONALS, **others: Any,
) -> Any:  # fmt: skip
    """The figure above with other numbers of levels, with or without its context.

    others   arguments of `MaskedSystem` instead of those of the figure; `analysis`, `synthesis` and `head` as the parts
             of nets.importance take them; `make`: a subclass of it
    """
    import torch

    from calotype.model.manifest import Latent
    from calotype.nets.causal import CausalParameters
    from calotype.nets.families import Placed
    from calotype.nets.importance import Centred, Guide, Important
    from calotype.nets.residual import ResidualAnalysis, ResidualSynthesis
    from calotype.train.freeze import FrozenNet
    from calotype.train.methods.masked import MaskedSystem
    from calotype.train.priors import CountedPrior
    from calotype.train.system import Row
    from calotype.walks.fronts import Order

    nets, counted, middle = {}, {"make": CountedPrior}, (levels - 1) // 2
    figure: dict[str, Any] = {"priors": {"map": {**counted, "symbols": top + 1}}}
    if order is not None:
        outputs = ("index", "shape")
        context = CausalParameters(parameters, latent, Order(*order), outputs=outputs, shapes=levels)
        torch.nn.init.normal_(context.out.weight, std=0.1)  # from zero it would not see for long what was coded
        nets = {
            "guide": FrozenNet(
                module=Guide(parameters, top), exact=True, outputs=("side",),
                inputs={"map": torch.zeros(2, 1, 32, 32)}, ranges={"map": (0, top, 0)},
            ),
            "context": FrozenNet(
                module=context, exact=True, outputs=outputs,
                inputs={"side": torch.zeros(2, parameters, 1, 8), "seen": torch.zeros(2, 2 * latent, 5, 40),
                        "row": torch.zeros(2, latent, 1, 1)},
                ranges={"side": (0, 255, 0), "seen": (-127, 127, 0), "row": "rows/y.scale"},
            ),
        }  # fmt: skip
        figure |= {"families": {"y": Placed(levels)}, "rows": {"y.scale": Row.of_shaped(latent)}}
    else:
        figure["priors"]["y"] = {**counted, "symbols": levels, "low": -middle, "levels": 9}
    make = others.pop("make", MaskedSystem)
    analysis = others.pop("analysis", None) or ResidualAnalysis(widths, latent, blocks)
    synthesis = others.pop("synthesis", None) or ResidualSynthesis(widths, latent, blocks)
    return make(
        analysis=Important(analysis, latent, 8, levels=levels, top=top, head=others.pop("head", None)),
        synthesis=Centred(synthesis, levels),
        latents={"y": Latent(latent, 8, -middle, levels - 1 - middle), "map": Latent(1, 8, 0, top)},
        walk="masked",
        walk_parameters={"top": top, "levels": levels} | ({} if order is None else {"order": order}),
        nets=nets,
        align_px=32,
        **figure | {"lambdas": LAMBDAS, "typical": TYPICAL_BPP} | others,
    )


def system(
    widths: tuple[int, ...] = (32, 48), latent: int = 64, blocks: int = 2, top: int = 16, parameters: int = 32
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    return with_importance(widths=widths, latent=latent, blocks=blocks, levels=2, top=top, parameters=parameters)


RECIPE = Recipe(
    name="li2018-content-weighted",
    title="binary codes masked by a learned map of importance, whose sum is the rate",
    paper="Li et al. 2018, arXiv:1703.10553",
    walk="masked",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "latent": 48, "blocks": 1, "top": 6, "parameters": 8}},
    phases=INTEGERS_LAST,
)

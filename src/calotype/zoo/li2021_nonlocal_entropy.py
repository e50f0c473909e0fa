"""Li, Zhang, Li, Zuo, Timofte, Zhang 2021 (arXiv:2005.04661): a local and a non-local context, U-Nets in the transforms.

    picture -> strided steps with GDN, U-Net blocks at 1/4 and 1/8 -> * gain(rate) -> y (1/16) -> fronts
                                           |
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> side
      front k:  5x5 of fronts before k -> look (exact): query, key
                all positions of fronts before k, weighted by key and query -> what is recalled
                side, 5x5, what is recalled -> mean, table (exact)
    picture <- deconvolutions with IGDN, U-Net blocks <- * inverse gain(rate) <- restored y

How alike two positions are is judged by what surrounds them, known on both sides, since the one to be coded is not.
Differs from the paper: queries and keys are learned and weights are max(0, q k) in integers, where it compares codes and has
a softmax; a hyperprior beside the contexts; positions with all their channels on diagonals, 63 in a tile, instead of 32
groups; all decoded positions of a tile; one layer mixes what is near and far; Laplace instead of mixtures; two levels a
U-Net; one model for all rates; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe

ORDER = (1, 1)


def with_memory(
    *, widths: tuple[int, ...], latent: int, hyper: int, parameters: int, attended: int,
    outputs: tuple[str, ...] = ("mean16", "index"), shapes: int = 0, **others: Any,
) -> Any:  # fmt: skip
    """The figure above with another family of distributions, other transforms."""
    import torch

    from calotype.nets.referring import Look, ReferredParameters
    from calotype.train.freeze import FrozenNet
    from calotype.walks.fronts import Order
    from calotype.zoo.minnen2018_hyperprior import TYPICAL_BPP, with_hyperprior

    order, seen = Order(*ORDER), torch.zeros(2, 2 * latent, 5, 40)
    side, row = torch.zeros(2, parameters, 1, 8), torch.zeros(2, latent, 1, 1)
    nets = {
        "look": FrozenNet(
            module=Look(latent, order, attended), exact=True, outputs=("tokens",),
            inputs={"seen": seen}, ranges={"seen": (-127, 127, 0)},
        ),
        "context": FrozenNet(
            module=ReferredParameters(parameters, latent, order, 2 * latent, outputs=outputs, shapes=shapes),
            exact=True, outputs=outputs,
            inputs={"side": side, "seen": seen, "referred": torch.zeros(2, 2 * latent, 1, 8), "row": row},
            ranges={"side": (0, 255, 0), "seen": (-127, 127, 0), "referred": (-127, 127, 0), "row": "rows/y.scale"},
        ),
    }  # fmt: skip
    return with_hyperprior(
        "recalled", nets, TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        walk_parameters={"order": ORDER, "width": attended, "family": {"outputs": outputs, "shapes": shapes}}, **others,
    )  # fmt: skip


def system(
    widths: tuple[int, ...] = (24, 40, 64), latent: int = 64, hyper: int = 24, parameters: int = 32, attended: int = 12
) -> Any:
    """The trainable system; sizes as the figure above has them, `attended` is the width of queries and keys."""
    from calotype.nets.unet import UNetAnalysis, UNetSynthesis
    from calotype.zoo.minnen2018_hyperprior import STAGES

    return with_memory(
        widths=widths, latent=latent, hyper=hyper, parameters=parameters, attended=attended,
        analysis=UNetAnalysis(widths, latent, STAGES), synthesis=UNetSynthesis(widths, latent, STAGES),
    )  # fmt: skip


RECIPE = Recipe(
    name="li2021-nonlocal-entropy",
    title="what was decoded anywhere, where surroundings were alike, beside a local context; U-Net blocks",
    paper="Li et al. 2021, arXiv:2005.04661",
    walk="recalled",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8, "attended": 4}},
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)

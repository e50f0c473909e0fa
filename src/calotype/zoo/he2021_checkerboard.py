"""He, Zheng, Sun, Wang, Qin 2021 (arXiv:2103.15306): checkerboard context model on a mean-and-scale hyperprior.

    picture -> analysis -> * gain(rate) -> y (1/16) --> hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> side
                                                                                                                  |
      first pass:   anchors of y, where row + column is even      <- mean, table -- anchors (exact) --------------+
                      | 5x5 around each other position                                                            |
      second pass:  the others                                    <- mean, table -- others (exact) ---------------+

    picture <- synthesis <- * inverse gain(rate) <- y

Differs from the paper: Laplace instead of a single Gaussian; the networks that choose tables compute in integers and
see logarithms of the anchors by table look-up (walks/features.py); GDN without roots in place of residual blocks with
attention; one model for all rates; fewer channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import WIDE

TYPICAL_BPP = (0.15, 0.24, 0.36, 0.54, 0.81, 1.15, 1.60, 2.10)


def system(
    widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, hyper: int = 32, parameters: int = 48, steps: int = 2,
    kernel: int = 5, **others: Any,
) -> Any:  # fmt: skip
    """The trainable system; sizes as the figure above has them. With four steps it is a quad-tree.

    kernel   how much of what is known a position sees; others: arguments of `with_hyperprior`
    """
    import torch

    from calotype.nets.hyper import ContextParameters
    from calotype.train.freeze import FrozenNet
    from calotype.walks.features import PARITY
    from calotype.zoo.minnen2018_hyperprior import entropy_parameters, with_hyperprior

    anchors = entropy_parameters(latent, parameters)
    seen = torch.zeros(2, 2 * latent + PARITY, 32, 32)
    later = {
        "others" if step == 1 else f"others{step}": FrozenNet(
            module=ContextParameters(parameters, latent, kernel=kernel), exact=True, outputs=anchors.outputs,
            inputs={"side": anchors.inputs["side"], "seen": seen, "row": anchors.inputs["row"]},
            ranges={**anchors.ranges, "seen": (-127, 127, 0)},
        )
        for step in range(1, steps)
    }  # fmt: skip
    sizes: dict[str, Any] = {"widths": widths, "latent": latent, "hyper": hyper, "parameters": parameters}
    more: dict[str, Any] = {} if steps == 2 else {"walk_parameters": {"steps": steps}}
    return with_hyperprior("checkerboard", {"anchors": anchors, **later}, TYPICAL_BPP, **sizes, **more, **others)


RECIPE = Recipe(
    name="he2021-checkerboard",
    title="hyperprior and a checkerboard context in two passes, both exact",
    paper="He et al. 2021, arXiv:2103.15306",
    walk="checkerboard",
    build=system,
    sizes={
        "quad-tree": {"steps": 4},
        "wide": WIDE,
        "tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8},
    },
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)

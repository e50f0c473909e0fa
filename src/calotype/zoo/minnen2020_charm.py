"""Minnen, Singh 2020 (arXiv:2007.08739): channel-wise autoregression in slices, with latent residual prediction.

    picture -> analysis -> * gain(rate) -> y (1/16) = slice 0 | slice 1 | ... | slice 4
                                           |
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> side
      slice k:  side, corrected slices before it -> mean, table (exact) -> round(y - mean) -> restored
                side, slices up to k             -> residual r (exact), at most half a step -> restored + r
    picture <- synthesis <- * inverse gain(rate) <- corrected y

All positions of a slice are coded at once: as many passes as slices, however large the picture.
Differs from the paper: five slices, not ten; Laplace instead of Gauss; integers where tables are chosen, so the residual
is in sixteenths; one hidden layer in the parameter networks instead of three; GDN without roots; one model for all rates.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import WIDE

TYPICAL_BPP = (0.15, 0.23, 0.36, 0.54, 0.81, 1.14, 1.58, 2.10)
LOW, HIGH = -1023, 1023


def system(
    widths: tuple[int, ...] = (24, 48, 80),
    latent: int = 128,
    hyper: int = 32,
    parameters: int = 32,
    slices: int = 5,
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    import torch

    from calotype.nets.hyper import ContextParameters, Parameters, ResidualPrediction
    from calotype.train.freeze import FrozenNet
    from calotype.walks.features import PARITY
    from calotype.walks.slices import bounds
    from calotype.zoo.minnen2018_hyperprior import with_hyperprior

    side, seen = torch.zeros(2, parameters, 32, 32), lambda known: torch.zeros(2, 2 * known + PARITY, 32, 32)
    nets = {}
    for k, (first, stop) in enumerate(bounds(latent, slices)):
        m, eyes = stop - first, {"seen": seen(first)} if k else {}
        nets[f"slice{k}"] = FrozenNet(
            module=ContextParameters(parameters, m, known=first) if k else Parameters(parameters, m),
            exact=True, outputs=("mean16", "index"),
            inputs={"side": side, **eyes, "row": torch.zeros(2, m, 1, 1)},
            ranges={"side": (0, 255, 0), **dict.fromkeys(eyes, (-127, 127, 0)), "row": (-1000, 1000, 0)},
        )  # fmt: skip
        nets[f"residual{k}"] = FrozenNet(
            module=ResidualPrediction(parameters, m, stop), exact=True, outputs=("residual16",),
            inputs={"side": side, "seen": seen(stop)}, ranges={"side": (0, 255, 0), "seen": (-127, 127, 0)},
        )  # fmt: skip
    return with_hyperprior(
        "slices", nets, TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        walk_parameters={"slices": slices, "low": LOW, "high": HIGH},
    )  # fmt: skip


RECIPE = Recipe(
    name="minnen2020-charm",
    title="channel slices, each from those before it, and a prediction of what rounding took",
    paper="Minnen and Singh 2020, arXiv:2007.08739",
    walk="slices",
    build=system,
    sizes={
        "ten": {"slices": 10},
        "wide": WIDE | {"parameters": 64},
        "tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8, "slices": 2},
    },
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)

"""Liu, Huang, Yang, Liang, Liu 2022 (doi:10.1007/s11760-022-02137-y): a metric of perception in the rate-distortion loss.

    picture -> analysis -> * gain(rate) -> y (1/16) ------------------------> round(y - mean) -> restored y -> ...
                                           |                                      ^
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> mean, table (exact)
    picture <- synthesis <- * inverse gain(rate) <- restored y

      loss: rate + lambda * (half the squared error + half the distance of features, layer by layer of the analysis)

A deep metric compares what a network sees in two pictures. The files and the decoder are those of minnen2018-hyperprior;
only what is learned for differs.
Differs from the paper: features are those of the analysis itself, held still, not of a network trained on labels, so that
nothing is downloaded; one model for all rates; GDN without roots, few channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe


def system(widths: tuple[int, ...] = (24, 32, 48), latent: int = 96, hyper: int = 24, parameters: int = 32) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.train.methods.judged import FeatureSystem
    from calotype.zoo.minnen2018_hyperprior import TYPICAL_BPP, entropy_parameters, with_hyperprior

    return with_hyperprior(
        "hyperprior", {"entropy_parameters": entropy_parameters(latent, parameters)}, TYPICAL_BPP,
        widths=widths, latent=latent, hyper=hyper, parameters=parameters, make=FeatureSystem,
    )  # fmt: skip


RECIPE = Recipe(
    name="liu2022-perception-metric",
    title="a mean-and-scale hyperprior trained for squared error and a distance of features",
    paper="Liu et al. 2022, doi:10.1007/s11760-022-02137-y",
    walk="hyperprior",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
)

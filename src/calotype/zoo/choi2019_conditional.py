"""Choi, El-Khamy, Lee 2019 (arXiv:1909.04802): convolutions that know the rate, a step that varies, dithered rounding.

    picture -> conv5/2, * and + (rate) -> ... x 4 -> / step(rate) -> y (1/16) ---> round(y - mean - dither) -> restored y
                                                         |                            ^
                                    hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> mean, table   + dither (shared)
    picture <- ... x 4 <- * and + (rate), deconv5/2 <- * step(rate) <- restored y

One model for all rates: every convolution's outputs are multiplied and shifted by what was learned for the rate, channel
by channel, which sets it coarsely; one step for all latents sets it finely. Dither from a generator that both sides have
makes the rounding error uniform at any step, as the noise of training was.
Differs from the paper: between trained rates conditions are interpolated, where it had the nearest of a discrete set; no
autoregressive context and none of its side network's conditions; Laplace instead of Gauss, GDN without roots, narrower;
dither in sixteenths of a step.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe


def system(widths: tuple[int, ...] = (32, 48, 64), latent: int = 64, hyper: int = 24, parameters: int = 48) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.conditional import Conditional
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.methods.conditional import ConditionalSystem
    from calotype.zoo.minnen2018_hyperprior import TYPICAL_BPP, entropy_parameters, with_hyperprior

    return with_hyperprior(
        "dithered", {"entropy_parameters": entropy_parameters(latent, parameters)}, TYPICAL_BPP, widths=widths,
        latent=latent, hyper=hyper, parameters=parameters, make=ConditionalSystem,
        analysis=Conditional(Analysis(widths, latent)), synthesis=Conditional(Synthesis(widths, latent)),
    )  # fmt: skip


RECIPE = Recipe(
    name="choi2019-conditional",
    title="convolutions conditioned on the rate, a step that varies, universal quantization",
    paper="Choi, El-Khamy, Lee 2019, arXiv:1909.04802",
    walk="dithered",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
)

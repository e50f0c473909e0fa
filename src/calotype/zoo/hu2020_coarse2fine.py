"""Hu, Yang, Liu 2020 (AAAI; arXiv:2002.03711): coarse-to-fine hyperprior, three levels and no serial context.

    picture -> analysis -> * gain(rate) -> y (1/16) -----------------------------------> round(y - mean) -> ...
                                           | fold 2x2 into channels, mix                      ^
                                           z (1/32) ----------------> round(z - mean)         | mean, table
                                           | fold 2x2, mix                 ^ mean, table      |
                                           w (1/64) -> round -> exact -----+---> exact -------+
    picture <- synthesis <- * inverse gain(rate) <- restored y

Redundancy that a serial context would find is taken out by more levels instead: every level is coded in one pass.
Hyper transforms preserve the signal: they move 2x2 cells into channels rather than filter and drop.
Differs from the paper: Laplace instead of Gauss, integers where tables are chosen; side information does not enter the
synthesis (no information aggregation); analysis with GDN instead of stacked large kernels; one model for all rates.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import WIDE

TYPICAL_BPP = (0.15, 0.24, 0.37, 0.56, 0.84, 1.18, 1.63, 2.15)


def system(
    widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, hyper: int = 48, coarse: int = 32, parameters: int = 48,
    **others: Any,
) -> Any:  # fmt: skip
    """The trainable system; sizes as the figure above has them; others: arguments of `with_hyperprior`."""
    import torch

    from calotype.model.manifest import Latent
    from calotype.nets.hyper import FoldingAnalysis, HyperSynthesis
    from calotype.train.freeze import FrozenNet
    from calotype.train.system import Row
    from calotype.zoo.minnen2018_hyperprior import entropy_parameters, with_hyperprior

    y, z, w = torch.zeros(2, latent, 32, 32), torch.zeros(2, hyper, 16, 16), torch.zeros(2, coarse, 8, 8)
    row = torch.zeros(2, parameters, 1, 1)
    finest = entropy_parameters(latent, parameters)
    middle = entropy_parameters(hyper, parameters)
    nets = {
        "hyper_analysis": FrozenNet(
            module=FoldingAnalysis(latent, hyper), inputs={"y": y}, outputs=("z",), part="encoder"
        ),
        "coarse_analysis": FrozenNet(
            module=FoldingAnalysis(hyper, coarse), inputs={"z": z}, outputs=("w",), part="encoder"
        ),
        "coarse_synthesis": FrozenNet(
            module=HyperSynthesis(coarse, parameters, doublings=1), exact=True, outputs=("side",),
            inputs={"w": w, "row": row}, ranges={"w": (-127, 127, 0), "row": "rows/z.rate"},
        ),
        "coarse_parameters": FrozenNet(
            module=middle.module, exact=True, outputs=middle.outputs,
            inputs={"side": torch.zeros(2, parameters, 16, 16), "row": torch.zeros(2, hyper, 1, 1)},
            ranges={"side": (0, 255, 0), "row": "rows/z.scale"},
        ),
        "hyper_synthesis": FrozenNet(
            module=HyperSynthesis(hyper, parameters, fine=True, doublings=1), exact=True, outputs=("side",),
            inputs={"z": z, "row": row}, ranges={"z": (-2032, 2032, 0), "row": "rows/y.rate"},
        ),
        "entropy_parameters": finest,
    }  # fmt: skip
    latents = {
        "y": Latent(latent, 16, -1023, 1023),
        "z": Latent(hyper, 32, -127, 127),
        "w": Latent(coarse, 64, -127, 127),
    }
    return with_hyperprior(
        "coarse-to-fine", nets, TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        latents=latents, priors=("w",), rows={"z.rate": Row(parameters), "z.scale": Row.of_scales(hyper)},
        **others,
    )  # fmt: skip


RECIPE = Recipe(
    name="hu2020-coarse2fine",
    title="three levels of side information in place of a serial context",
    paper="Hu, Yang, Liu 2020, arXiv:2002.03711",
    walk="coarse-to-fine",
    build=system,
    sizes={
        "wide": WIDE | {"hyper": 96, "coarse": 48},
        "tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 6, "coarse": 4, "parameters": 8},
    },
    phases=INTEGERS_LAST,
)

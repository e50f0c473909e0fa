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

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
TYPICAL_BPP = (0.15, 0.24, 0.36, 0.54, 0.81, 1.15, 1.60, 2.10)


def system(widths: tuple[int, ...] = (48, 96, 128), latent: int = 160, hyper: int = 64, parameters: int = 96) -> Any:
    """The trainable system; sizes as the figure above has them."""
    import torch

    from calotype.model.manifest import Latent
    from calotype.nets.hyper import ContextParameters, HyperAnalysis, HyperSynthesis, Parameters
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.freeze import FrozenNet
    from calotype.train.system import Row, System
    from calotype.walks.features import PARITY

    y, side = torch.zeros(2, latent, 32, 32), torch.zeros(2, parameters, 32, 32)
    rate, scale = torch.zeros(2, parameters, 1, 1), torch.zeros(2, latent, 1, 1)
    chosen = {"exact": True, "outputs": ("mean16", "index")}
    ranges = {"side": (0, 255, 0), "row": "rows/y.scale"}
    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Analysis(widths, latent),
        synthesis=Synthesis(widths, latent),
        latents={"y": Latent(latent, 16, -1023, 1023), "z": Latent(hyper, 64, -127, 127)},
        walk="checkerboard",
        nets={
            "hyper_analysis": FrozenNet(
                module=HyperAnalysis(latent, hyper), inputs={"y": y}, outputs=("z",), part="encoder"
            ),
            "hyper_synthesis": FrozenNet(
                module=HyperSynthesis(hyper, parameters), exact=True, outputs=("side",),
                inputs={"z": torch.zeros(2, hyper, 8, 8), "row": rate},
                ranges={"z": (-127, 127, 0), "row": "rows/y.rate"},
            ),
            "anchors": FrozenNet(
                module=Parameters(parameters, latent), inputs={"side": side, "row": scale}, ranges=ranges, **chosen
            ),
            "others": FrozenNet(
                module=ContextParameters(parameters, latent), **chosen,
                inputs={"side": side, "seen": torch.zeros(2, 2 * latent + PARITY, 32, 32), "row": scale},
                ranges=ranges | {"seen": (-127, 127, 0)},
            ),
        },
        priors=("z",),
        rows={"y.rate": Row(parameters), "y.scale": Row.of_scales(latent)},
    )  # fmt: skip


_EXACT = {"exact": True}

RECIPE = Recipe(
    name="he2021-checkerboard",
    title="hyperprior and a checkerboard context in two passes, both exact",
    paper="He et al. 2021, arXiv:2103.15306",
    walk="checkerboard",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8}},
    phases=(
        Phase(name="everything", share=0.8, schedule="constant_then_linear", hold=0.7, final=0.3),
        Phase(name="integers", share=0.2, rate_scale=0.3, schedule="linear", options=_EXACT),
    ),
)

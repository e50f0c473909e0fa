"""Minnen, Balle, Toderici 2018 (arXiv:1809.02736): the mean-and-scale hyperprior, without the context model.

    picture -> analysis -> * gain(rate) -> y (1/16) ---------------------------> round(y - mean) -> restored y -> ...
                                           |                                         ^
                              hyper-analysis -> z (1/64) -> round                    | mean, table
                                                            |                        |
                                 rate row -> hyper-synthesis (exact) -> entropy parameters (exact) <- scale row(rate)

    picture <- synthesis <- * inverse gain(rate) <- restored y

Differs from the paper: Laplace instead of Gauss (the tables of all exact recipes); what chooses tables computes in
integers; hyper-analysis sees signed logarithms, because one model serves all rates; GDN without roots; fewer channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
TYPICAL_BPP = (0.16, 0.25, 0.38, 0.57, 0.85, 1.20, 1.65, 2.20)
STAGES = (
    (5, 2),
    (5, 2),
    (3, 2),
    (3, 2),
)  # published: 5x5 throughout; three quarters of all weights would be in two stages
WIDE: dict[str, Any] = {"widths": (48, 96, 128), "latent": 160, "hyper": 64, "parameters": 96}  # for an accelerator


def with_hyperprior(
    walk: str,
    nets: dict[str, Any],
    typical: tuple[float, ...],
    *,
    widths: tuple[int, ...],
    latent: int,
    hyper: int,
    parameters: int,
    **others: Any,
) -> Any:
    """The figure above with another walk and other networks behind the side information: `nets`, by name.

    others   arguments of `System` instead of those of the figure, networks and rows are added to them; `make`: a
             subclass of it
    """
    import torch

    from calotype.model.manifest import Latent
    from calotype.nets.hyper import HyperAnalysis, HyperSynthesis
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.freeze import FrozenNet
    from calotype.train.system import Row, System

    y, z, rate = torch.zeros(2, latent, 32, 32), torch.zeros(2, hyper, 8, 8), torch.zeros(2, parameters, 1, 1)
    figure: dict[str, Any] = {
        "analysis": Analysis(widths, latent, STAGES),
        "synthesis": Synthesis(widths, latent, STAGES),
        "latents": {"y": Latent(latent, 16, -1023, 1023), "z": Latent(hyper, 64, -127, 127)},
        "priors": ("z",),
    }
    make = others.pop("make", System)
    return make(
        lambdas=LAMBDAS,
        typical=typical,
        walk=walk,
        rows={"y.rate": Row(parameters), "y.scale": Row.of_scales(latent)} | others.pop("rows", {}),
        nets={
            "hyper_analysis": FrozenNet(
                module=HyperAnalysis(latent, hyper), inputs={"y": y}, outputs=("z",), part="encoder"
            ),
            "hyper_synthesis": FrozenNet(
                module=HyperSynthesis(hyper, parameters), exact=True, outputs=("side",),
                inputs={"z": z, "row": rate}, ranges={"z": (-127, 127, 0), "row": "rows/y.rate"},
            ),
        } | nets,
        **figure | others,
    )  # fmt: skip


def entropy_parameters(
    latent: int, parameters: int, outputs: tuple[str, ...] = ("mean16", "index"), shapes: int = 0
) -> Any:
    """The network from side information to the distributions of y, as nets.hyper.Parameters has them."""
    import torch

    from calotype.nets.hyper import Parameters
    from calotype.train.freeze import FrozenNet

    return FrozenNet(
        module=Parameters(parameters, latent, outputs, shapes), exact=True, outputs=outputs,
        inputs={"side": torch.zeros(2, parameters, 32, 32), "row": torch.zeros(2, latent, 1, 1)},
        ranges={"side": (0, 255, 0), "row": "rows/y.scale"},
    )  # fmt: skip


def system(widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, hyper: int = 32, parameters: int = 48) -> Any:
    """The trainable system; sizes as the figure above has them."""
    nets = {"entropy_parameters": entropy_parameters(latent, parameters)}
    sizes = {"widths": widths, "latent": latent, "hyper": hyper, "parameters": parameters}
    return with_hyperprior("hyperprior", nets, TYPICAL_BPP, **sizes)


RECIPE = Recipe(
    name="minnen2018-hyperprior",
    title="mean-and-scale hyperprior without context, exact hyper-synthesis",
    paper="Minnen et al. 2018, arXiv:1809.02736",
    walk="hyperprior",
    build=system,
    sizes={"wide": WIDE, "tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)

"""Gregor, Besse, Rezende, Danihelka, Wierstra 2016 (arXiv:1604.08772): what comes first is kept, the rest is imagined.

    picture -> analysis -> * gain -> y (1/16), 8 steps of 12 channels -> hyper-analysis -> z (1/64) -> round
                                                                                            |
    memory <- hyper-synthesis (exact) <-----------------------------------------------------+
    step 1..8:  memory -> expect (exact) -> mean, table -> round(y - mean) of a group, the first kept(rate) channels of y
                memory <- remember(memory, group) (exact);  what is not kept is its mean
    picture <- synthesis <- * inverse gain <- y, coded and expected

Conceptual compression: a file holds the upper layer and the first steps, which say what the picture shows; steps that it
does not hold are those that the prior finds likeliest. Their number is the rate; quantizers are the same at all rates.
Differs from the paper: quantized latents with tables in place of a bound on bits with samples (what is missing is the
prior's mean, not a sample of it: no seed, less error, smoother); an analysis that sees the picture once, in place of a
recurrent one that compares it with the canvas in each step; a memory of integers without gates, in place of LSTM states,
which would choose tables by floats; two layers, of which the upper one has one step; trained at random lengths, where
the paper cuts a model that was trained at full length.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe

LAMBDA = 0.05  # of all lengths: the last bit of every channel is worth the same
TYPICAL_BPP = (0.15, 0.3, 0.5, 0.7, 0.85, 1.0, 1.1, 1.2)


def system(
    widths: tuple[int, ...] = (24, 48, 64), latent: int = 96, hyper: int = 32, parameters: int = 48, steps: int = 8
) -> Any:
    """The trainable system; at the least rate one channel in sixteen is coded, at the highest all are."""
    import torch

    from calotype.nets.drawn import Memory
    from calotype.nets.hyper import Parameters
    from calotype.train.freeze import FrozenNet
    from calotype.train.methods.drawn import DrawnSystem
    from calotype.train.system import Row
    from calotype.walks.features import PARITY
    from calotype.zoo.minnen2018_hyperprior import with_hyperprior

    group, memory, anchors = latent // steps, torch.zeros(2, parameters, 32, 32), len(TYPICAL_BPP)
    kept = [[round(latent * 2.0 ** (4 * (k / (anchors - 1) - 1)))] for k in range(anchors)]
    expect = Parameters(parameters, group)
    torch.nn.init.normal_(expect.out.weight, std=0.02)
    nets = {
        "expect": FrozenNet(
            module=expect, exact=True, outputs=("mean16", "index"),
            inputs={"side": memory, "row": torch.zeros(2, group, 1, 1)},
            ranges={"side": (0, 255, 0), "row": (-1000, 1000, 0)},
        ),
        "remember": FrozenNet(
            module=Memory(parameters, group), exact=True, outputs=("memory",),
            inputs={"side": memory, "seen": torch.zeros(2, 2 * group + PARITY, 32, 32)},
            ranges={"side": (0, 255, 0), "seen": (-127, 127, 0)},
        ),
    }  # fmt: skip
    return with_hyperprior(
        "drawn", nets, TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        walk_parameters={"steps": steps}, rows={"y.kept": Row(1, 1.0, fixed=kept)}, one_gain=True,
        make=lambda **named: DrawnSystem(**{**named, "lambdas": (LAMBDA,) * anchors}),
    )  # fmt: skip


RECIPE = Recipe(
    name="gregor2016-convdraw",
    title="the first steps of a recurrent prior are kept, the rest is what it expects",
    paper="Gregor et al. 2016, arXiv:1604.08772",
    walk="drawn",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 16, "hyper": 4, "parameters": 8, "steps": 4}},
    phases=INTEGERS_LAST,
)

"""Xie, Cheng, Chen 2021 (arXiv:2108.03690): an invertible transform in place of an autoencoder; channels are squeezed.

    picture -> enhancement -> [2x2 cells -> principal axes -> couplings -> attentive squeeze] x 3 -> * gain(rate) -> y (1/8)
                                12 -> 12      48 -> 48      192 -> 64                                    |
                                                                          mean-scale hyperprior z (1/32), checkerboard
    picture <- enhancement <- the same couplings and axes backwards, squeezed-out channels guessed <- / gain(rate) <- y

Synthesis has no weights of its own but those of the guesses and of its enhancement: what an analysis does is undone, so
nothing is lost but at the squeezes and by rounding. Couplings begin as the identity and axes as principal components, so
that an untrained transform is a Karhunen-Loeve transform of 8x8 pixels.
Differs from the paper: 1x1 convolutions are fixed rotations computed from pictures, where it learns them; a squeeze keeps
the first channels of most energy (and a gated share of the others) where it averages groups; three levels for its four,
lest a file below a megabyte end at 31 dB (size "paper" has four); enhancement is one residual block on cells, not dense
blocks; checkerboard where it has a serial context; Laplace; one model for all rates; fewer channels and one coupling a
level for three.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase, Player
from calotype.zoo import Recipe

# Couplings and guesses of a transform that is good from the start.
GENTLY = (Player(slower=(("analysis*", 0.2), ("synthesis*", 0.2))),)


def system(
    kept: tuple[int, ...] = (12, 48, 64), widths: tuple[int, ...] = (16, 24, 32), couplings: int = 1,
    enhancement: int = 24, hyper: int = 24, parameters: int = 40,
) -> Any:  # fmt: skip
    """The trainable system: channels after each level, hidden channels of its couplings, how many; then the hyperprior."""
    from calotype.model.manifest import Latent
    from calotype.nets.invertible import Flow, FlowAnalysis, FlowSynthesis
    from calotype.zoo import he2021_checkerboard

    flow, px = Flow(kept, widths, couplings), 1 << len(kept)
    return he2021_checkerboard.system(
        widths=(1, 1, 1), latent=kept[-1], hyper=hyper, parameters=parameters, kernel=3,
        analysis=FlowAnalysis(flow, enhancement), synthesis=FlowSynthesis(flow, enhancement), align_px=4 * px,
        latents={"y": Latent(kept[-1], px, -1023, 1023), "z": Latent(hyper, 4 * px, -127, 127)},
    )  # fmt: skip


RECIPE = Recipe(
    name="xie2021-invertible",
    title="invertible couplings and an attentive channel squeeze in place of an autoencoder",
    paper="Xie, Cheng, Chen 2021, arXiv:2108.03690",
    walk="checkerboard",
    build=system,
    sizes={
        "paper": {"kept": (12, 48, 192, 128), "widths": (32, 64, 96, 128), "couplings": 3, "enhancement": 64,
                  "hyper": 64, "parameters": 96},
        "tiny": {"kept": (12, 16, 8), "widths": (4, 4, 4), "enhancement": 4, "hyper": 4, "parameters": 8},
    },
    phases=(
        Phase(name="tables", share=0.05, at_most_steps=100, frozen=("analysis*", "synthesis*"), schedule="constant"),
        Phase(name="everything", share=0.8, players=GENTLY, schedule="constant_then_linear", hold=0.7, final=0.3),
        Phase(name="integers", share=0.2, players=GENTLY, rate_scale=0.3, schedule="linear", options={"exact": True}),
    ),
)  # fmt: skip

"""Ashok, Palani 2018, "Autoencoders with variable sized latent vector for image compression": its length is the rate.

    picture -> analysis -> * gain -> y (1/16) -> channels 1 .. kept(rate) -> round -> tables(channel)
                                                 \\-> the others are zero, and cost nothing
    picture <- synthesis <- * inverse gain <- zeros where nothing was coded

Training truncates the latents at a random length, so the first channels learn to hold what matters most, the next ones
what is most worth adding. Gains do not depend on the rate: a file of a higher rate holds that of a lower one.
A faithful reading of title and citing text, as the original was not at hand.
Differs from the paper: whole channels of a convolutional code are dropped, not entries of a vector; learned tables; the
loss has the rate in it; GDN.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import EVERYTHING
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import STAGES

ANCHORS = 8
LAMBDA = 0.05  # of all lengths: the last bit of every channel is worth the same
TYPICAL_BPP = (0.15, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3, 1.5)


def system(widths: tuple[int, ...] = (24, 48, 80), latent: int = 128) -> Any:
    """The trainable system; from two ninths of the latents to all of them."""
    from calotype.model.manifest import Latent
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.methods.truncated import TruncatedSystem
    from calotype.train.system import Row

    lengths = [[latent * (k + 2) // (ANCHORS + 1)] for k in range(ANCHORS)]
    return TruncatedSystem(
        lambdas=(LAMBDA,) * ANCHORS,
        typical=TYPICAL_BPP,
        analysis=Analysis(widths, latent, STAGES),
        synthesis=Synthesis(widths, latent, STAGES),
        latents={"y": Latent(latent, 16, -1023, 1023)},
        walk="truncated",
        priors={"y": {"masked": True, "levels": 2, "anchors": 1}},
        rows={"y.kept": Row(1, 1.0, fixed=lengths)},
        one_gain=True,
    )


RECIPE = Recipe(
    name="ashok2018-varlatent",
    title="the number of latents is the rate: truncated, and trained to be",
    paper="Ashok, Palani 2018, CVPR workshops (CLIC)",
    walk="truncated",
    build=system,
    sizes={"wide": {"widths": (48, 96, 128)}, "tiny": {"widths": (4, 6, 8), "latent": 54}},
    phases=EVERYTHING,
)

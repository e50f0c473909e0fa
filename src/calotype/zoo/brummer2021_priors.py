"""Brummer, De Vleeschouwer 2021 (arXiv:2111.09172): prior distributions compete, the index of the best one is sent.

    picture -> analysis -> * gain(rate) -> y (1/16) -----------------------------> round(y - mean) -> ...
                                           |                                            ^
                                           which of 16 priors is shortest here? -> choice (1/16), coded first
                                                                                        |
                                             rows(rate): a mean and a table for every prior and channel
    picture <- synthesis <- * inverse gain(rate) <- restored y

No network lies between the file and the tables: decoding is a look-up, exact wherever it runs, and parallel everywhere.
The encoder tries all priors at every place; the choice costs at most 4 bits for each 16x16 pixels.
Differs from the paper: 16 priors, not 64; a prior is a mean and a Laplace table of each channel instead of a free
distribution; priors of all rates in one model, interpolated between trained rates; GDN without roots, fewer channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import BOLD, Phase
from calotype.zoo import Recipe

TYPICAL_BPP = (0.18, 0.28, 0.42, 0.62, 0.92, 1.30, 1.80, 2.40)


def system(widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, priors: int = 16) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.model.manifest import Latent
    from calotype.nets.transforms import Analysis, Synthesis
    from calotype.train.system import Row, System
    from calotype.zoo.minnen2018_hyperprior import LAMBDAS, STAGES

    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Analysis(widths, latent, STAGES),
        synthesis=Synthesis(widths, latent, STAGES),
        latents={"y": Latent(latent, 16, -1023, 1023), "choice": Latent(1, 16, 0, priors - 1)},
        walk="competing",
        walk_parameters={"priors": priors},
        priors={"choice": {"reach": 2 * priors}},
        rows={"y.mean": Row(priors * latent, 16.0), "y.index": Row.of_scales(priors * latent, fine=1.0)},
    )


RECIPE = Recipe(
    name="brummer2021-priors",
    title="static priors compete at every place, the choice is sent; no network decides tables",
    paper="Brummer and De Vleeschouwer 2021, arXiv:2111.09172",
    walk="competing",
    build=system,
    sizes={"wide": {"widths": (48, 96, 128), "latent": 160}, "tiny": {"widths": (4, 6, 8), "latent": 8, "priors": 4}},
    phases=(
        Phase(name="everything", share=0.9, schedule="constant_then_linear", hold=0.6, final=0.2, bold=BOLD),
        Phase(name="integers", share=0.1, rate_scale=0.2, schedule="linear", bold=BOLD, options={"exact": True}),
    ),
)

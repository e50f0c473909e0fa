"""Fu et al. 2021 (doi:10.1016/j.image.2021.116244): an extended causal context and a hyperprior in one entropy model.

    picture -> analysis -> * gain(rate) -> y (1/16) ------------------------------> round(y - mean) -> restored y -> ...
                                           |                                            ^               |
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact)     | mean, scale,  | masked 7x7:
                                                                   |                    | shape: table  | above, left
                                                                   +--> parameters (exact) <------------+
    picture <- synthesis <- * inverse gain(rate) <- restored y

Twenty-four neighbours instead of twelve, joined with what the hyperprior says, choose one of five learned mixtures. A
position waits for the one three to its right in the row above, so wavefronts are 4 row + column: 156 in a tile of 512 pixels.
Differs from the paper: a reading of its title and of the text that cites it, since the original was not at hand: 7x7 is
our width of "extended"; mixtures in integers as in cheng2020-gmm; one model for all rates; GDN without roots, few channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe

ORDER = (4, 1, 1, 3)  # down, across, groups, reach: walks/fronts.py


def system(widths: tuple[int, ...] = (24, 32, 48), latent: int = 64, hyper: int = 32, parameters: int = 32) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.families import Mixture
    from calotype.train.system import Row
    from calotype.zoo.minnen2018_joint import with_context

    family = Mixture()
    return with_context(
        ORDER, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        outputs=("mean16", "index", "shape"), shapes=family.shapes,
        families={"y": family}, rows={"y.scale": Row.of_shaped(latent)},
    )  # fmt: skip


RECIPE = Recipe(
    name="fu2021-extended-context",
    title="a serial context of 7x7 and a hyperprior choose mixtures, in wavefronts, exact",
    paper="Fu et al. 2021, doi:10.1016/j.image.2021.116244",
    walk="joint",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)

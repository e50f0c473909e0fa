"""Lee, Cho, Kim 2020 (arXiv:1912.12817): mixtures, a global context, and quality enhancement trained with the codec.

    picture -> conv5/2 GDN conv5/2 GDN conv3/2 GDN conv3/2 -> * gain(rate) -> y (1/16) -> fronts
                                           |
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> side
      front k:  side, 5x5 of fronts before k, all positions of fronts before k weighted by key and query
                -> mean, scale, shape -> table (exact)
    enhancement <- deconv IGDN deconv IGDN deconv IGDN deconv <- * inverse gain(rate) <- restored y
        |
    picture

The loss sees the enhanced picture only, so codec and enhancement share the work.
Differs from the paper: its global context weights positions by how far away they are, this one by how alike their
surroundings are, as `li2021-nonlocal-entropy` does; a mixture for each table, of five learned ones, instead of free weights;
two residual blocks on blocks of 4x4 instead of a grouped residual dense network; one model for all rates; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe


def system(
    widths: tuple[int, ...] = (24, 48, 64), latent: int = 80, hyper: int = 24, parameters: int = 32, attended: int = 12,
    enhancement: int = 32,
) -> Any:  # fmt: skip
    """The trainable system; sizes as the figure above has them, `enhancement` is the width of its layers."""
    from calotype.nets.enhancement import EnhancedSynthesis
    from calotype.nets.families import Mixture
    from calotype.nets.transforms import Analysis
    from calotype.train.system import Row
    from calotype.zoo.li2021_nonlocal_entropy import with_memory
    from calotype.zoo.minnen2018_hyperprior import STAGES

    family = Mixture()
    return with_memory(
        widths=widths, latent=latent, hyper=hyper, parameters=parameters, attended=attended,
        outputs=("mean16", "index", "shape"), shapes=family.shapes,
        families={"y": family}, rows={"y.scale": Row.of_shaped(latent)},
        analysis=Analysis(widths, latent, STAGES), synthesis=EnhancedSynthesis(widths, latent, STAGES, width=enhancement),
    )  # fmt: skip


RECIPE = Recipe(
    name="lee2020-jointiq",
    title="mixtures, a context of all that was decoded, enhancement trained with the codec",
    paper="Lee, Cho, Kim 2020, arXiv:1912.12817",
    walk="recalled",
    build=system,
    sizes={
        "tiny": {
            "widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8, "attended": 4, "enhancement": 4,
        }
    },
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)  # fmt: skip

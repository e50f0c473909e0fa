"""Zhou, Cai, Gao, Su, Wu 2018 (CVPR Workshops): scales fused into the latents, Laplacians by a hyperprior, a post-filter.

    picture -> 1/2 -> 1/4 -> 1/8 -> 1/16 -+-> * gain(rate) -> y ---------------> round(y) -> ...
                |      |      |           ^           |                             ^
                +------+------+-> fused --+    hyper-analysis -> z (1/64)           | table of a Laplacian
                                                                   |                |
                                        rate row -> hyper-synthesis (exact) -> scales (exact) <- scale row(rate)
    picture <- post-filter <- synthesis <- * inverse gain(rate) <- round(y)

What each scale sees reaches the latents by itself, not only through the next one. The post-filter corrects the decoded
picture block by block. Both begin as nothing, so that transforms may begin in closed form.
Differs from the paper: fusion by 3x3 steps, each scale added to the next; scales computed in integers, 64 of a factor
1.15; a filter at a quarter of the resolution, trained with the codec and not after it; one model for all rates; GDN
without roots, few channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe

TYPICAL_BPP = (0.17, 0.26, 0.40, 0.60, 0.88, 1.25, 1.72, 2.30)


def system(
    widths: tuple[int, ...] = (24, 32, 48),
    latent: int = 80,
    hyper: int = 24,
    parameters: int = 32,
    filter_width: int = 24,
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.fusion import FilteredSynthesis, PyramidAnalysis
    from calotype.zoo.minnen2018_hyperprior import entropy_parameters, with_hyperprior

    return with_hyperprior(
        "hyperprior",
        {"entropy_parameters": entropy_parameters(latent, parameters, ("index",))},
        TYPICAL_BPP,
        widths=widths,
        latent=latent,
        hyper=hyper,
        parameters=parameters,
        walk_parameters={"family": {"outputs": ("index",)}},
        analysis=PyramidAnalysis(widths, latent),
        synthesis=FilteredSynthesis(widths, latent, filter_width),
    )


RECIPE = Recipe(
    name="zhou2018-tucodec",
    title="scales fused into the latents, Laplacian hyperprior, post-filter",
    paper="Zhou et al. 2018, CVPR Workshops, pages 2617-2620",
    walk="hyperprior",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8, "filter_width": 6}},
    phases=INTEGERS_LAST,
)

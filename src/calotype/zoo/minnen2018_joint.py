"""Minnen, Balle, Toderici 2018 (arXiv:1809.02736): hyperprior joined with a serial 5x5 context.

    picture -> analysis -> * gain(rate) -> y (1/16) ------------------------------> round(y - mean) -> restored y -> ...
                                           |                                            ^               |
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact)     | mean, table   | masked 5x5:
                                                                   |                    |               | above, left
                                                                   +--> parameters (exact) <------------+
    picture <- synthesis <- * inverse gain(rate) <- restored y

The reference of all contexts, and the slow one: a position waits for its neighbours above and to the left. It is coded in
wavefronts, 3 row + column, so that a tile of 512 pixels takes 125 steps instead of 1024.
Differs from the paper: Laplace instead of Gauss; contexts see features by look-up and compute in integers, as do the
parameters; one hidden layer; tiles bound the waiting; one model for all rates; GDN without roots; fewer channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import WIDE

TYPICAL_BPP = (0.15, 0.23, 0.36, 0.54, 0.81, 1.14, 1.58, 2.10)
WAVEFRONT = (3, 1, 1)


def with_context(
    order: tuple[int, ...], *, widths: tuple[int, ...], latent: int, hyper: int, parameters: int,
    outputs: tuple[str, ...] = ("mean16", "index"), shapes: int = 0, **others: Any,
) -> Any:  # fmt: skip
    """The figure above with another order of positions, another family of distributions, other transforms."""
    import torch

    from calotype.nets.causal import CausalParameters
    from calotype.train.freeze import FrozenNet
    from calotype.walks.fronts import Order
    from calotype.zoo.minnen2018_hyperprior import with_hyperprior

    found = Order(*order)
    side = 2 * found.reach + 1
    context = FrozenNet(
        module=CausalParameters(parameters, latent, found, outputs=outputs, shapes=shapes),
        exact=True, outputs=outputs,
        inputs={"side": torch.zeros(2, parameters, 1, 8), "seen": torch.zeros(2, 2 * latent, side, 8 * side),
                "row": torch.zeros(2, latent, 1, 1)},
        ranges={"side": (0, 255, 0), "seen": (-127, 127, 0), "row": "rows/y.scale"},
    )  # fmt: skip
    return with_hyperprior(
        "joint", {"context": context}, TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        walk_parameters={"order": order, "family": {"outputs": outputs, "shapes": shapes}}, **others,
    )  # fmt: skip


def system(widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, hyper: int = 32, parameters: int = 48) -> Any:
    """The trainable system; sizes as the figure above has them."""
    return with_context(WAVEFRONT, widths=widths, latent=latent, hyper=hyper, parameters=parameters)


RECIPE = Recipe(
    name="minnen2018-joint",
    title="hyperprior and a serial context, in wavefronts, exact",
    paper="Minnen et al. 2018, arXiv:1809.02736",
    walk="joint",
    build=system,
    sizes={"wide": WIDE, "tiny": {"widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)

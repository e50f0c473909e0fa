"""Koyuncu, Gao, Boev, Gaikov, Alshina, Steinbach 2022 (arXiv:2203.02452): attention over decoded latents as the context.

    picture -> analysis -> * gain(rate) -> y (1/16), four groups of channels ------> round(y - mean) -> restored y -> ...
                                           |                                            ^                   |
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact)     | mean, table       | tokens (exact):
                                                                   |                    |                   | keys, values
                                            query (exact) <- side -+--> context (exact) <- attention <------+
    picture <- synthesis <- * inverse gain(rate) <- restored y

A token is a position and a group of channels: a query attends to those coded before it, in space and across channels, by
content where a masked convolution attends by place.
Differs from the paper: one layer of one head in a window of 5x5 instead of a transformer over the whole sequence; weights
are max(0, q k) in integers instead of a softmax, whose exponentials no two machines share; fronts of a divided code instead
of a serial scan; Laplace tables; one model for all rates; fewer channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import INTEGERS_LAST
from calotype.zoo import Recipe
from calotype.zoo.minnen2018_hyperprior import WIDE

TYPICAL_BPP = (0.15, 0.23, 0.36, 0.54, 0.81, 1.14, 1.58, 2.10)


def system(
    widths: tuple[int, ...] = (24, 48, 80), latent: int = 128, hyper: int = 32, parameters: int = 48,
    groups: int = 4, attended: int = 16,
) -> Any:  # fmt: skip
    """The trainable system; `attended` is the width of queries, keys and values."""
    import torch

    from calotype.nets.attending import AttendedParameters, Query, Tokens
    from calotype.train.freeze import FrozenNet
    from calotype.walks.attended import TOP
    from calotype.walks.fronts import Order
    from calotype.zoo.minnen2018_hyperprior import with_hyperprior

    order = Order(1, 1, groups)
    side, integers = torch.zeros(2, parameters, 1, 8), (-TOP, TOP, 0)
    nets = {
        "query": FrozenNet(
            module=Query(parameters, groups * attended), exact=True, outputs=("q",),
            inputs={"side": side}, ranges={"side": (0, 255, 0)},
        ),
        "tokens": FrozenNet(
            module=Tokens(latent, order, attended), exact=True, outputs=("kv",),
            inputs={"seen": torch.zeros(2, 2 * latent, 5, 40)}, ranges={"seen": integers},
        ),
        "context": FrozenNet(
            module=AttendedParameters(parameters, latent, order, attended), exact=True, outputs=("mean16", "index"),
            inputs={"side": side, "attended": torch.zeros(2, groups * attended, 1, 8), "row": torch.zeros(2, latent, 1, 1)},
            ranges={"side": (0, 255, 0), "attended": integers, "row": "rows/y.scale"},
        ),
    }  # fmt: skip
    return with_hyperprior(
        "attended", nets, TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        walk_parameters={"order": (1, 1, groups), "width": attended},
    )  # fmt: skip


RECIPE = Recipe(
    name="koyuncu2022-contextformer",
    title="attention over decoded latents, in space and across channels, in integers",
    paper="Koyuncu et al. 2022, arXiv:2203.02452",
    walk="attended",
    build=system,
    sizes={
        "wide": WIDE,
        "tiny": {"widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8, "groups": 2, "attended": 4},
    },
    phases=INTEGERS_LAST,
)

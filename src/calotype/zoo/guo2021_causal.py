"""Guo, Zhang, Feng, Chen 2021 (arXiv:2011.09704): contexts across channels, and a causal search for a global reference.

    picture -> conv5/2 GDN conv5/2 GDN conv3/2 GDN conv3/2 -> * gain(rate) -> y (1/16) = y1, y2
                                           |
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> side
      y1, front k:  side, y1 of fronts before k within 5x5 -> mean, table (exact)
      y2, front k:  side and all of y1 within 3x3 -> cross (exact); y2 of fronts before k within 5x5;
                    y2 where, in fronts before k, y1 looked most like here -> mean, table (exact)
    picture <- deconv IGDN deconv IGDN deconv IGDN deconv <- * inverse gain(rate) <- restored y

Both sides know y1 everywhere when y2 begins, so the best match is found, not sent: the least squared distance of y1 and its
four neighbours, in integers; of equals the first coded.
Differs from the paper: that distance instead of a cosine, whose roots and divisions no two machines share; the reference
enters times how close it is, from a scale of 16 steps, instead of through a softmax of its own; it is searched in a tile; GDN
instead of GSDN, no residual blocks; Laplace instead of mixtures; diagonals, 2 x 63 in a tile, instead of a serial scan; one
model for all rates; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe

ORDER = (1, 1)


def system(widths: tuple[int, ...] = (24, 48, 80), latent: int = 96, hyper: int = 24, parameters: int = 32) -> Any:
    """The trainable system; sizes as the figure above has them, `latent` of both groups together."""
    import torch

    from calotype.model.manifest import Latent
    from calotype.nets.causal import CausalParameters
    from calotype.nets.hyper import ROW_TOP
    from calotype.nets.referring import Cross, ReferredParameters
    from calotype.train.freeze import FrozenNet
    from calotype.walks.fronts import Order
    from calotype.zoo.minnen2018_hyperprior import TYPICAL_BPP, with_hyperprior

    half, order = latent // 2, Order(*ORDER)
    side, seen = torch.zeros(2, parameters, 1, 8), torch.zeros(2, 2 * half, 5, 40)
    referred, row = torch.zeros(2, 2 * half + 1, 1, 8), torch.zeros(2, half, 1, 1)
    ranges: dict[str, Any] = {"side": (0, 255, 0), "seen": (-127, 127, 0), "row": (-ROW_TOP, ROW_TOP, 0)}
    nets = {
        "first": FrozenNet(
            module=CausalParameters(parameters, half, order), exact=True, outputs=("mean16", "index"),
            inputs={"side": side, "seen": seen, "row": row}, ranges=ranges,
        ),
        "cross": FrozenNet(
            module=Cross(parameters, half), exact=True, outputs=("second",),
            inputs={"side": torch.zeros(2, parameters, 32, 32), "seen": torch.zeros(2, 2 * half, 32, 32)},
            ranges={"side": (0, 255, 0), "seen": (-127, 127, 0)},
        ),
        "second": FrozenNet(
            module=ReferredParameters(parameters, half, order, 2 * half + 1), exact=True, outputs=("mean16", "index"),
            inputs={"side": side, "seen": seen, "referred": referred, "row": row},
            ranges=ranges | {"referred": (-127, 127, 0)},
        ),
    }  # fmt: skip
    latents = {
        "y": Latent(latent, 16, -1023, 1023, coded=False),
        "y1": Latent(half, 16, -1023, 1023),
        "y2": Latent(half, 16, -1023, 1023),
        "z": Latent(hyper, 64, -127, 127),
    }
    return with_hyperprior(
        "referred", nets, TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters, latents=latents,
        walk_parameters={"order": ORDER},
    )  # fmt: skip


RECIPE = Recipe(
    name="guo2021-causal",
    title="two groups of channels, context across them, the best match among decoded positions",
    paper="Guo et al. 2021, arXiv:2011.09704",
    walk="referred",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8}},
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)

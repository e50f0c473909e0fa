"""Chen, Liu, Ma, Shen, Cao, Wang 2021 (arXiv:1910.06244): masks by non-local attention, a 3-D masked context, a hyperprior.

    picture -> conv5/2 GDN conv5/2 GDN conv3/2 GDN conv3/2 -> non-local gate -> * gain(rate) -> y (1/16) -> fronts
                                           |
                   hyper-analysis, gate non-local -> z (1/64) -> hyper-synthesis (exact) -> * mask -> spread (exact)
                                                        |-> tokens (exact) -> mixed over the tile -> mask (exact)
      front k: integers of each symbol, symbols before k within 5x5 positions and 5 channels -> mean, table (exact)
    picture <- deconv IGDN deconv IGDN deconv IGDN deconv <- non-local gate <- * inverse gain(rate) <- restored y

A gate multiplies features by a mask of 0 to 1, and what is alike elsewhere in the picture decides about it.
The context is a volume's: its 53 taps are the same for all channels, 3,000 weights where a 5x5 context has 100,000.
Differs from the paper: in the transforms one gate each, at 1/16, that sees 9x9 positions (144 pixels), so that windows need
a halo and no seam is left; in the hyper nets masks see all of a tile, the decoder's with max(0, q k) in integers instead of
a softmax; one narrow residual block instead of three on the trunk of a gate, none on its mask, none between the steps;
Laplace instead of Gauss; diagonal planes of a divided code, 142 of them in a tile, instead of a step for each symbol; one
model for all rates; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import CONTEXTS_ONLY, INTEGERS_LAST
from calotype.zoo import Recipe


def system(
    widths: tuple[int, ...] = (24, 48, 72), latent: int = 80, hyper: int = 24, parameters: int = 32,
    reach: int = 4, attended: int = 16, sides: int = 4, context: int = 24,
) -> Any:  # fmt: skip
    """The trainable system; `reach` of gates in positions, `attended` the width of queries, `sides` integers for each symbol,
    `context` the width of the hidden layer."""
    import torch

    from calotype.nets.hyper import ROW_TOP
    from calotype.nets.non_local import (
        Mask,
        NonLocalAnalysis,
        NonLocalHyperAnalysis,
        NonLocalSynthesis,
        Spread,
        Tokens,
        VolumeParameters,
    )
    from calotype.train.freeze import FrozenNet
    from calotype.walks.fronts import Order
    from calotype.walks.volume import taps
    from calotype.zoo.minnen2018_hyperprior import STAGES, TYPICAL_BPP, with_hyperprior

    order = 1, 1, latent
    seen, symbols = len(taps(Order(*order))), torch.zeros(2, sides, 1, 8)
    nets = {
        "hyper_analysis": FrozenNet(
            module=NonLocalHyperAnalysis(latent, hyper), inputs={"y": torch.zeros(2, latent, 32, 32)}, outputs=("z",),
            part="encoder",
        ),
        "tokens": FrozenNet(
            module=Tokens(hyper, attended), exact=True, outputs=("tokens",),
            inputs={"z": torch.zeros(2, hyper, 8, 8)}, ranges={"z": (-127, 127, 0)},
        ),
        "mask": FrozenNet(
            module=Mask(attended, parameters), exact=True, outputs=("mask",),
            inputs={"x": torch.zeros(2, 2 * attended, 8, 8)}, ranges={"x": (-127, 127, 0)},
        ),
        "spread": FrozenNet(
            module=Spread(parameters, latent, sides), exact=True, outputs=("sides",),
            inputs={"side": torch.zeros(2, parameters, 32, 32)}, ranges={"side": (0, 255, 0)},
        ),
        "volume": FrozenNet(
            module=VolumeParameters(context, sides, seen), exact=True, outputs=("mean16", "index"),
            inputs={"side": symbols, "seen": torch.zeros(2, 2 * seen, 1, 8), "row": torch.zeros(2, 1, 1, 8)},
            ranges={"side": (-127, 127, 0), "seen": (-127, 127, 0), "row": (-ROW_TOP, ROW_TOP, 0)},
        ),
    }  # fmt: skip
    return with_hyperprior(
        "volume", nets, TYPICAL_BPP, widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        analysis=NonLocalAnalysis(widths, latent, STAGES, reach=reach),
        synthesis=NonLocalSynthesis(widths, latent, STAGES, reach=reach),
        walk_parameters={"order": order, "width": attended, "sides": sides},
    )  # fmt: skip


RECIPE = Recipe(
    name="chen2021-nlaic",
    title="masks by non-local attention in transforms and prior, 3-D masked context, in integers",
    paper="Chen et al. 2021, arXiv:1910.06244",
    walk="volume",
    build=system,
    sizes={
        "tiny": {
            "widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8, "reach": 1, "attended": 4, "context": 6,
        },
        "paper": {"widths": (192, 192, 192), "latent": 192, "hyper": 192, "parameters": 192, "attended": 96},
    },
    phases=INTEGERS_LAST,
    schedules={"contexts": CONTEXTS_ONLY},
)  # fmt: skip

"""Agustsson, Mentzer, Tschannen, Cavigelli, Timofte, Benini, Van Gool 2017 (arXiv:1704.00648): soft-to-hard vector quantization.

    picture -> conv5/2 -> conv5/2 -> residual blocks (1/4) -> conv5/2 -> * gain(rate) -> vectors of 2 channels (1/8)
                                                                               |
      training: softmax(-sharpness * distance to each of 64 centres), which hardens; codec: the nearest -> index y
                                                                               |              table(vector, rate)
    picture <- shuffle2 <- shuffle2 <- residual blocks <- shuffle2 <- * inverse gain(rate) <- the centre, or the mixture

The quantizer is learned like everything else: while assignments are soft they have gradients, and so has their entropy
under a histogram of the indices; sharpness rises phase by phase until soft and hard agree.
Differs from the paper: one codebook for all rates, by a gain for each channel and a histogram for each rate, where it
trained one model a rate; sharpness rises in four steps, not by a controller of the gap; MSE; narrower.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483)
TYPICAL_BPP = (0.22, 0.34, 0.50, 0.75, 1.10, 1.55)


def system(
    widths: tuple[int, ...] = (32, 48), vectors: int = 24, blocks: int = 2, centres: int = 64, length: int = 2
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.model.manifest import Latent
    from calotype.nets.residual import ResidualAnalysis, ResidualSynthesis
    from calotype.train.methods.soft import SoftSystem
    from calotype.train.priors import CountedPrior

    return SoftSystem(
        vectors=(centres, length),
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=ResidualAnalysis(widths, vectors * length, blocks),
        synthesis=ResidualSynthesis(widths, vectors * length, blocks),
        latents={"y": Latent(vectors, 8, 0, centres - 1)},
        walk="factorized",
        priors={"y": {"make": CountedPrior, "symbols": centres, "levels": 17}},
        align_px=32,
    )


def _phase(name: str, share: float, sharpness: float, **more: Any) -> Phase:
    return Phase(name=name, share=share, options={"sharpness": sharpness}, **more)


RECIPE = Recipe(
    name="agustsson2017-s2h",
    title="vector quantization that is soft in training and hardens; the histogram is the rate",
    paper="Agustsson et al. 2017, arXiv:1704.00648",
    walk="factorized",
    build=system,
    sizes={"tiny": {"widths": (4, 6), "vectors": 6, "blocks": 1, "centres": 16}},
    phases=(
        _phase("soft", 0.3, 2.0, schedule="constant"),
        _phase("firmer", 0.25, 5.0, schedule="constant"),
        _phase("firm", 0.25, 15.0, schedule="constant", rate_scale=0.7),
        _phase("hard", 0.2, 40.0, schedule="linear", rate_scale=0.5),
    ),
)

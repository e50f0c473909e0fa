"""Sun, Cheng, Takeuchi, Katto 2021 (arXiv:2111.09348): the whole decoder in 8-bit integers.

    picture -> analysis -> * gain(rate) -> y (1/16) -----------------------> round(y - mean) -> q
                                           |                                      ^
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> parameters (exact)

    picture <- 3x3 sub-pixel steps, int8 weights, 8-bit activations (exact) <- round(q * integer gain(rate))

Not only the tables, the pixels too are the same on every machine: no floating-point sum lies between file and picture.
Published as a way to a smaller decoder (weights of 8 bits take a quarter of the memory); here it is also what makes
pixels part of the format, and a lossless residual on top of them possible.
Differs from the paper: trained with the integers instead of quantized afterwards; linear weights with a power of two for
each channel, where it had non-linear codebooks of weights and several of activations; the encoder stays in floats; ReLU
and sub-pixels in place of IGDN, which has a division.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

TYPICAL_BPP = (0.16, 0.25, 0.38, 0.57, 0.85, 1.20, 1.65, 2.20)


def system(widths: tuple[int, ...] = (24, 48, 64), latent: int = 96, hyper: int = 32, parameters: int = 48) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.model.manifest import Latent
    from calotype.nets.integer import FINE_TOP, IntegerSynthesis
    from calotype.train.integer_system import IntegerSystem
    from calotype.zoo.minnen2018_hyperprior import entropy_parameters, with_hyperprior

    latents = {
        "y": Latent(latent, 16, -FINE_TOP, FINE_TOP, coded=False),
        "q": Latent(latent, 16, -1023, 1023),
        "z": Latent(hyper, 64, -127, 127),
    }
    return with_hyperprior(
        "whole-integer", {"entropy_parameters": entropy_parameters(latent, parameters)}, TYPICAL_BPP,
        widths=widths, latent=latent, hyper=hyper, parameters=parameters, latents=latents,
        walk_parameters={"top": FINE_TOP}, synthesis=IntegerSynthesis(widths, latent), make=IntegerSystem,
    )  # fmt: skip


RECIPE = Recipe(
    name="sun2021-int8",
    title="integers from the file to the pixels: int8 weights, 8-bit activations",
    paper="Sun et al. 2021, arXiv:2111.09348",
    walk="whole-integer",
    build=system,
    sizes={
        "wide": {"widths": (32, 64, 96), "latent": 128, "hyper": 64, "parameters": 96},
        "tiny": {"widths": (4, 6, 8), "latent": 8, "hyper": 4, "parameters": 8},
    },
    phases=(
        Phase(name="everything", share=0.6, schedule="constant_then_linear", hold=0.7, final=0.3),
        Phase(name="integers", share=0.4, rate_scale=0.3, schedule="linear", options={"exact": True}),
    ),
)

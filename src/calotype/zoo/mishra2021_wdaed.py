"""Mishra, Singh, Singh 2021, wavelet-based deep auto encoder-decoder: a network for the coarse band, another for details.

    picture -> DWT 9/7, one level -> coarse (1/2)  -> conv5/2 GDN conv5/2 GDN conv5/2 --+
                                  -> details (1/2) -> conv5/2 GDN conv5/2 GDN conv5/2 --+-> * gain(rate) -> y (1/16)
                                                                                                |
                                                                        tables(channel, rate), free densities
    picture <- inverse DWT <- deconvolutions and IGDN of each <- * inverse gain(rate) <---------+

Differs from the paper: 9/7 in place of its wavelet, all three detail bands in one network with channels of its own; GDN
without roots; rate in the loss, with entropy coding, where it sets the rate by the size of the bottleneck; one model for
all rates. The survey is vague and the original was not at hand: a reading of its title and of the text that cites it.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800)
TYPICAL_BPP = (0.20, 0.32, 0.48, 0.72, 1.05, 1.50, 2.05, 2.70)
STAGES = ((5, 2), (5, 2), (5, 2))


def system(
    coarse: tuple[int, int] = (48, 64), details: tuple[int, int] = (32, 48), latents: tuple[int, int] = (64, 64)
) -> Any:
    """The trainable system: channels of the stages of both networks, and of their latents."""
    import torch
    from torch import Tensor, nn

    from calotype.model.manifest import Latent
    from calotype.nets import transforms, wavelet
    from calotype.train.system import System

    halo = 6 + transforms.halo_px([(5, 2 << stage) for stage in range(len(STAGES))])  # one level of 9/7, then networks

    class Analysis(nn.Module):
        halo_px = halo

        def __init__(self) -> None:
            super().__init__()
            self.coarse = transforms.Analysis(coarse, latents[0], STAGES)
            self.details = transforms.Analysis(details, latents[1], STAGES)
            self.details[0] = nn.Conv2d(9, details[0], 5, 2, 2)

        def forward(self, x: Tensor) -> Tensor:
            bands = wavelet.analyse(x, 1)
            return torch.cat([self.coarse(bands["ll"]), self.details(bands["l1"])], 1)

    class Synthesis(nn.Module):
        halo_px = halo

        def __init__(self) -> None:
            super().__init__()
            self.coarse = transforms.Synthesis(coarse, latents[0], STAGES)
            self.details = transforms.Synthesis(details, latents[1], STAGES)
            self.details[-1] = nn.ConvTranspose2d(details[0], 9, 5, 2, 2, output_padding=1)

        def forward(self, y: Tensor) -> Tensor:
            first, second = y.split(latents, 1)
            return wavelet.synthesise({"ll": self.coarse(first), "l1": self.details(second)}, 1)

    return System(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Analysis(),
        synthesis=Synthesis(),
        latents={"y": Latent(sum(latents), 16, -1023, 1023)},
        walk="factorized",
        priors=("y",),
        align_px=32,
    )


RECIPE = Recipe(
    name="mishra2021-wdaed",
    title="a wavelet first, then an autoencoder for the coarse band and one for the details",
    paper="Mishra et al. 2021, IEEE TCSVT 31(4)",
    walk="factorized",
    build=system,
    sizes={"tiny": {"coarse": (4, 6), "details": (4, 6), "latents": (4, 4)}},
    phases=(Phase(name="everything"),),
)

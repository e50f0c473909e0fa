"""Dumas, Roumy, Guillemot 2017: stochastic winner-take-all autoencoder, sparse codes whose number of winners is the rate.

    picture -> conv9/4 ReLU -> conv5/2 -> * gain(rate) -> y (1/8): 1 dense map, 64 sparse ones
                                                          | the largest of all maps and places win, a share(rate)
                              places of winners: 0 or 1, table(map, rate)  ->  values of winners: table(map, rate)
    picture <- deconv9/4 <- ReLU deconv5/2 <- * inverse gain(rate) <- zeros where nothing won

Maps and places compete with each other for a number of non-zeros that all share: one global constraint, whose multiplier
is the least magnitude that still wins. The number is random in training, so one autoencoder serves all rates.
Differs from the paper: the competition is a tile's, of 512 pixels, not a whole picture's; tables and rANS code places and
values, where it had run lengths and Huffman codes; rate in the loss; colour.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483)
TYPICAL_BPP = (0.22, 0.34, 0.50, 0.75, 1.10, 1.55)
SHARES = (40, 80, 150, 280, 520, 900)  # of the values of the sparse maps, in parts of walks.winners.WHOLE


def system(width: int = 64, sparse: int = 64) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from torch import nn

    from calotype.model.manifest import Latent
    from calotype.nets.transforms import halo_px
    from calotype.train.methods.winners import WinnersSystem
    from calotype.train.priors import CountedPrior
    from calotype.train.system import Row

    reach_px = halo_px([(9, 1), (5, 4)])

    class Chain(nn.Sequential):
        halo_px = reach_px

    latent = 1 + sparse
    up = nn.ConvTranspose2d(latent, width, 5, 2, 2, output_padding=1)
    return WinnersSystem(
        lambdas=LAMBDAS,
        typical=TYPICAL_BPP,
        analysis=Chain(nn.Conv2d(3, width, 9, 4, 4), nn.LeakyReLU(0.2), nn.Conv2d(width, latent, 5, 2, 2)),
        synthesis=Chain(up, nn.LeakyReLU(0.2), nn.ConvTranspose2d(width, 3, 9, 4, 4, output_padding=3)),
        latents={"y": Latent(latent, 8, -1023, 1023), "places": Latent(sparse, 8, 0, 1)},
        walk="winners",
        walk_parameters={"dense": 1},
        priors={"y": {"masked": True, "levels": 9}, "places": {"make": CountedPrior, "symbols": 2}},
        rows={"y.kept": Row(1, 1.0, fixed=[[share] for share in SHARES])},
        align_px=32,
    )


RECIPE = Recipe(
    name="dumas2017-swta",
    title="winner-take-all sparse codes: positions and values of the largest",
    paper="Dumas, Roumy, Guillemot 2017, ICASSP, hal-01493137",
    walk="winners",
    build=system,
    sizes={"tiny": {"width": 8, "sparse": 24}},
    phases=(Phase(name="everything"),),
)

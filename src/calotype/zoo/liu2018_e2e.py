"""Liu, Chen, Shen, Yue, Ma 2018 (arXiv:1806.01496): attention in an autoencoder, perceptual and adversarial loss.

    picture -> steps with GDN, residual blocks, gates -> * gain(rate) -> y ------> round(y - mean) -> restored y -> ...
                                           |                                             ^
                              hyper-analysis -> z (1/64) -> hyper-synthesis (exact) -> mean, table (exact)
    picture <- sub-pixel steps with IGDN, residual blocks, gates <- * inverse gain(rate) <- restored y
       |
       +-> loss: rate + lambda * (squared error, distance of features, - verdict of a critic on patches)
       +-> critic: originals above 1, decoded pictures below -1                  (learns beside it, is no part of the model)

First what squared errors and features say; then a critic of patches joins, with an objective of its own.
Differs from the paper: features are those of the analysis itself, held still, not VGG's, so that nothing is downloaded;
hinge loss; a hyperprior with means in integers; gates without non-local blocks; one model for all rates, few channels.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase, Player
from calotype.zoo import Recipe

CODEC = Player(parameters=("analysis*", "synthesis*", "nets*", "priors*", "rows*", "gain", "inverse"))
CRITIC = Player(name="critic", parameters=("critic*",), optimiser="adamw", adam_rate=3e-4)


def system(
    widths: tuple[int, ...] = (24, 32, 32), latent: int = 48, hyper: int = 24, parameters: int = 32, critic: int = 24
) -> Any:
    """The trainable system; sizes as the figure above has them."""
    from calotype.nets.attention import AttentionAnalysis, AttentionSynthesis
    from calotype.train.methods.judged import Critic, JudgedSystem
    from calotype.zoo.minnen2018_hyperprior import TYPICAL_BPP, entropy_parameters, with_hyperprior

    return with_hyperprior(
        "hyperprior", {"entropy_parameters": entropy_parameters(latent, parameters)}, TYPICAL_BPP,
        widths=widths, latent=latent, hyper=hyper, parameters=parameters,
        analysis=AttentionAnalysis(widths, latent), synthesis=AttentionSynthesis(widths, latent),
        make=JudgedSystem, critic=Critic(critic),
    )  # fmt: skip


RECIPE = Recipe(
    name="liu2018-e2e",
    title="attention in the transforms, trained for features and against a critic as well",
    paper="Liu et al. 2018, CVPR Workshops, arXiv:1806.01496",
    walk="hyperprior",
    build=system,
    sizes={"tiny": {"widths": (4, 6, 8), "latent": 6, "hyper": 4, "parameters": 8, "critic": 4}},
    phases=(
        Phase(
            name="tables", share=0.05, at_most_steps=100, frozen=("analysis*", "synthesis*"), schedule="constant",
            players=(CODEC,),
        ),
        Phase(name="everything", share=0.6, hold=0.7, final=0.3, players=(CODEC,)),
        Phase(
            name="critic", share=0.2, rate_scale=0.3, schedule="constant", players=(CODEC, CRITIC),
            options={"judged": True},
        ),
        Phase(
            name="integers", share=0.15, rate_scale=0.2, schedule="linear", players=(CODEC, CRITIC),
            options={"exact": True, "judged": True},
        ),
    ),
)  # fmt: skip

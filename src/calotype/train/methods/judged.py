"""The trainable wholes of distances between features, and of a critic that tells decoded pictures from originals.

Features are those of the model's own analysis: no weights of another network are needed, and none are downloaded. Not
here: the distance of early vision, which has no weights (perceptual.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from calotype.nets.transforms import GDN, UNIT
from calotype.train.system import System

__all__ = ["Critic", "FeatureSystem", "JudgedSystem", "feature_distance"]

_SPREAD = 6.0  # grey levels of the noise whose distance is made worth as much as its squared error
_FLAT = 0.05  # features below it count little, in networks' units


def feature_distance(layers: nn.Sequential, one: Tensor, other: Tensor) -> Tensor:
    """Mean over the normalised layers of squared differences between features of unit length, [b]; 0 for equal pictures.

    layers   an analysis that begins with steps and their normalisations; its weights stay as they are for the gradient:
             features serve as a measure, they don't learn to agree
    one, other   [b, 3, h, w] in networks' units
    source   Zhang et al. 2018, arXiv:1801.03924, equation 1, with other features and no weights for them
    """
    found = []
    for layer in layers:
        if not isinstance(layer, nn.Conv2d | GDN):
            break
        one, other = _still(layer, one), _still(layer, other)
        if isinstance(layer, GDN):
            a, b = (x / torch.sqrt((x * x).sum(1, keepdim=True) + _FLAT**2) for x in (one, other))
            found.append(((a - b) ** 2).sum(1).mean((1, 2)))
    return sum(found[1:], found[0]) / len(found)


def _still(layer: nn.Conv2d | GDN, x: Tensor) -> Tensor:
    """A layer without a slope towards its weights."""
    if isinstance(layer, GDN):
        return functional_call(layer, {name: p.detach() for name, p in layer.named_parameters()}, (x,))
    assert layer.bias is not None
    return F.conv2d(x, layer.weight.detach(), layer.bias.detach(), layer.stride, layer.padding)  # type: ignore[arg-type]


class FeatureSystem(System):
    """As `System`; a share of the distortion is `feature_distance`, in units of squared error.

    share   of it; the scale is such that noise of 6 grey levels costs as much by either measure when training begins
    """

    def __init__(self, *, share: float = 0.5, **named: Any) -> None:
        super().__init__(**named)
        self.share = share
        self.register_buffer("as_squared", torch.ones(()))

    @torch.no_grad()
    def begin(self, crops: Tensor) -> None:
        super().begin(crops)
        noisy = crops + _SPREAD * torch.randn(crops.shape, generator=torch.Generator().manual_seed(0)).to(crops)
        self.as_squared.copy_(_SPREAD**2 / self._apart(noisy, crops).mean().clamp_min(1e-6))  # type: ignore[operator]

    def _apart(self, picture: Tensor, crops: Tensor) -> Tensor:
        return feature_distance(self.analysis, (picture - 128) / UNIT, (crops - 128) / UNIT)

    def distortion(self, picture: Tensor, crops: Tensor, mse: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        felt = self._apart(picture, crops) * self.as_squared  # type: ignore[operator]
        return (1 - self.share) * mse + self.share * felt


class Critic(nn.Sequential):
    """Pictures [b, 3, h, w] in networks' units -> how much like an original each patch of 18 pixels looks, [b, 1, h/4, w/4].

    source   patches: Isola et al. 2017, arXiv:1611.07004
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )  # fmt: skip


class JudgedSystem(FeatureSystem):
    """As `FeatureSystem`, with a critic that learns beside it in phases with the option `judged`.

    A phase has a player "critic" with the parameters "critic*" for that; the others must leave them alone.

    critic    a `Critic`; it is no part of the model
    verdict   what its mean verdict is worth, in units of squared error
    """

    def __init__(self, *, critic: Critic, verdict: float = 4.0, **named: Any) -> None:
        super().__init__(**named)
        self.critic, self.verdict = critic, verdict
        self.register_buffer("is_judged", torch.zeros((), dtype=torch.bool))
        self.losses = {"critic": self.judged}

    def enter(self, phase: Any, batches: Any) -> None:
        super().enter(phase, batches)
        self.is_judged.fill_(bool(phase.options.get("judged")))  # type: ignore[operator]

    def distortion(self, picture: Tensor, crops: Tensor, mse: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        found = super().distortion(picture, crops, mse, given)
        if not (self.training and bool(self.is_judged)):
            return found
        return found - self.verdict * self.critic((picture - 128) / UNIT).mean((1, 2, 3))

    def judged(self, crops: Tensor, rate: Tensor) -> dict[str, Tensor]:
        """The critic's own objective, [b]: originals above 1, decoded pictures below -1."""
        with torch.no_grad():
            picture = self(crops, rate)["picture"]
        real, made = (self.critic((x - 128) / UNIT).mean(1) for x in (crops, picture))
        return {"loss": (F.relu(1 - real) + F.relu(1 + made)).mean((1, 2))}

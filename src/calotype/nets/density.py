"""A learned cumulative distribution per channel, for factorized priors while they train; tables are train/priors.py."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Density", "ScaleMixture"]

_FLOOR_BITS = 20.0  # what an escape costs in practice; an unfloored tail would charge an outlier without end


class Density(nn.Module):
    """Monotone network from a value to the logit of its cumulative probability, one per channel.

    forward(values [b, c, h, w], log_scale [b, c, 1, 1]) -> bits of the unit interval around each value
    source   Balle et al. 2018, arXiv:1802.01436, appendix 6.1, with three hidden layers of three units
    """

    def __init__(self, channels: int, hidden: tuple[int, ...] = (3, 3, 3), spread: float = 4.0) -> None:
        super().__init__()
        sides = (1, *hidden, 1)
        gain = spread ** (1 / (len(sides) - 1))
        self.matrices, self.biases, self.factors = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for a, b in pairwise(sides):
            self.matrices.append(nn.Parameter(torch.full((channels, b, a), math.log(math.expm1(1 / gain / b)))))
            self.biases.append(nn.Parameter(torch.rand(channels, b, 1) - 0.5))
            self.factors.append(nn.Parameter(torch.zeros(channels, b, 1)))

    def logits(self, x: Tensor) -> Tensor:
        """Logit of the cumulative probability at values [c, 1, n] in natural units: [c, 1, n], ascending."""
        for k, (matrix, bias, factor) in enumerate(zip(self.matrices, self.biases, self.factors, strict=True)):
            x = F.softplus(matrix) @ x + bias
            if k + 1 < len(self.matrices):
                x = x + torch.tanh(factor) * torch.tanh(x)
        return x

    def mass(self, low: Tensor, high: Tensor) -> Tensor:
        """Probability between two arrays [c, 1, n], computed in the tail where it is precise."""
        low, high = self.logits(low), self.logits(high)
        sign = -torch.sign(low + high).detach()
        return (torch.sigmoid(sign * high) - torch.sigmoid(sign * low)).abs()

    def forward(self, values: Tensor, log_scale: Tensor) -> Tensor:
        return _bits(self.mass, values, log_scale)


class ScaleMixture(nn.Module):
    """A mixture of zero-mean Gaussians of different scales per channel; interface as `Density`.

    source   Theis et al. 2017, arXiv:1703.00395, equation 8: six scales a channel
    """

    def __init__(self, channels: int, components: int = 6) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(channels, components, 1))
        self.log_scales = nn.Parameter(torch.linspace(-1.5, 1.5, components)[None, :, None].repeat(channels, 1, 1))

    def mass(self, low: Tensor, high: Tensor) -> Tensor:
        """Probability between two arrays [c, 1, n], computed in the tail where it is precise."""
        scale = torch.exp(-self.log_scales) * math.sqrt(0.5)
        sign = 1 - 2 * (low + high > 0).to(low.dtype)
        part = (torch.erfc(-sign * high * scale) - torch.erfc(-sign * low * scale)).abs() * 0.5
        return (torch.softmax(self.weights, 1) * part).sum(1, keepdim=True)

    def forward(self, values: Tensor, log_scale: Tensor) -> Tensor:
        return _bits(self.mass, values, log_scale)


def _bits(mass: Callable[[Tensor, Tensor], Tensor], values: Tensor, log_scale: Tensor) -> Tensor:
    """Bits of the unit intervals around values [b, c, h, w], stretched by scales [b, c, 1, 1]."""
    b, c, h, w = values.shape
    inverse = torch.exp(-log_scale)
    low, high = (((values + side) * inverse).transpose(0, 1).reshape(c, 1, -1) for side in (-0.5, 0.5))
    bits = -torch.log2(mass(low, high) + 1e-9)
    bits = torch.where(bits > _FLOOR_BITS, _FLOOR_BITS + 0.02 * (bits - _FLOOR_BITS), bits)
    return bits.reshape(c, b, h, w).transpose(0, 1)

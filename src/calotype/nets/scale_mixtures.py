"""Gaussian scale mixtures as a family of distributions by scale and shape; other families are families.py."""

from __future__ import annotations

import torch

from calotype.nets.families import Mixture

__all__ = ["ScaleMixtures"]


class ScaleMixtures(Mixture):
    """Shapes that are learned mixtures of three Gaussians with one centre: from nearly normal to heavy tails.

    source   Gaussian scale mixtures, Wainwright and Simoncelli 1999 (NIPS 12)
    """

    def __init__(self, components: int = 3) -> None:
        super().__init__(components)
        apart = torch.linspace(0, 1, self.shapes)[:, None] * torch.linspace(-1.2, 0.8, components)
        del self.means
        self.register_buffer("means", torch.zeros(self.shapes, components))
        with torch.no_grad():
            self.log_scales.copy_(apart)
            self.weights.zero_()

"""What depends on the rate: arrays at a few trained rates, interpolated in training as a frozen model does, and the loss.

Rates are numbers in [0, 1] here and indices 0..1023 in files (model/bundle.py).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["at", "rounded", "weighted"]


def at(anchors: Tensor, rate: Tensor) -> Tensor:
    """Anchors [n, ...], evenly spaced, interpolated linearly at rates [b] in [0, 1] -> [b, ...]."""
    place = rate * (len(anchors) - 1)
    low = place.floor().clamp(0, len(anchors) - 2).long()
    part = (place - low).reshape(-1, *[1] * (anchors.ndim - 1))
    return anchors[low] * (1 - part) + anchors[low + 1] * part


def rounded(anchors: Tensor) -> np.ndarray:
    """Anchors of integer rows as a model stores them: int32, halves up."""
    return np.floor(anchors.detach().cpu().numpy() + 0.5).astype(np.int32)


def weighted(bpp: Tensor, mse: Tensor, rate: Tensor, log_lambdas: Tensor, log_typical: Tensor) -> Tensor:
    """bpp + lambda * MSE of each sample, [b], weighed so that every rate counts relatively.

    log_lambdas   at the anchors: worth of a unit of mean squared error (0..255) in bits per pixel
    log_typical   at the anchors: bpp that a picture usually gives; samples weigh typical^-0.8
    """
    worth, weight = torch.exp(at(log_lambdas, rate)), torch.exp(-0.8 * at(log_typical, rate))
    return (bpp + worth * mse) * weight

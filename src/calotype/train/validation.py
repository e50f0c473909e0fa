"""Validation: the averaged weights on fixed crops of held-out photographs, at fixed rates, and one figure for the curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Curve", "relative_rate_percent", "validate"]

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Curve:
    """What a validation found; all lists have one entry per rate.

    rates      in [0, 1]
    bpp        mean bits per pixel
    psnr_db    mean over the crops of their PSNR, from squared errors of 0..255 samples
    loss       mean of the loss that training minimises
    """

    rates: tuple[float, ...]
    bpp: tuple[float, ...]
    psnr_db: tuple[float, ...]
    loss: float

    def rows(self) -> list[list[float]]:
        """[rate, bpp, dB] rows for the log."""
        return [
            [round(r, 4), round(b, 5), round(p, 4)] for r, b, p in zip(self.rates, self.bpp, self.psnr_db, strict=True)
        ]

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[float]], loss: float = 0.0) -> Curve:
        """The curve of `rows()`."""
        rates, bpp, psnr = (tuple(column) for column in zip(*rows, strict=True))
        return cls(rates, bpp, psnr, loss)


@torch.no_grad()
def validate(
    system: nn.Module, crops: Tensor, forward: Callable[[Tensor, Tensor], dict[str, Tensor]], count: int = 8
) -> Curve:
    """Run `system` in evaluation mode over `crops` at `count` evenly spaced rates.

    crops     float32 [n, 3, h, w] in 0..255
    forward   (crops, rate) -> {"loss", "bpp", "mse"}, each [b]: the system under the precision of training
    """
    rates = tuple(k / max(count - 1, 1) for k in range(count))
    bpp, psnr, loss = [], [], []
    was_training = system.training
    system.eval()
    try:
        for rate in rates:
            outputs = [forward(x, torch.full((len(x),), rate, device=x.device)) for x in crops.split(AT_ONCE)]
            gathered = {k: torch.cat([o[k].detach().float().cpu() for o in outputs]) for k in ("loss", "bpp", "mse")}
            bpp.append(gathered["bpp"].mean().item())
            psnr.append((10 * torch.log10(65025 / gathered["mse"].clamp(min=1e-4))).mean().item())
            loss.append(gathered["loss"].mean().item())
    finally:
        system.train(was_training)
    return Curve(rates, tuple(bpp), tuple(psnr), float(np.mean(loss)))


def relative_rate_percent(curve: Curve, reference: Curve) -> float | None:
    """How much more rate `curve` needs than `reference` at equal PSNR, in percent; negative is better.

    As BD-rate (Bjontegaard 2001), the mean of the log rates' difference over the common range of PSNR, but interpolated
    linearly: with eight rates it differs little, and it never overshoots on an untrained curve.
    returns   None where the curves do not overlap or do not rise
    """
    quality, log_rate = np.array(curve.psnr_db), np.log(np.maximum(curve.bpp, 1e-6))
    quality_0, log_rate_0 = np.array(reference.psnr_db), np.log(np.maximum(reference.bpp, 1e-6))
    rising = all(
        np.all(np.diff(q) > 0) and np.isfinite(r).all() for q, r in ((quality, log_rate), (quality_0, log_rate_0))
    )
    if not rising:
        return None
    low, high = max(quality[0], quality_0[0]), min(quality[-1], quality_0[-1])
    if not high > low:
        return None
    at = np.linspace(low, high, 200)
    difference = np.interp(at, quality, log_rate) - np.interp(at, quality_0, log_rate_0)
    return float(100 * np.expm1(difference.mean()))

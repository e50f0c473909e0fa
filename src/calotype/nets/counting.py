"""Counting multiplications: what a network costs per pixel, by running it once; not its speed (docs/speed.md)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from calotype.nets.exact import ExactConv

__all__ = ["kmac_per_pixel"]


def kmac_per_pixel(system: nn.Module, run: Callable[[], object], pixels: int) -> dict[str, float]:
    """Thousands of multiply-accumulates per pixel of every convolution that `run` uses, by module name.

    run      calls (parts of) the system once
    pixels   of the picture or crop that it is called on, all samples of the batch together
    """
    found: dict[str, float] = {}

    def hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def count(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
            taps = module.weight[0].numel()  # type: ignore[union-attr]
            if isinstance(module, nn.ConvTranspose2d):
                taps = module.weight[:, 0].numel() // (module.stride[0] * module.stride[1])
            found[name] = found.get(name, 0.0) + output.numel() * taps / pixels / 1000

        return count

    kinds = (nn.Conv2d, nn.ConvTranspose2d, ExactConv)
    hooks = [m.register_forward_hook(hook(name)) for name, m in system.named_modules() if isinstance(m, kinds)]
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in hooks:
            handle.remove()
    return found

"""What turns on each weight of a fit in layers: second derivatives of bits and error, from slopes alone. In torch.

What is chosen by it is settling.py's; when, layers.py's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from calotype.fit.layers_network import Watch
from calotype.fit.settling import LAST
from calotype.walks.layers_networks import Contexts

__all__ = ["turning", "turning_in_last_layers", "without_last"]

LOOKS = 16  # at random signs: within a third of what turns on a weight


def turning(
    vector: Tensor,
    bits: Callable[[Tensor], Iterable[Tensor]],
    colours: Callable[[Tensor], Tensor],
    worth: float,
    generator: torch.Generator,
) -> np.ndarray:
    """Second derivatives of bits + lambda * error towards each of `vector` [n], about: float64 [n].

    Bits are negative logarithms of probabilities that fit, so theirs are sums of squares of slopes (Fisher), those of the
    error nearly so (Gauss and Newton). A gradient of all values at random signs, squared, has that sum as its mean. Zero
    where all slopes vanish, however much is lost further away.

    bits, colours   of a vector: of all values in parts, of all samples
    worth           second derivative of what is minimized towards a sample
    """
    vector = vector.clone().requires_grad_()
    found = torch.zeros_like(vector)

    def look(weight: float, *parts: Tensor) -> None:
        signed = torch.stack([(part * _signs(part, generator)).sum() for part in parts]).sum()
        (slope,) = torch.autograd.grad(signed, vector)
        found.add_(slope.square(), alpha=weight)

    for _ in range(LOOKS):  # one after the other: each takes as much memory as an iteration
        look(math.log(2), *bits(vector))
        look(worth, colours(vector))
    return (found / LOOKS).cpu().numpy().astype(np.float64)


def turning_in_last_layers(vector: Tensor, bits: Callable[[Tensor, Watch], Iterable[Tensor]]) -> dict[str, np.ndarray]:
    """The same of each row of the last layers, all integers and the bias of it together: [rows, n + 1, n + 1] by tensor.

    bits   of a vector, of all values in parts; shows a `Watch` what goes into last layers and comes out
    """
    seen: list[tuple[Contexts, Tensor, Tensor]] = []

    def watch(net: Contexts, hidden: Tensor, both: Tensor) -> None:
        both.retain_grad()
        seen.append((net, hidden.detach(), both))

    torch.stack([part.sum() for part in bits(vector.clone().requires_grad_(), watch)]).sum().backward()
    found: dict[str, np.ndarray] = {}
    for net, hidden, both in seen:
        assert both.grad is not None
        for k, (x, slopes) in enumerate(zip(hidden, both.grad, strict=True)):
            x = torch.cat([x, torch.ones_like(x[:1])])
            curves = [math.log(2) * ((x * slope.square()) @ x.T).cpu().numpy().astype(float) for slope in slopes]
            for name, part in zip(LAST, (curves[: net.planes], curves[net.planes :]), strict=True):
                key = f"{net.prefix}{name}.{k}"
                found[key] = found.get(key, 0) + np.stack(part)
    return found


def without_last(curve: np.ndarray) -> np.ndarray:
    """Second derivatives [rows, n + 1, n + 1] where the last coordinate goes wherever it is best: [rows, n, n]."""
    across = curve[:, :-1, -1:]
    return curve[:, :-1, :-1] - across * across.transpose(0, 2, 1) / (curve[:, -1:, -1:] + 1e-12)


def _signs(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 2, like.shape, generator=generator, device=like.device) * 2 - 1

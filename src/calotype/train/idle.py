"""Units that never fire: channels behind a ReLU that are zero everywhere, at every rate. No gradient ever reaches them.

Looked at when a run ends: a layer of which nothing is left costs its multiplications and does nothing, and the curve of
the loss does not show it (docs/training.md, "The post-filter that was not there"). Nothing here trains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from calotype.nets.exact import ExactNet

__all__ = ["idle_units", "said"]

RATES = (0.0, 0.5, 1.0)


@torch.no_grad()
def idle_units(
    system: nn.Module, crops: Tensor, forward: Callable[[Tensor, Tensor], Mapping[str, Tensor]]
) -> dict[str, tuple[int, int]]:
    """How many channels of each rectified layer are zero for all `crops` at three rates: name -> (idle, all of them).

    crops     float32 [n, 3, h, w] in 0..255
    forward   (crops, rate) -> anything: the system as it is trained
    A module with several such layers has them numbered in the order of computation.
    """
    fired: dict[str, Tensor] = {}
    was_training = system.training
    system.eval()
    try:
        for rate in RATES:
            with _watched(system) as seen:
                forward(crops, torch.full((len(crops),), rate, device=crops.device))
            for name, alive in seen.items():
                fired[name] = alive | fired[name] if name in fired else alive
    finally:
        system.train(was_training)
    return {name: (int((~alive).sum()), len(alive)) for name, alive in fired.items()}


def said(found: Mapping[str, tuple[int, int]], share: float = 0.5) -> list[str]:
    """A line for each layer of which at least `share` is idle."""
    return [f"{name}: {idle} of {of} units never fire" for name, (idle, of) in found.items() if idle >= share * of > 0]


@contextmanager
def _watched(system: nn.Module) -> Iterator[dict[str, Tensor]]:
    """While entered, every ReLU and every requantization to 0 and above leaves bool [channels]: which were above zero."""
    seen: dict[str, Tensor] = {}
    inside, counts = [""], dict[str, int]()

    def note(x: Tensor) -> Tensor:
        if x.dim() == 4:
            place = counts[inside[-1]] = counts.get(inside[-1], 0) + 1
            alive = (x > 0).any(3).any(2).any(0)
            name = f"{inside[-1]}.{place}"
            seen[name] = seen[name] | alive if name in seen and len(seen[name]) == len(alive) else alive
        return x

    def enter(module: nn.Module, _: Any, name: str) -> None:
        inside.append(name)
        counts[name] = 0  # layers of a module that runs several times are the same layers

    handles = []
    for name, module in system.named_modules():
        handles.append(module.register_forward_pre_hook(lambda m, args, name=name: enter(m, args, name)))
        handles.append(module.register_forward_hook(lambda *_: (inside.pop(), None)[1], always_call=True))
    relu, requantize = F.relu, ExactNet.requantize

    def whole(self: Any, x: Tensor, low: float, high: float, *more: Any) -> Tensor:
        with mock.patch.object(F, "relu", relu):  # in real numbers this is a ReLU: one layer, counted once
            found = requantize(self, x, low, high, *more)
        return note(found) if low == 0 and high == 255 else found

    try:
        with mock.patch.object(F, "relu", lambda x, inplace=False: note(relu(x, inplace))), \
             mock.patch.object(ExactNet, "requantize", whole):  # fmt: skip
            yield seen
    finally:
        for handle in handles:
            handle.remove()

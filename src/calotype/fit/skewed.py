"""What the first layer of contexts on diagonals makes of known values, in torch, for all passes side by side.

The order itself is walks/diagonals.py's; the same pass by pass is walks/layers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from calotype.walks.diagonals import SLOPE, bands, incomplete, taps
from calotype.walks.layers_networks import PHASES

__all__ = ["sums_of"]

_SLOTS = 8192  # at once: what they see stays in the cache of a core


class _Moved(torch.autograd.Function):
    """[planes, n] -> [planes, m] with value i at places[i], zeros elsewhere; or back, by `inverse`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, places: Tensor, size: int, inverse: bool) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape, ctx.inverse = x.shape, inverse
        return x.index_select(1, places) if inverse else _spread(x, places, size)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (places,) = ctx.saved_tensors
        back = _spread(grad, places, ctx.shape[1]) if ctx.inverse else grad.index_select(1, places)
        return back, None, None, None


def _spread(x: Tensor, places: Tensor, size: int) -> Tensor:
    return x.new_zeros(len(x), size).index_copy_(1, places, x)


class _Known(torch.autograd.Function):
    """Weights [width, planes, taps] by known values [planes, margin + passes, slots and more], plus a bias [margin, width]
    of the first passes: [width, passes, slots]. Some passes at a time, as in pointwise.py."""

    @staticmethod
    def forward(ctx: Any, known: Tensor, weight: Tensor, bias: Tensor, reach: int, slots: int) -> Tensor:
        ctx.save_for_backward(known, weight)
        ctx.reach, ctx.slots, margin = reach, slots, len(bias)
        out = known.new_empty(len(weight), known.shape[1] - margin, slots)
        for part in _strips(out):
            out[:, part] = (weight.flatten(1) @ _before(known, part, reach, slots)).unflatten(1, (-1, slots))
        out[:, :margin] += bias.T[..., None]
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        known, weight = ctx.saved_tensors
        reach, slots, margin = ctx.reach, ctx.slots, incomplete(ctx.reach)
        row = (known.shape[2] - slots) // reach
        back, by_weight = torch.zeros_like(known), torch.zeros_like(weight.flatten(1))
        for part in _strips(grad):
            behind = grad[:, part].flatten(1)
            by_weight.addmm_(behind, _before(known, part, reach, slots).T)
            each = (weight.flatten(1).T @ behind).view(*weight.shape[1:], -1, slots)
            for place, (dy, dx) in enumerate(taps(reach)):
                _window(back, part, dy, dx, reach, slots, row)[...] += each[:, place]
        return back, by_weight.view(weight.shape), grad[:, :margin].sum(2).T, None, None


def _before(known: Tensor, part: slice, reach: int, slots: int) -> Tensor:
    """What some passes see: [planes * taps, passes * slots]."""
    row = (known.shape[2] - slots) // reach
    seen = torch.stack([_window(known, part, dy, dx, reach, slots, row) for dy, dx in taps(reach)], 1)
    return seen.flatten(0, 1).flatten(1)


def _window(known: Tensor, part: slice, dy: int, dx: int, reach: int, slots: int, row: int) -> Tensor:
    first, ahead = (reach + dy) * row, incomplete(reach) + dx + SLOPE * dy
    return known[:, part.start + ahead : part.stop + ahead, first : first + slots]


def _strips(out: Tensor) -> Iterator[slice]:
    size = max(1, _SLOTS // out.shape[2])
    for start in range(0, out.shape[1], size):
        yield slice(start, min(start + size, out.shape[1]))


@lru_cache(maxsize=64)
def _geometry(h: int, w: int, passes: int, reach: int, cells: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where the places of [h, w] lie in known values with margins, and where those of each set do in what comes of them."""
    rows, columns = torch.arange(h)[:, None], torch.arange(w)
    across = bands(w, passes, reach)
    turned = (columns + SLOPE * rows) % (across * passes)
    step, slot = turned % passes, rows * across + torch.div(turned, passes, rounding_mode="floor")
    wide = (step + incomplete(reach)) * (h + reach) * across + reach * across + slot
    narrow = step * h * across + slot
    if cells:
        narrow = torch.stack([narrow[y::2, x::2] for y, x in PHASES])
    return wide.flatten().to(device), narrow.flatten().to(device)


def sums_of(own: Tensor, weight: Tensor, bias: Tensor, passes: int, reach: int, cells: bool) -> Tensor:
    """What the first layer makes of values [planes, h, w] as far as each pass knows them: [width, 4, h / 2, w / 2].

    weight   [width, planes, taps]      bias    [incomplete, width], of passes that do not know everything
    cells    otherwise [width, 1, h, w]
    """
    h, w = own.shape[1:]
    wide, narrow = _geometry(h, w, passes, reach, cells, own.device)
    across, steps = bands(w, passes, reach), passes + incomplete(reach)
    known = _Moved.apply(own.flatten(1), wide, steps * (h + reach) * across, False).view(len(own), steps, -1)
    found = _Known.apply(known, weight, bias, reach, h * across).flatten(1)
    sides = (4, h // 2, w // 2) if cells else (1, h, w)
    return _Moved.apply(found, narrow, 0, True).view(-1, *sides)  # type: ignore[no-any-return]

"""What the networks of a fit in layers compute, differentiable, in torch: bits of values, and colours.

The arithmetic of the contexts is walks/layers.py's own, that of the synthesis layers.py's. Optimisation lives in
fit/layers.py; the same of the pyramid is network.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG
from calotype.fit import pointwise, skewed
from calotype.fit.network import laplace_bits
from calotype.fit.upsampling import up
from calotype.walks.layers_networks import (
    HIDDEN,
    INDEX_ONE,
    LOW,
    MEAN_ONE,
    MIX_ONE,
    PER_LOG,
    PHASES,
    SCALES,
    SUM_ONE,
    UP_ONE,
    Contexts,
    LayersLayout,
    seen,
)

__all__ = [
    "SYNTHESIS", "Watch", "bits_of", "colours_of", "contexts", "joined", "matrices", "synthesis_matrices",
]  # fmt: skip

SYNTHESIS = ("up", "first", "first_bias", "last", "last_bias", "third", "third_bias", "fourth", "fourth_bias")
# Is told of each network and layer what the last layer of each pass sees, [passes, width, n], and says, [passes, 2 planes, n].
Watch = Callable[[Contexts, Tensor, Tensor], None]


class _Rounded(torch.autograd.Function):
    """Sums / one, rounded half up and clipped; the gradient is that of the clipping alone."""

    @staticmethod
    def forward(ctx: Any, sums: Tensor, one: int, low: int, top: int) -> Tensor:
        found = sums * (1 / one)
        ctx.save_for_backward((found > low) & (found < top))
        ctx.one = one
        return found.add_(0.5).floor_().clamp_(low, top)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = ctx.saved_tensors
        return grad * inside * (1 / ctx.one), None, None, None


def _squashed(sums: Tensor, one: int, low: int, top: int, exact: bool) -> Tensor:
    """As `predict` has it; without `exact` nothing is rounded."""
    if exact:
        return _Rounded.apply(sums, one, low, top)  # type: ignore[no-any-return]
    return (sums * (1 / one)).clamp(low, top)


def contexts(
    layout: LayersLayout,
    w: Mapping[str, Tensor],
    bases: Tensor,
    values: Mapping[str, Tensor],
    *,
    exact: bool,
    watch: Watch | None = None,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Means in eighths and scales of every layer of one tile, for values [planes, h, w] as they will be known.

    The arithmetic of walks/layers_networks.py, for all passes of a layer side by side, since what each of them knows is known
    here: on diagonals by skewed.py, in four passes by one convolution whose weights are zero where a pass knows nothing yet.
    bases   what the rate adds, sixteenths of a scale, [layers]      watch   is called for each layer, if exact
    """
    found = {}
    for net in layout.contexts:
        found |= _contexts_of(net, layout.coarsest, net.of(w), bases, values, exact, watch)
    return found


def _contexts_of(
    net: Contexts,
    coarsest: int,
    w: Mapping[str, Tensor],
    bases: Tensor,
    values: Mapping[str, Tensor],
    exact: bool,
    watch: Watch | None,
) -> dict[str, tuple[Tensor, Tensor]]:
    """The same of the layers of one network."""
    planes, found = net.planes, {}
    # Divisions move into the weights where nothing is rounded in between.
    one, mix_one = (1, 1) if exact else (SUM_ONE, MIX_ONE)
    mix, mix_bias = w["mix"] / mix_one, w["mix_bias"] / mix_one
    told = torch.stack([torch.cat([w[f"mean.{k}"], w[f"index.{k}"]]) for k in range(net.sets)])  # sets (2 planes) width
    first = (_OnDiagonals if net.reach else _InFourPasses)(net, coarsest, w, one)
    for layer in range(coarsest, net.finest - 1, -1):
        own = values[f"{net.letter}{layer}"]
        sums = first(layer, values)
        shift = bases[net.row + layer] * (INDEX_ONE / 16) + (1 - LOW * PER_LOG) * INDEX_ONE
        biases = torch.cat([w["mean_bias"], w["index_bias"] + shift], 1)
        sets, flat = len(sums), sums.flatten(2)
        if exact:
            if net.sets < sets:  # all of them side by side, for who watches
                flat = flat.transpose(0, 1).flatten(1)[None]
            hidden = _squashed(flat, SUM_ONE, 0, HIDDEN, exact)
            inner = torch.matmul(mix, hidden) + mix_bias[:, None]
            hidden = hidden + _squashed(inner, MIX_ONE, 0, HIDDEN, exact)
            both = torch.baddbmm(biases[: len(flat), :, None], told[: len(flat)], hidden)
            if watch is not None:
                watch(net, hidden, both)
            if len(both) < sets:
                both = both[0].unflatten(1, (sets, -1)).transpose(0, 1)
        else:
            each = (part.expand(sets, *part.shape[1:]) if len(part) < sets else part[:sets] for part in (told, biases))
            both = pointwise.mixed(flat, mix, mix_bias, *each)
        both = both.unflatten(2, sums.shape[2:])
        mean = _squashed(both[:, :planes], MEAN_ONE, -8 * 2047, 8 * 2047, exact)
        index = _squashed(both[:, planes:], INDEX_ONE, 0, SCALES, exact)
        found[f"{net.letter}{layer}"] = (
            (mean[0].expand_as(own), index[0].expand_as(own)) if sets == 1 else (_places(mean), _places(index))
        )
    return found


class _InFourPasses:
    """Sums of the first layer of every set of weights: [sets, width, h, w] of cells; [1, width, 1, 1] of the coarsest."""

    def __init__(self, net: Contexts, coarsest: int, w: Mapping[str, Tensor], one: int) -> None:
        self.net, self.coarsest, self.w, self.one = net, coarsest, w, one
        self.kernel = torch.cat([_first_layer(w, k, net) for k in range(4)]) / one

    def __call__(self, layer: int, values: Mapping[str, Tensor]) -> Tensor:
        net, w, own = self.net, self.w, values[f"{self.net.letter}{layer}"]
        bias = (w["bias.layer"][layer] + w["bias.pass"]) / self.one
        if layer == self.coarsest:
            return bias[:1, :, None, None]
        known = [own[:, y::2, x::2] for y, x in PHASES[:3]]
        inputs = seen(torch.cat([*known, values[f"{net.letter}{layer + 1}"]]))[None]
        sums = functional.conv2d(inputs, self.kernel, bias.flatten(), padding=1)
        if net.beside:
            sums = sums + _beside(net, w, layer, values, self.one)
        return sums.unflatten(1, (4, net.width))[0]


class _OnDiagonals:
    """The same where one set of last weights serves all places: [4, width, h, w] of cells, [1, width, h, w] of the coarsest."""

    def __init__(self, net: Contexts, coarsest: int, w: Mapping[str, Tensor], one: int) -> None:
        self.net, self.coarsest, self.w, self.one = net, coarsest, w, one
        self.known, self.ranks, self.coarse = (w[name] / one for name in ("known", "bias.rank", "coarse"))

    def __call__(self, layer: int, values: Mapping[str, Tensor]) -> Tensor:
        net, w, own = self.net, self.w, values[f"{self.net.letter}{layer}"]
        cells = layer != self.coarsest
        sums = skewed.sums_of(seen(own), self.known, self.ranks, net.passes(layer), net.reach, cells).transpose(0, 1)
        bias = (w["bias.layer"][layer] + w["bias.pass"]) / self.one
        if not cells:
            return sums + bias[:1, :, None, None]
        above = seen(values[f"{net.letter}{layer + 1}"])[None]
        coarse = functional.conv2d(above, self.coarse, bias.flatten(), padding=1)
        if net.beside:
            coarse = coarse + _beside(net, w, layer, values, self.one)
        return sums + coarse.unflatten(1, (4, net.width))[0]


def _beside(net: Contexts, w: Mapping[str, Tensor], layer: int, values: Mapping[str, Tensor], one: int) -> Tensor:
    """What the first layer makes of the brightness of each cell: [1, 4 width, h, w]."""
    cells = torch.cat([values[f"p{layer}"][:, y::2, x::2] for y, x in PHASES])
    return functional.conv2d(seen(cells)[None], w["beside"] / one)


def _first_layer(w: Mapping[str, Tensor], k: int, net: Contexts) -> Tensor:
    """Weights of pass k for the places of three passes and the coarser layer: [width, 4 planes, 3, 3]."""
    coarse = w["coarse"][k * net.width : (k + 1) * net.width]
    unknown = coarse.new_zeros(net.width, (3 - k) * net.planes, 3, 3)
    return torch.cat([*([w[f"known.{k}"]] if k else []), unknown, coarse], 1)


def _places(parts: Tensor) -> Tensor:
    """What the passes say of their places, in one array: [4, planes, h, w] of cells -> [planes, 2h, 2w]."""
    inverse = [PHASES.index((y, x)) for y in range(2) for x in range(2)]
    return functional.pixel_shuffle(parts[inverse].transpose(0, 1), 2)[:, 0]


def bits_of(values: Tensor, mean8: Tensor, index: Tensor) -> Tensor:
    """Bits of each value under a Laplace distribution around mean8 / 8, differentiable; about FLOOR_BITS at most."""
    log_b = (index - 1) * (1 / PER_LOG) + LOW
    return laplace_bits(values - mean8 * (1 / 8), (log_b - LAPLACE_LOW) * LAPLACE_PER_LOG)


def colours_of(w: Mapping[str, Tensor], step: Tensor, values: Mapping[str, Tensor]) -> Tensor:
    """Twin of layers.py: values [planes, h, w] of the layers by name -> colours in 0..1, [1, 3, h, w]."""
    w = {name: array / UP_ONE for name, array in w.items()}
    luma = chroma = None
    for layer in sorted((int(name[1:]) for name in values if name[0] == "p"), reverse=True):
        own = values[f"p{layer}"] * step
        luma = own if luma is None else torch.cat([own, up(luma, w["up"])])
        chroma = None if chroma is None else up(chroma, w["up"])
        if f"c{layer}" in values:
            own = values[f"c{layer}"] * step
            chroma = own if chroma is None else own + chroma
    assert luma is not None
    held = luma if chroma is None else torch.cat([luma, chroma])
    colours = pointwise.two_layers(held.flatten(1), w["first"], w["first_bias"], w["last"], w["last_bias"])
    colours = colours.unflatten(1, held.shape[1:])[None]
    colours = colours.contiguous(memory_format=torch.channels_last)  # a third of the time of what follows
    colours = colours + functional.conv2d(colours, w["third"], w["third_bias"], padding=1).relu()
    return colours + functional.conv2d(colours, w["fourth"], w["fourth_bias"], padding=1)


def matrices(layout: LayersLayout) -> list[Tensor]:
    """The weights as matrices whose gradients go together, biases as columns: what Soap is told."""
    at = {t.name: torch.arange(t.part.start, t.part.stop).view(t.shape) for t in layout.tensors}
    found = []
    for net in layout.contexts:
        w = net.of(at)
        for k in range(4):
            own = slice(k * net.width, (k + 1) * net.width)
            first = [w[f"known.{k}"]] if k and not net.reach else []
            beside = [w["beside"][own]] if net.beside else []
            found.append(joined(*first, w["coarse"][own], *beside, w["bias.pass"][k]))
        for k in range(net.sets):
            told = torch.cat([w[f"mean.{k}"], w[f"index.{k}"]])
            found.append(joined(told, torch.cat([w["mean_bias"][k], w["index_bias"][k]])))
        found += [joined(w["mix"], w["mix_bias"]), w["bias.layer"]]
        found += [w["known"].flatten(1), w["bias.rank"]] if net.reach else []
    return [*found, *synthesis_matrices(at)]


def synthesis_matrices(at: Mapping[str, Tensor]) -> list[Tensor]:
    """Those of the synthesis."""
    return [*(joined(at[name], at[f"{name}_bias"]) for name in ("first", "last", "third", "fourth")), at["up"][None]]


def joined(*columns: Tensor) -> Tensor:
    """Weights [rows, ...] and biases [rows] side by side, one row of all of them a unit."""
    return torch.cat([part.flatten(1) if part.ndim > 1 else part[:, None] for part in columns], 1)

"""The optimisation of one picture in layers: values, contexts and synthesis descend together; then weights are quantized.

    soft   values pass a rounding that sharpens, with noise (C3, Kim et al. 2023, arXiv:2312.02753, section 3)
    hard   values are rounded and stay; each tensor of the networks gets the step that pays in bits of the whole file, and
           the networks descend on as multiples of it, computing on integers as the decoder will

The arithmetic of the contexts is walks/layers.py's own. How `bespoke` is fitted, to whose pyramid values belong: loop.py.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from calotype.coding.densities import LAPLACE_LOW, LAPLACE_PER_LOG
from calotype.fit import pointwise
from calotype.fit.loop import Best, Plan, Progress
from calotype.fit.network import integers, laplace_bits, psnr_db, tensors
from calotype.fit.soap import Soap
from calotype.fit.upsampling import up
from calotype.fit.weights import coded_bits, tensor_bits
from calotype.model.bundle import Model
from calotype.tiles import Grid
from calotype.walks import layers as walk
from calotype.walks.layers import (
    BASE_MOST,
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

__all__ = ["CLIP", "LayersRun", "bits_of", "colours_of", "contexts", "soft_rate"]

RATE = 1e-2  # of values, by Adam, and of weights, by SOAP, alike; values are sixteenths of it
MEMORY = 0.9  # of Adam's second moment of values: few iterations, for most of them begin at zero and leave it late
UNIT = 16.0  # integers that a fitted value of 1 is
SOFT = 0.92  # share of the iterations
HARD = 5e-4  # rate after it, of the networks
SHARP, NOISE = (0.3, 0.1), 2.0  # temperature of the rounding, from first to last, and shape of its noise
SLOWEST = 0.02  # of the rate, at the end of the soft part
CLIP = 0.1  # norm of the networks' gradient
SHIFTS = range(8)  # steps of a tensor that are tried, powers of two
WORSE = 3  # in a row that end the search among them
COARSE, FINE = 1 / 24, 1 / 128  # about the steps that pay, of weights of the contexts and of the synthesis
SYNTHESIS = ("up", "first", "first_bias", "last", "last_bias", "third", "third_bias", "fourth", "fourth_bias")
_REPORTED = 25  # iterations between looks at what would be written


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
    nets: Sequence[Contexts] | None = None,
) -> dict[str, tuple[Tensor, Tensor]]:
    """Means in eighths and scales of every layer of one tile, for values [planes, h, w] as they will be known.

    The arithmetic of `walks.layers.predict`, for the four passes of a layer side by side, since what each of them knows
    is known here: one convolution whose weights are zero where a pass knows nothing yet.
    bases   what the rate adds, sixteenths of a scale, [layers]      nets   whose layers; by default those of all networks
    """
    found = {}
    for net in layout.contexts if nets is None else nets:
        found |= _contexts_of(net, layout.coarsest, net.of(w), bases, values, exact)
    return found


def _contexts_of(
    net: Contexts, coarsest: int, w: Mapping[str, Tensor], bases: Tensor, values: Mapping[str, Tensor], exact: bool
) -> dict[str, tuple[Tensor, Tensor]]:
    """The same of the layers of one network."""
    width, planes, found = net.width, net.planes, {}
    # Divisions move into the weights where nothing is rounded in between.
    one, mix_one = (1, 1) if exact else (SUM_ONE, MIX_ONE)
    kernel = torch.cat([_first_layer(w, k, net) for k in range(4)]) / one
    mix, mix_bias = w["mix"] / mix_one, w["mix_bias"] / mix_one
    told = torch.stack([torch.cat([w[f"mean.{k}"], w[f"index.{k}"]]) for k in range(4)])  # 4 (2 planes) width
    for layer in range(coarsest, net.finest - 1, -1):
        own = values[f"{net.letter}{layer}"]
        passes = 1 if layer == coarsest else 4
        bias = (w["bias.layer"][layer] + w["bias.pass"][:passes]) / one
        if passes == 1:
            sums = bias[:, :, None, None]
        else:
            known = [own[:, y::2, x::2] for y, x in PHASES[:3]]
            inputs = seen(torch.cat([*known, values[f"{net.letter}{layer + 1}"]]))[None]
            sums = functional.conv2d(inputs, kernel, bias.flatten(), padding=1)
            if net.beside:
                before = torch.cat([values[f"p{layer}"][:, y::2, x::2] for y, x in PHASES])
                sums = sums + functional.conv2d(seen(before)[None], w["beside"] / one)
            sums = sums.unflatten(1, (4, width))[0]
        shift = bases[net.row + layer] * (INDEX_ONE / 16) + (1 - LOW * PER_LOG) * INDEX_ONE
        biases = torch.cat([w["mean_bias"], w["index_bias"] + shift], 1)[:passes]
        flat = sums.flatten(2)
        if exact:
            hidden = _squashed(flat, SUM_ONE, 0, HIDDEN, exact)
            inner = torch.matmul(mix, hidden) + mix_bias[:, None]
            hidden = hidden + _squashed(inner, MIX_ONE, 0, HIDDEN, exact)
            both = torch.baddbmm(biases[:, :, None], told[:passes], hidden)
        else:
            both = pointwise.mixed(flat, mix, mix_bias, told[:passes], biases)
        both = both.unflatten(2, sums.shape[2:])
        mean = _squashed(both[:, :planes], MEAN_ONE, -8 * 2047, 8 * 2047, exact)
        index = _squashed(both[:, planes:], INDEX_ONE, 0, SCALES, exact)
        found[f"{net.letter}{layer}"] = (
            (mean[0].expand_as(own), index[0].expand_as(own)) if passes == 1 else (_places(mean), _places(index))
        )
    return found


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

    def add(*columns: Tensor) -> None:
        found.append(torch.cat([part.flatten(1) if part.ndim > 1 else part[:, None] for part in columns], 1))

    for net in layout.contexts:
        w = net.of(at)
        for k in range(4):
            own = slice(k * net.width, (k + 1) * net.width)
            first = [w[f"known.{k}"]] if k else []
            beside = [w["beside"][own]] if net.beside else []
            add(*first, w["coarse"][own], *beside, w["bias.pass"][k])
            add(torch.cat([w[f"mean.{k}"], w[f"index.{k}"]]), torch.cat([w["mean_bias"][k], w["index_bias"][k]]))
        add(w["mix"], w["mix_bias"])
        add(w["bias.layer"])
    for name in ("first", "last", "third", "fourth"):
        add(at[name], at[f"{name}_bias"])
    add(at["up"][None])
    return found


def soft_rate(done: float) -> float:
    """The rate at this share of the soft part."""
    return RATE * max(0.5 * (1 + math.cos(math.pi * done)), SLOWEST)


class LayersRun:
    """One picture's fit. `run()` may be interrupted between iterations; `best()` is always there."""

    def __init__(self, pixels: np.ndarray, model: Model, rate: int, plan: Plan, device: Any = "cpu") -> None:
        self.plan, self.device = plan, torch.device(device)
        self.height, self.width = pixels.shape[:2]
        self.pixels = self.height * self.width
        self.layout = walk.Layers(**model.manifest.walk_parameters).layout
        self.grid = Grid(self.height, self.width, model.manifest.tile_px, model.manifest.align_px)
        self.lambda_ = float(np.exp(model.floats("log_lambda", rate)[0]))
        self.step = torch.tensor(float(np.exp(model.floats("log_step", rate)[0])), device=self.device)
        base = model.rows("base", np.array([rate]))[0, :, 0, 0].clip(-BASE_MOST, BASE_MOST)
        self.base = torch.from_numpy(base).to(self.device)
        self.target = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 255)[None].to(self.device)
        self.generator = torch.Generator(device=self.device).manual_seed(plan.seed)
        self.start = model.table("start")[0].astype(np.int64)
        scale = np.repeat([t.scale for t in self.layout.tensors], [t.size for t in self.layout.tensors])
        self.scale = torch.from_numpy(scale).float().to(self.device)
        self.limits = torch.from_numpy(self.layout.limits).float().to(self.device)
        self.began = torch.from_numpy(self.start).float().to(self.device) / self.scale
        self.own = self.began.clone().requires_grad_()
        self.strides = {name: 1 << int(name[1:]) for name in self.layout.names}
        planes = {net.letter: net.planes for net in self.layout.contexts}
        shapes = {
            name: (planes[name[0]], *(side // stride for side in self.grid.shape))
            for name, stride in self.strides.items()
        }
        self.layers = {name: torch.zeros(s, device=self.device, requires_grad=True) for name, s in shapes.items()}
        self.optimizer = torch.optim.Adam(self.layers.values(), betas=(0.9, MEMORY))
        self.learner = Soap(self.own, matrices(self.layout))
        self.shifts: np.ndarray | None = None  # of the steps of differences to the start, once they are chosen
        self.kept = math.inf, self.own.detach().clone()  # the best networks for rounded values, and what they cost
        self.iteration, self.log = 0, list[dict[str, float]]()

    def run(self, say: Callable[[Progress], None] | None = None) -> Best:
        """All iterations; KeyboardInterrupt goes to the caller, who may then ask for `best()`."""
        began = time.monotonic()
        while self.iteration < self.plan.iterations:
            self._descend(self.iteration / self.plan.iterations)
            self.iteration += 1
            if self.iteration % _REPORTED == 0 or self.iteration == self.plan.iterations:
                self._report(time.monotonic() - began, say)
        return self.best()

    def _descend(self, done: float) -> None:
        """One step of everything that descends at this share of the iterations."""
        begun = min(done / SOFT, 1.0)
        if done > SOFT:
            if self.shifts is None:
                self.shifts = self._steps_that_pay()
                self._keep()
            rate = HARD * (1 - (done - SOFT) / (1 - SOFT)) + 1e-5
            w, values = tensors(self.layout, self.vector()), self.rounded()
        else:
            w = tensors(self.layout, self.own * self.scale)
            rate, values = soft_rate(begun), self.softened(begun)
        bits, mse = self.cost(w, values, exact=self.shifts is not None)
        self.own.grad = None
        self.optimizer.zero_grad(set_to_none=True)
        ((bits + self.sent()) / self.pixels + self.lambda_ * mse).backward()
        torch.nn.utils.clip_grad_norm_([self.own], CLIP)
        self.move_values(rate)
        self.learner.step(rate)

    def move_values(self, rate: float) -> None:
        """One step of the values along their gradients, if they have any."""
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()

    def softened(self, done: float) -> dict[str, Tensor]:
        """The values as networks see them at this share of the soft part, differentiable."""
        sharp = SHARP[0] + (SHARP[1] - SHARP[0]) * done
        return {
            name: _soft(_soft(own * UNIT, sharp) + self._noise(own.shape, NOISE), sharp)
            for name, own in self.layers.items()
        }

    def _noise(self, shape: torch.Size, a: float) -> Tensor:
        """Kumaraswamy noise in -1/2..1/2, peaked at 0 the more the larger `a` is; uniform for 1 (C3, section 3)."""
        b = (2**a * (a - 1) + 1) / a
        uniform = torch.rand(shape, generator=self.generator, device=self.device).clamp_(1e-6, 1 - 1e-6)
        return (1 - (1 - uniform) ** (1 / b)) ** (1 / a) - 0.5

    def cost(
        self, w: Mapping[str, Tensor], values: Mapping[str, Tensor], *, exact: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Bits of the values, and the mean squared error in levels."""
        return self._bits(w, values, exact=exact), self._error(w, values)

    def sent(self) -> Tensor:
        """About how many bits the differences to the start will take, differentiable: by the mean magnitude in each tensor."""
        deltas, total = self.own - self.began, torch.zeros((), device=self.device)
        for tensor in self.layout.tensors:
            step = FINE if tensor.name in SYNTHESIS else COARSE
            total = total + tensor.size * torch.log2(1 + math.e * deltas[tensor.part].abs().mean() / step)
        return total

    def _bits(
        self,
        w: Mapping[str, Tensor],
        values: Mapping[str, Tensor],
        *,
        exact: bool = False,
        nets: Sequence[Contexts] | None = None,
    ) -> Tensor:
        total = torch.zeros((), device=self.device)
        for number in range(len(self.grid)):
            tile = self.grid[number]
            parts = {name: tile.over(stride) for name, stride in self.strides.items()}
            own = {name: values[name][:, part.rows, part.cols] for name, part in parts.items()}
            for name, (mean8, index) in contexts(self.layout, w, self.base, own, exact=exact, nets=nets).items():
                total = total + bits_of(own[name], mean8, index).sum()
        return total

    def _error(self, w: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> Tensor:
        found = colours_of(w, self.step, values)[:, :, : self.height, : self.width]
        if not torch.is_grad_enabled():
            found = (found * 255).add(0.5).floor().clamp(0, 255) / 255
        return (found - self.target).square().mean() * 255**2

    def rounded(self) -> dict[str, Tensor]:
        """The values as they would be written."""
        return {name: torch.round(own.detach() * UNIT).clamp(-2047, 2047) for name, own in self.layers.items()}

    def vector(self, own: Tensor | None = None) -> Tensor:
        """The networks' integers, with straight-through gradients; `own` may stand for this picture's."""
        found = (self.own if own is None else own) * self.scale
        if self.shifts is not None:
            repeated = np.repeat(2.0**self.shifts, [tensor.size for tensor in self.layout.tensors])
            unit = torch.from_numpy(repeated).float().to(self.device)
            start = torch.from_numpy(self.start).float().to(self.device)
            found = start + integers((found - start) / unit, 2 * self.limits) * unit
        return integers(found, self.limits)

    def _report(self, seconds: float, say: Callable[[Progress], None] | None) -> None:
        bits, mse = self._keep()
        bpp, psnr = bits / self.pixels, psnr_db(mse)
        done, of = self.iteration, self.plan.iterations
        self.log.append({"iteration": done, "bpp": bpp, "psnr_db": psnr, "seconds": seconds})
        if say is not None:
            left = seconds / done * (of - done)
            say(Progress(iteration=done, iterations=of, bpp=bpp, psnr_db=psnr, seconds_left=left))

    @torch.no_grad()
    def _keep(self) -> tuple[float, float]:
        """Bits and error of what would be written now; after rounding the best networks stay: steps there are noisy."""
        bits, mse = self.cost(tensors(self.layout, self.vector()), self.rounded(), exact=True)
        cost = float(bits) / self.pixels + self.lambda_ * float(mse)
        if self.shifts is not None and cost < self.kept[0]:
            self.kept = cost, self.own.detach().clone()
        return float(bits), float(mse)

    @torch.no_grad()
    def _steps_that_pay(self) -> np.ndarray:
        """The shift of each tensor, chosen one after the other, the others as they are by then."""
        values = self.rounded()
        vector, shifts = self.vector().cpu().numpy().astype(np.int64), np.zeros(len(self.layout.tensors), np.int64)
        for place, tensor in enumerate(self.layout.tensors):
            best, chosen, worse = math.inf, vector, 0
            delta = vector[tensor.part] - self.start[tensor.part]
            nets = [] if tensor.name in SYNTHESIS else self.layout.those_of(tensor.name)
            for shift in SHIFTS:
                steps = np.floor(delta / 2**shift + 0.5).astype(np.int64)
                trial = vector.copy()
                trial[tensor.part] = np.clip(self.start[tensor.part] + (steps << shift), -tensor.limit, tensor.limit)
                w = tensors(self.layout, torch.from_numpy(trial).float().to(self.device))
                if nets:
                    cost = float(self._bits(w, values, exact=True, nets=nets))
                else:
                    cost = float(self._error(w, values)) * self.lambda_ * self.pixels
                cost += tensor_bits(steps)
                if cost < best:
                    best, chosen, shifts[place], worse = cost, trial, shift, 0
                elif (worse := worse + 1) == WORSE:
                    break
            vector = chosen
        return shifts

    def best(self) -> Best:
        """What there is now, as it would be written."""
        if self.shifts is None:
            self.shifts = self._steps_that_pay()
        self._keep()
        with torch.no_grad():
            self.own.copy_(self.kept[1])
        values = self.rounded()
        unit = np.repeat(2**self.shifts, [tensor.size for tensor in self.layout.tensors])
        deltas = self.vector().detach().cpu().numpy().astype(np.int64) - self.start
        deltas = (deltas // unit * unit).astype(np.int32)  # where a limit cut it, a multiple again
        with torch.no_grad():
            w = tensors(self.layout, torch.from_numpy(self.start + deltas).float().to(self.device))
            bits, mse = self.cost(w, values, exact=True)
        total = float(bits) + coded_bits(self.layout, deltas, self.shifts)
        bands = {name: own.cpu().numpy() for name, own in values.items()}
        return Best(bands, (deltas, self.shifts), total / self.pixels, psnr_db(float(mse)), self.log, self.strides)


def _soft(x: Tensor, sharp: float) -> Tensor:
    """Soft rounding (Agustsson & Theis 2020, arXiv:2006.09952): the identity at whole numbers and halves."""
    below = torch.floor(x)
    return below + 0.5 * torch.tanh((x - below - 0.5) / sharp) / math.tanh(0.5 / sharp) + 0.5

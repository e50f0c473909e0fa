"""The optimisation of one picture in layers: values, contexts and synthesis descend together; then weights are quantized.

    soft   values pass a rounding that sharpens, with noise (C3, Kim et al. 2023, arXiv:2312.02753, section 3)
    hard   values are rounded and stay; networks compute on integers as the decoder will, and become integers, kind by kind
           (settling.py), what is left descending on

What networks compute is in layers_network.py. How `bespoke` is fitted, to whose pyramid values belong: loop.py.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calotype.fit.layers_network import SYNTHESIS, Watch, bits_of, colours_of, contexts, matrices
from calotype.fit.loop import NO_GAIN, STOPPED, Best, Plan, Progress
from calotype.fit.network import psnr_db, tensors
from calotype.fit.pace import LEFT, Pace
from calotype.fit.settling import GROUPS, LAST, cheapest, kind_of, lost
from calotype.fit.soap import Soap
from calotype.fit.turning import turning, turning_in_last_layers, without_last
from calotype.fit.weights import coded_bits, tensor_bits
from calotype.model.bundle import Model
from calotype.tiles import Grid
from calotype.walks import layers as walk
from calotype.walks.layers_networks import BASE_MOST

__all__ = ["CLIP", "LayersRun", "soft_rate"]

RATE = 1e-2  # of values, by Adam, and of weights, by SOAP, alike; values are sixteenths of it
# Of Adam's second moment of values: a fortieth of the iterations, within bounds. Most values begin at zero and leave it late.
MEMORY, SHORTEST, LONGEST = 1 / 40, 8, 200
UNIT = 16.0  # integers that a fitted value of 1 is
SOFT = 0.92  # share of the iterations
HARD = 5e-4  # rate after it, of the networks
SHARP, NOISE = (0.3, 0.1), 2.0  # temperature of the rounding, from first to last, and shape of its noise
SLOWEST = 0.02  # of the rate, at the end of the soft part
CLIP = 0.1  # norm of the networks' gradient
# A group of tensors that loses more than so many times what was foreseen, and so many bits, is looked at one by one.
SURPRISE, SURPRISING = 2.0, 64.0
COARSE, FINE = 1 / 24, 1 / 128  # about the steps that pay, of weights of the contexts and of the synthesis
# How many times faster than the others weights descend: what `first` sees are values times a small step.
FASTER = {"first": 4.0}
# Iterations at least, and seconds, in which a fit ends that is asked to: most of what settling gains.
FEW, HURRIED_S = 12, 30
_REPORTED = 25  # iterations between looks at what would be written


def soft_rate(done: float) -> float:
    """The rate at this share of the soft part."""
    return RATE * max(0.5 * (1 + math.cos(math.pi * done)), SLOWEST)


class LayersRun:
    """One picture's fit. `run()` may be interrupted, and go on; `best()` is always there.

    ended   why it ended before all iterations of the plan
    """

    def __init__(self, pixels: np.ndarray, model: Model, rate: int, plan: Plan, device: Any = "cpu") -> None:
        self.plan, self.pace, self.device = plan, Pace(plan.iterations), torch.device(device)
        self.ended = ""
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
        scales = [t.scale * FASTER.get(t.name, 1.0) for t in self.layout.tensors]
        scale = np.repeat(scales, [t.size for t in self.layout.tensors])
        self.scale = torch.from_numpy(scale).float().to(self.device)
        # What cannot be written is not tried either: a fit that relies on it falls apart as it settles.
        self.most = torch.from_numpy(self.layout.limits).float().to(self.device) / self.scale
        self.began = torch.from_numpy(self.start).float().to(self.device) / self.scale
        self.own = self.began.clone().requires_grad_()
        self.strides = {name: 1 << int(name[1:]) for name in self.layout.names}
        planes = {net.letter: net.planes for net in self.layout.contexts}
        shapes = {
            name: (planes[name[0]], *(side // stride for side in self.grid.shape))
            for name, stride in self.strides.items()
        }
        self.layers = {name: torch.zeros(s, device=self.device, requires_grad=True) for name, s in shapes.items()}
        memory = min(max(plan.iterations * MEMORY, SHORTEST), LONGEST)
        self.optimizer = torch.optim.Adam(self.layers.values(), betas=(0.9, 1 - 1 / memory))
        self.learner = Soap(self.own, matrices(self.layout), self.most)
        self.settled = 0  # groups of tensors whose integers are chosen, which and to what
        self.fixed = torch.zeros(len(self.start), dtype=torch.bool, device=self.device)
        self.integers = torch.from_numpy(self.start).float().to(self.device)
        self.shifts = np.zeros(len(self.layout.tensors), np.int64)  # of the steps of differences to the start
        self.turning: np.ndarray | None = None  # how much turns on each integer, once that was looked at
        self.iteration, self.log = 0, list[dict[str, float]]()

    def run(self, say: Callable[[Progress], None] | None = None) -> Best:
        """All iterations; KeyboardInterrupt goes to the caller, who may `hurry` and run on, or ask for `best()`."""
        began = time.monotonic() - (self.log[-1]["seconds"] if self.log else 0.0)
        while self.iteration < self.pace.iterations:
            self._descend(self.pace.at(self.iteration))
            self.iteration += 1
            if self.iteration % _REPORTED == 0 or self.iteration == self.pace.iterations:
                self._report(time.monotonic() - began, say)
        return self.best()

    def hurry(self) -> float:
        """Let it end soon, for who has no more time; seconds that `run` will go on. Rates fall and networks settle meanwhile."""
        self.ended = STOPPED
        if not self.log:
            return 0.0
        each = self.log[-1]["seconds"] / self.log[-1]["iteration"]
        self.pace.finish(self.iteration, max(FEW, min(int(HURRIED_S / each), int(self.iteration * LEFT))))
        return (self.pace.iterations - self.iteration) * each

    def _descend(self, done: float) -> None:
        """One step of everything that descends at this share of the iterations."""
        hard = (done - SOFT) / (1 - SOFT)
        if hard > 0:
            self._settle(int(hard * len(GROUPS)))
            w, values, rate = tensors(self.layout, self.vector()), self.rounded(), HARD * (1 - hard)
        else:
            begun = done / SOFT
            w = tensors(self.layout, self.own * self.scale)
            rate, values = soft_rate(begun), self.softened(begun)
        bits, mse = self.cost(w, values, exact=hard > 0)
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
        """About how many bits unsettled differences will take, differentiable: by their mean magnitude in each tensor."""
        deltas, total = (self.own - self.began) * ~self.fixed, torch.zeros((), device=self.device)
        for tensor in self.layout.tensors:
            step = (FINE if tensor.name in SYNTHESIS else COARSE) / FASTER.get(tensor.name, 1.0)
            total = total + tensor.size * torch.log2(1 + math.e * deltas[tensor.part].abs().mean() / step)
        return total

    def _bits(self, w: Mapping[str, Tensor], values: Mapping[str, Tensor], *, exact: bool = False) -> Tensor:
        total = torch.zeros((), device=self.device)
        for bits in self._each(w, values, exact=exact):
            total = total + bits.sum()
        return total

    def _each(
        self, w: Mapping[str, Tensor], values: Mapping[str, Tensor], *, exact: bool = False, watch: Watch | None = None
    ) -> Iterator[Tensor]:
        """Bits of every value, tile by tile and layer by layer."""
        for number in range(len(self.grid)):
            tile = self.grid[number]
            parts = {name: tile.over(stride) for name, stride in self.strides.items()}
            own = {name: values[name][:, part.rows, part.cols] for name, part in parts.items()}
            for name, (mean8, index) in contexts(self.layout, w, self.base, own, exact=exact, watch=watch).items():
                yield bits_of(own[name], mean8, index)

    def _error(self, w: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> Tensor:
        found = self._colours(w, values)
        if not torch.is_grad_enabled():
            found = (found * 255).add(0.5).floor().clamp(0, 255) / 255
        return (found - self.target).square().mean() * 255**2

    def _colours(self, w: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> Tensor:
        return colours_of(w, self.step, values)[:, :, : self.height, : self.width]

    def rounded(self) -> dict[str, Tensor]:
        """The values as they would be written."""
        return {name: torch.round(own.detach() * UNIT).clamp(-2047, 2047) for name, own in self.layers.items()}

    def vector(self, own: Tensor | None = None) -> Tensor:
        """The networks in units of integers: what is settled, and what still descends; `own` may stand for this picture's."""
        return torch.where(self.fixed, self.integers, (self.own if own is None else own) * self.scale)

    def _report(self, seconds: float, say: Callable[[Progress], None] | None) -> None:
        with torch.no_grad():
            found = *self.cost(tensors(self.layout, self.vector()), self.rounded(), exact=True), self.sent()
        bits, mse, sent = map(float, found)
        bpp, psnr = bits / self.pixels, psnr_db(mse)
        loss = (bits + sent) / self.pixels + self.lambda_ * mse
        if not self.ended and not self.settled and self.pace.idle(self.iteration, loss):
            self.ended = NO_GAIN
            self.pace.finish(self.iteration)
        done, of = self.iteration, self.pace.iterations
        self.log.append({"iteration": done, "bpp": bpp, "psnr_db": psnr, "seconds": seconds})
        if say is not None:
            left = seconds / done * (of - done)
            say(Progress(iteration=done, iterations=of, bpp=bpp, psnr_db=psnr, seconds_left=left))

    def _settle(self, groups: int) -> None:
        """Choose the integers of the first so many groups of tensors."""
        while self.settled < groups:
            group = GROUPS[self.settled]
            if self.turning is None:
                self.turning = self._turning()
            rows = self._turning_in_last_layers() if group == LAST else {}
            before, vector = self._loss(), self.vector().detach().cpu().numpy()
            chosen = [
                self._choose(place, vector[tensor.part], rows.get(tensor.name))
                for place, tensor in enumerate(self.layout.tensors)
                if kind_of(tensor.name) in group
            ]
            if self._loss() > before + SURPRISE * sum(one.lost for one in chosen) + SURPRISING:
                for one in chosen:
                    self._mend(one)
            self.settled += 1

    def _choose(self, place: int, vector: np.ndarray, curve: np.ndarray | None) -> _Chosen:
        """The integers of one tensor, by what turns on each, or on those of each row together (`curve`)."""
        tensor = self.layout.tensors[place]
        assert self.turning is not None
        start, shape = self.start[tensor.part], (tensor.shape[0], -1)
        curvature = self.turning[tensor.part].reshape(shape) if curve is None else without_last(curve)
        wanted = (vector - start).reshape(shape)
        found, shift = cheapest(wanted, curvature)
        moved = np.zeros(0)
        if curve is not None:
            moved = (curve[:, :-1, -1] * (wanted - found)).sum(1) / (curve[:, -1, -1] + 1e-12)
            self._shift_biases(tensor.name, moved)
        self._keep(place, found, shift)
        return _Chosen(place, wanted, found, moved, lost(wanted - found, curvature))

    def _keep(self, place: int, differences: np.ndarray, shift: int) -> None:
        """Let a tensor be settled."""
        tensor, step = self.layout.tensors[place], 1 << shift
        start = self.start[tensor.part]
        most, least = ((bound - start) // step * step for bound in (tensor.limit, step - 1 - tensor.limit))
        integers = start + np.clip(differences.ravel(), least, most)
        self.integers[tensor.part] = torch.from_numpy(integers).float().to(self.device)
        self.fixed[tensor.part], self.shifts[place] = True, shift

    def _mend(self, chosen: _Chosen) -> None:
        """Take the nearest integers instead, where the whole file is smaller for it.

        Where all is flat, slopes vanish, and with them what turns on a weight: then more is lost than was foreseen.
        """
        place, shift = chosen.place, self.shifts[chosen.place]
        tensor = self.layout.tensors[place]
        nearest, before = np.round(chosen.wanted).astype(np.int64), self._loss()
        self._keep(place, nearest, 0)
        self._shift_biases(tensor.name, -chosen.moved)
        if self._loss() + tensor_bits(nearest) >= before + tensor_bits(chosen.found >> shift):
            self._keep(place, chosen.found, shift)
            self._shift_biases(tensor.name, chosen.moved)

    @torch.no_grad()
    def _loss(self) -> float:
        """Bits of the values and what the error is worth, as things are."""
        bits, mse = self.cost(tensors(self.layout, self.vector()), self.rounded(), exact=True)
        return float(bits + self.lambda_ * mse * self.pixels)

    @torch.no_grad()
    def _shift_biases(self, name: str, by: np.ndarray) -> None:
        """Add to the biases of a tensor of the last layers, integers [rows]; nothing, if there are none."""
        if not by.size:
            return
        kind, k = name.rsplit(".", 1)
        (biases,) = (tensor for tensor in self.layout.tensors if tensor.name == f"{kind}_bias")
        first = biases.part.start + int(k) * len(by)
        self.own[first : first + len(by)] += torch.from_numpy(by / biases.scale).to(self.own)

    def _turning(self) -> np.ndarray:
        """What turns on each integer."""
        values = self.rounded()
        return turning(
            self.vector().detach(),
            lambda vector: self._each(tensors(self.layout, vector), values, exact=True),
            lambda vector: self._colours(tensors(self.layout, vector), values),
            2 * self.lambda_ * 255**2 / 3,
            self.generator,
        )

    def _turning_in_last_layers(self) -> dict[str, np.ndarray]:
        """The same of each row of the last layers, by tensor."""
        values = self.rounded()
        return turning_in_last_layers(
            self.vector().detach(),
            lambda vector, watch: self._each(tensors(self.layout, vector), values, exact=True, watch=watch),
        )

    def best(self) -> Best:
        """What there is now, as it would be written."""
        self._settle(len(GROUPS))
        values = self.rounded()
        deltas = (self.integers.cpu().numpy().astype(np.int64) - self.start).astype(np.int32)
        with torch.no_grad():
            bits, mse = self.cost(tensors(self.layout, self.integers), values, exact=True)
        total = float(bits) + coded_bits(self.layout, deltas, self.shifts)
        bands = {name: own.cpu().numpy() for name, own in values.items()}
        bpp, psnr = total / self.pixels, psnr_db(float(mse))
        return Best(bands, (deltas, self.shifts), bpp, psnr, self.log, self.strides, self.iteration, self.ended)


@dataclass(frozen=True)
class _Chosen:
    """A tensor that settled: what was wanted and found of its differences, how far biases moved for it, bits lost as foreseen."""

    place: int
    wanted: np.ndarray
    found: np.ndarray
    moved: np.ndarray
    lost: float


def _soft(x: Tensor, sharp: float) -> Tensor:
    """Soft rounding (Agustsson & Theis 2020, arXiv:2006.09952): the identity at whole numbers and halves."""
    below = torch.floor(x)
    return below + 0.5 * torch.tanh((x - below - 0.5) / sharp) / math.tanh(0.5 / sharp) + 0.5

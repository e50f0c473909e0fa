"""The optimisation of one picture: latents, context networks, gains and post-filter are fitted together, as integers.

Latents are moved by one where the bits of the exact tables, what the tables of others gain or lose, and the pixels together
gain. Last layers follow from second derivatives (newton.py). What else is fitted descends by Adam, for the latents that
are really sent; its differences to the start are quantized before the end, at the step that pays for each tensor, and
descend on as multiples of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calotype.fit import network
from calotype.fit.aim import Aim
from calotype.fit.newton import best_steps
from calotype.fit.pace import Pace
from calotype.fit.weights import PIXELS, best_shifts, coded_bits, tensor_bits
from calotype.model.bundle import Model
from calotype.tiles import Region

__all__ = ["NO_GAIN", "STOPPED", "Best", "Plan", "Progress", "Run"]

NO_GAIN, STOPPED = "nothing more was gained", "stopped by Ctrl-C"

WEIGHT_BITS = 3.0  # of a difference of four integers, about; of ten times as much, three times as many
LEARN_EVERY = 4  # iterations; each of them moves latents
SETTLED = 24  # iterations after which the other tensors of a plan begin to descend
MOVE_AGAIN, LEARN_AGAIN = 6, 24  # iterations, from there on
MOVE_SHARE = 0.2  # of what would gain is moved at once. Neighbours want the same; with 0.6 the loss rose by 3 %
LAST_MOVES = (0.25, 0.2, 0.15, 0.1, 0.1)  # rounds after the last iteration
QUANTIZED_AT = 0.65  # share of the iterations after which differences are multiples of what is sent
LAST = ("out", "base")  # kinds of tensors that `learn` finds


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how boldly.

    iterations     all of them
    network_rate   Adam's step of the networks, in units of a weight of 1
    kinds          of tensors that descend, by the last part of their names or the whole; none: latents and last layers only
    """

    iterations: int
    network_rate: float = 4e-3
    kinds: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a line says while a picture is fitted."""

    iteration: int
    iterations: int
    bpp: float
    psnr_db: float
    seconds_left: float


@dataclass(slots=True)
class Best:
    """The best there is so far: what codec.encode takes as `fitted`.

    bands     integers [c, h, w] of the padded picture      weights   differences to the start, shift of each tensor
    ended     why before all `iterations` of the plan, "" if it did not
    """

    bands: dict[str, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray]
    bpp: float = math.inf
    psnr_db: float = 0.0
    log: list[dict[str, float]] = field(default_factory=list)
    strides: dict[str, int] = field(default_factory=dict)
    iterations: int = 0
    ended: str = ""

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        """What the walk is given of a tile."""
        found = {}
        for name, band in self.bands.items():
            part = tile.over(self.strides[name])
            found[name] = band[:, part.rows, part.cols].astype(np.float32)
        return found


class Run:
    """One picture's fit. `run()` may be interrupted between iterations; `best()` is always there.

    ended   why it ended before all iterations of the plan
    """

    def __init__(self, pixels: np.ndarray, model: Model, rate: int, plan: Plan, device: Any = "cpu") -> None:
        self.model, self.plan, self.pace = model, plan, Pace(plan.iterations)
        self.ended = ""
        self.aim = aim = Aim(pixels, model, rate, device)
        self.layout = aim.layout
        self.values = {name: torch.floor(real + 0.5).clamp(-2047, 2047) for name, real in aim.real.items()}
        self.scale = self._spread([tensor.scale for tensor in self.layout.tensors])
        descends = [
            tensor.name in plan.kinds or (tensor.name[0] == "l" and tensor.name.split(".")[-1] in plan.kinds)
            for tensor in self.layout.tensors
        ]
        self.fitted = self._spread(descends)
        self.own = torch.zeros_like(aim.start, requires_grad=True)  # difference to the start, in weights of 1
        self.unit = torch.ones_like(aim.start)  # differences are multiples of it
        self.lasts = torch.zeros_like(aim.start)  # differences of the last layers
        self.shifts = np.zeros(len(self.layout.tensors), np.int64)
        self.quantized = not plan.kinds
        self.boldness = 1.0  # of moves; halved whenever too many at once made it worse
        self.iteration, self.log = 0, []
        self.generator = torch.Generator(device=device).manual_seed(plan.seed)
        self.optimizer = torch.optim.Adam([self.own], plan.network_rate, betas=(0.9, 0.98), eps=1e-10)

    def _spread(self, of_tensors: Any) -> Tensor:
        """One number a tensor as one an integer."""
        spread = np.repeat(np.asarray(of_tensors, np.float32), [tensor.size for tensor in self.layout.tensors])
        return torch.from_numpy(spread).to(self.aim.device)

    def vector(self) -> Tensor:
        """The networks' integers."""
        steps = network.integers(self.own * self.scale / self.unit, 2 * self.aim.limits)
        return network.integers(self.aim.start + self.lasts + steps * self.unit * self.fitted, self.aim.limits)

    def weights_about(self) -> Tensor:
        """About how many bits the differences that descend will take: what is small stays small."""
        return (self.own * self.scale * self.fitted).abs().mul(0.25).log1p().sum() * WEIGHT_BITS

    def run(self, say: Callable[[Progress], None] | None = None) -> Best:
        """All iterations; KeyboardInterrupt goes to the caller, who may then ask for `best()`."""
        plan, began = self.plan, time.monotonic()
        self.values = self.aim.chosen(self.vector().detach())
        settled = min(SETTLED, plan.iterations // 2) if plan.kinds else plan.iterations
        before = math.inf, self.values, self.lasts, self.shifts
        while self.iteration < self.pace.iterations:
            descends = self.iteration >= settled
            if self.iteration == settled:
                self.learn()
                self.move(LAST_MOVES)
                before = self.total(), self.values, self.lasts, self.shifts
            if not self.quantized and self.pace.at(self.iteration) >= QUANTIZED_AT:
                self.quantize()
            if not descends or self.iteration % MOVE_AGAIN == 0:
                self.move((MOVE_SHARE,))
            if self.iteration % (LEARN_AGAIN if descends else LEARN_EVERY) == LEARN_EVERY - 1:
                self.learn()
            if descends:
                self.descend()
            self.iteration += 1
            if self.iteration % 10 == 0 or self.iteration == self.pace.iterations:
                self._report(time.monotonic() - began, say)
        if not self.quantized:
            self.quantize()
        self.learn()
        self.move(LAST_MOVES)
        if self.total() > before[0]:  # what descended did not pay
            _, self.values, self.lasts, self.shifts = before
            self.fitted = torch.zeros_like(self.fitted)
        return self.best()

    def hurry(self) -> float:
        """Seconds that it takes to end well from here: none, latents are integers at any time."""
        self.ended = STOPPED
        return 0.0

    def total(self) -> float:
        """Bits of the file, and what the error is worth."""
        vector = self.vector().detach()
        with torch.no_grad():
            latents = float(self.aim.loss(self.values, vector)[0]) * self.aim.pixels
        deltas = (vector - self.aim.start).cpu().numpy().astype(np.int64)
        return latents + coded_bits(self.layout, deltas, self.shifts)

    def _report(self, seconds: float, say: Callable[[Progress], None] | None) -> None:
        with torch.no_grad():
            loss, bpp, mse = self.aim.loss(self.values, self.vector())
            sent = self.weights_about() / self.aim.pixels
        if not self.ended and not self.quantized and self.pace.idle(self.iteration, float(loss + sent)):
            self.ended = NO_GAIN
            self.pace.finish(self.iteration)
        psnr, done, of = network.psnr_db(float(mse)), self.iteration, self.pace.iterations
        self.log.append({"iteration": done, "bpp": float(bpp), "psnr_db": psnr, "seconds": seconds})
        if say is not None:
            say(Progress(iteration=done, iterations=of, bpp=float(bpp), psnr_db=psnr,
                         seconds_left=seconds / done * (of - done)))  # fmt: skip

    def move(self, shares: Sequence[float] = LAST_MOVES) -> None:
        """Move latents by one where that gains, in rounds."""
        vector = self.vector().detach()
        for share in shares:
            before = self.values
            self.values = self.aim.moved(before, vector, share * self.boldness, self.generator)
            if all(self.values[name] is before[name] for name in before):
                self.boldness /= 2

    def descend(self) -> None:
        """One step of the networks, for the integers that the latents are."""
        plan, t = self.plan, self.pace.at(self.iteration)
        for group in self.optimizer.param_groups:
            group["lr"] = plan.network_rate * min(1.0, (self.iteration + 1) / 10, 1.6 * (1 - t))
        loss, _, _ = self.aim.loss(self.values, self.vector())
        self.optimizer.zero_grad(set_to_none=True)
        (loss * self.aim.pixels + self.weights_about()).backward()
        self.optimizer.step()

    def quantize(self) -> None:
        """Choose the step of each tensor by what it saves and takes; from now on differences are multiples of it."""

        def cost(deltas: np.ndarray, pixels: bool) -> dict[str, float]:
            changed = self.aim.start + self.lasts + torch.from_numpy(deltas).float().to(self.aim.device)
            vector = network.integers(changed, self.aim.limits)
            if pixels:
                return {PIXELS: self.aim.worth(self.values, vector)}
            return self.aim.of_passes(self.values, vector)

        real = (self.own.detach() * self.scale * self.fitted).cpu().numpy()
        deltas, shifts = best_shifts(self.layout, real, cost)
        chosen = np.array([deltas[tensor.part].any() for tensor in self.layout.tensors])
        self.shifts = np.where(chosen, shifts, self.shifts)
        self.fitted, self.unit = self._spread(chosen), self._spread(np.where(chosen, 2.0**shifts, 1.0))
        self.quantized = True
        with torch.no_grad():
            self.own.copy_(torch.from_numpy(deltas).to(self.aim.device) / self.scale)

    def learn(self) -> None:
        """The last layers of all passes anew, from second derivatives, where the bits of the file fall."""
        active, vector = {}, self.vector().detach()
        with torch.no_grad():
            index = self.aim.tables(self.values, vector, active=active)
        place = {tensor.name: at for at, tensor in enumerate(self.layout.tensors)}
        before, now = self.aim.of_passes(self.values, vector), self.lasts.cpu().numpy().astype(np.int64)
        trial, shifts, cost = now.copy(), self.shifts.copy(), {}
        for name, hidden in active.items():
            level, k = name.split(".")
            mine = [place[f"{name}.{kind}"] for kind in LAST]
            out, base = parts = [self.layout.tensors[one].part for one in mine]
            at = np.concatenate([now[out].reshape(3, -1), now[base].reshape(3, 1)], 1).astype(float)
            found, steps, bits = best_steps(self.aim.slope(self.values[level], index[level], hidden, int(k), at))
            cost[name] = bits - sum(
                tensor_bits(now[part] >> self.shifts[one]) for one, part in zip(mine, parts, strict=True)
            )
            trial[out], trial[base], shifts[mine] = found[:, :-1].ravel(), found[:, -1], steps
        after = self.aim.of_passes(self.values, vector + torch.from_numpy(trial - now).float().to(self.aim.device))
        for name in active:
            if after[name] + cost[name] >= before[name]:
                for one in (place[f"{name}.{kind}"] for kind in LAST):
                    part = self.layout.tensors[one].part
                    trial[part], shifts[one] = now[part], self.shifts[one]
        self.lasts, self.shifts = torch.from_numpy(trial).float().to(self.aim.device), shifts

    def best(self) -> Best:
        """What there is now, as it would be written."""
        if not self.quantized:
            self.quantize()
        deltas = (self.vector().detach() - self.aim.start).cpu().numpy().astype(np.int64)
        unit = np.repeat(2**self.shifts, [tensor.size for tensor in self.layout.tensors])
        deltas = (deltas // unit * unit).astype(np.int32)  # where a limit cut it, a multiple again
        with torch.no_grad():
            sent = self.aim.start + torch.from_numpy(deltas).float().to(self.aim.device)
            _, bpp, mse = self.aim.loss(self.values, sent)
        bits = coded_bits(self.layout, deltas, self.shifts)
        bands = {name: value[0].cpu().numpy() for name, value in self.values.items()}
        strides = {name: self.model.manifest.latents[name].stride for name in bands}
        return Best(bands, (deltas, self.shifts), float(bpp) + bits / self.aim.pixels, network.psnr_db(float(mse)),
                    self.log, strides, self.iteration, self.ended)  # fmt: skip

"""The optimisation of one picture: latents, context networks, gains and post-filter descend together; then integers.

While they descend, rounding is soft and noisy, ever less of both, and networks compute on integers. Then the differences
to the start are quantized tensor by tensor at the step that pays, and last the latents, integers now, are moved by one
wherever the bits of the exact tables and the pixels together gain.
source   Kim et al. 2023 (C3), section 3 and appendix: soft rounding with Kumaraswamy noise
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calotype import colour
from calotype.bespoke import UNIT
from calotype.fit import network
from calotype.fit.weights import best_shifts, coded_bits
from calotype.model.bundle import Model
from calotype.tiles import Grid, Region
from calotype.transforms import of
from calotype.walks.bespoke import Bespoke
from calotype.zoo.bespoke import RELUCTANCE

__all__ = ["Best", "Plan", "Progress", "Run"]

WEIGHT_BITS = 1.4  # for each doubling and a half of a difference, from four integers on
# Rounds of moves by one, before and after weights are quantized: how much of what would gain is moved at once. Neighbours
# want the same; with 0.6 the loss rose by 3 %.
MOVES = (0.25, 0.2, 0.15, 0.1, 0.1)
GAIN_BITS = 0.05  # that a move must gain


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how boldly.

    iterations        all of them
    latent_rate       Adam's step of the latents at the start, in quantizer steps
    network_rate      of the networks, in units of a weight of 1
    networks          False: latents only, with the model's start
    """

    iterations: int
    latent_rate: float = 0.03
    network_rate: float = 1.5e-3
    networks: bool = True
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
    """

    bands: dict[str, np.ndarray]
    weights: tuple[np.ndarray, np.ndarray]
    bpp: float = math.inf
    psnr_db: float = 0.0
    log: list[dict[str, float]] = field(default_factory=list)
    strides: dict[str, int] = field(default_factory=dict)

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        """What the walk is given of a tile."""
        found = {}
        for name, band in self.bands.items():
            part = tile.over(self.strides[name])
            found[name] = band[:, part.rows, part.cols].astype(np.float32)
        return found


class Run:
    """One picture's fit. `run()` may be interrupted between iterations; `best()` is always there."""

    def __init__(self, pixels: np.ndarray, model: Model, rate: int, plan: Plan, device: Any = "cpu") -> None:
        self.model, self.plan, self.rate, self.device = model, plan, rate, device
        self.height, self.width = pixels.shape[:2]
        self.layout = Bespoke(**model.manifest.walk_parameters).layout
        grid = Grid(self.height, self.width, model.manifest.tile_px, model.manifest.align_px)
        whole = Region(0, grid.shape[0], 0, grid.shape[1])
        transform = of(model)
        planes = np.empty((3, *grid.shape), np.float32)
        colour.planes_of(pixels, model.floats("rotation"), unit=UNIT)(whole, planes)
        self.planes = torch.from_numpy(planes)[None].to(device)
        self.closed = network.Closed(model, self.layout, np.array([rate]), device)
        self.real = {
            name: torch.from_numpy(np.array(band)[None]).to(device).requires_grad_()
            for name, band in transform.analysis(pixels, grid, rate, None).latents(whole).items()
        }
        scale = np.repeat([t.scale for t in self.layout.tensors], [t.size for t in self.layout.tensors])
        self.scale = torch.from_numpy(scale).float().to(device)
        self.limits = torch.from_numpy(self.layout.limits).float().to(device)
        self.start = torch.from_numpy(model.table("start")[0].astype(np.float32)).to(device)
        self.own = torch.zeros_like(self.start, requires_grad=True)  # difference to the start, in weights of 1
        self.fixed: tuple[np.ndarray, np.ndarray] | None = None
        self.iteration, self.log = 0, []
        self.generator = torch.Generator(device=device).manual_seed(plan.seed)
        self.latents_of = torch.optim.Adam(list(self.real.values()), plan.latent_rate, betas=(0.9, 0.98))
        self.networks_of = torch.optim.Adam([self.own], plan.network_rate, betas=(0.9, 0.98), eps=1e-10)

    # --- what an iteration looks at --------------------------------------------------------------------------------

    def vector(self) -> Tensor:
        """The networks' integers."""
        if self.fixed is not None:
            return self.start + torch.from_numpy(self.fixed[0]).float().to(self.device)
        return network.integers(self.start + self.own * self.scale, self.limits)

    def loss(self, values: dict[str, Tensor], vector: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(bits a pixel + lambda * mean squared error, bits a pixel, mean squared error) of the latents alone."""
        w = network.tensors(self.layout, vector)
        index = network.contexts(self.layout, w, self.closed.base, values, exact=True)
        bits = sum(network.laplace_bits(values[name], index[name]).sum() for name in index)
        bits = bits + network.low_pass_bits(values["ll"], self.closed.base["ll"]).sum()
        found = network.pixels(self.layout, w, self.closed.inverse, self.closed.step, values)
        mse = network.mean_squared_error(self.planes, found, self.height, self.width)[0]
        bpp = bits / (self.height * self.width)
        return bpp + self.closed.lambdas[0] * mse, bpp, mse

    def weights_about(self) -> Tensor:
        """About how many bits the differences to the start will take: what is small stays small."""
        return (self.own * self.scale).abs().mul(0.25).log1p().sum() * WEIGHT_BITS

    def rounded(self) -> dict[str, Tensor]:
        """Latents as this iteration sees them."""
        t = self.iteration / max(1, self.plan.iterations)
        temperature, power = 0.3 - 0.2 * t, 2.0 + 2 * t  # C3 ends with uniform noise, which needs more iterations
        return {name: _soft(real, temperature, power, self.generator) for name, real in self.real.items()}

    def integers_now(self) -> dict[str, Tensor]:
        """Latents as a file would have them."""
        with torch.no_grad():
            return {name: torch.floor(real + 0.5).clamp(-2047, 2047) for name, real in self.real.items()}

    # --- the course -------------------------------------------------------------------------------------------------

    def run(self, say: Callable[[Progress], None] | None = None) -> Best:
        """All iterations; KeyboardInterrupt goes to the caller, who may then ask for `best()`."""
        plan, began = self.plan, time.monotonic()
        while self.iteration < plan.iterations:
            left = 1 - self.iteration / plan.iterations
            fade = min(1.0, (self.iteration + 1) / 10, 1.6 * left)
            for group in self.latents_of.param_groups:
                group["lr"] = plan.latent_rate * fade
            for group in self.networks_of.param_groups:
                group["lr"] = plan.network_rate * fade
            loss, bpp, mse = self.loss(self.rounded(), self.vector())
            loss = loss + self.weights_about() / (self.height * self.width)
            self.latents_of.zero_grad(set_to_none=True)
            self.networks_of.zero_grad(set_to_none=True)
            (loss * (self.height * self.width)).backward()
            self.latents_of.step()
            if plan.networks:
                self.networks_of.step()
            self.iteration += 1
            if self.iteration % 10 == 0 or self.iteration == plan.iterations:
                seconds = time.monotonic() - began
                left_s = seconds / self.iteration * (plan.iterations - self.iteration)
                psnr = network.psnr_db(float(mse.detach()))
                self.log.append({"iteration": self.iteration, "bpp": float(bpp.detach()), "psnr_db": psnr,
                                 "seconds": seconds})  # fmt: skip
                if say is not None:
                    say(Progress(iteration=self.iteration, iterations=plan.iterations, bpp=float(bpp.detach()),
                                 psnr_db=psnr, seconds_left=left_s))  # fmt: skip
        self.move()
        self.fix()
        self.move()
        return self.best()

    def move(self) -> None:
        """Round the latents, and move them by one where that gains: coordinate descent, all coordinates side by side.

        The change of the distortion is its gradient and the square of the step; that of the bits is the symbol's own.
        What a move does to its neighbours' tables is seen in the next round.
        """
        values, vector = self.integers_now(), self.vector().detach()
        w = network.tensors(self.layout, vector)
        worth = self.closed.lambdas[0] * (self.height * self.width)
        for share in MOVES:
            leaves = {name: value.requires_grad_() for name, value in values.items()}
            found = network.pixels(self.layout, w, self.closed.inverse, self.closed.step, leaves)
            mse = network.mean_squared_error(self.planes, found, self.height, self.width)[0]
            (mse * worth).backward()
            with torch.no_grad():
                index = network.contexts(self.layout, w, self.closed.base, values, exact=True)
                values = {
                    name: self._moved(leaf.detach(), leaf.grad, index.get(name), self.closed.worth[name], share)
                    for name, leaf in leaves.items()
                }
        with torch.no_grad():
            for name, real in self.real.items():
                real.copy_(values[name])

    def _moved(
        self, values: Tensor, gradient: Tensor | None, index: Tensor | None, worth: Tensor, share: float
    ) -> Tensor:
        """Values, a share of those that gain moved by one; `worth`: bits that a squared step is worth."""
        assert gradient is not None
        if index is None:  # the low-pass costs next to nothing
            return values
        best, by, now = (
            torch.full_like(values, -GAIN_BITS),
            torch.zeros_like(values),
            network.laplace_bits(values, index),
        )
        for step in (-1, 1):
            bits = network.laplace_bits(values + step, index) - now
            change = gradient * step + worth / RELUCTANCE + bits
            better = change < best
            best = torch.where(better, change, best)
            by = torch.where(better, float(step), by)
        chosen = torch.rand(values.shape, generator=self.generator, device=values.device) < share
        return (values + by * chosen).clamp(-2047, 2047)

    def fix(self) -> None:
        """Quantize the differences to the start: in each tensor at the step where rate and distortion together pay."""
        values, pixel_count = self.integers_now(), self.height * self.width

        def cost(deltas: np.ndarray) -> float:
            with torch.no_grad():
                vector = self.start + torch.from_numpy(deltas).float().to(self.device)
                return float(self.loss(values, vector.clamp(-self.limits, self.limits))[0]) * pixel_count

        deltas = (self.own.detach() * self.scale).cpu().numpy()
        if not self.plan.networks:
            deltas = np.zeros_like(deltas)
        self.fixed = best_shifts(self.layout, deltas, cost)

    def best(self) -> Best:
        """What there is now, as it would be written."""
        if self.fixed is None:
            self.fix()
        assert self.fixed is not None
        values = self.integers_now()
        with torch.no_grad():
            _, bpp, mse = self.loss(values, self.vector())
        bits = coded_bits(self.layout, *self.fixed)
        bands = {name: value[0].cpu().numpy() for name, value in values.items()}
        strides = {name: self.model.manifest.latents[name].stride for name in bands}
        return Best(bands, self.fixed, float(bpp) + bits / (self.height * self.width), network.psnr_db(float(mse)),
                    self.log, strides)  # fmt: skip


def _soft_round(x: Tensor, temperature: float) -> Tensor:
    """Agustsson and Theis 2020, "Universally quantized neural compression", section 4."""
    whole = torch.floor(x)
    return whole + 0.5 + (0.5 / math.tanh(0.5 / temperature)) * torch.tanh((x - whole - 0.5) / temperature)


def _soft(x: Tensor, temperature: float, power: float, generator: torch.Generator) -> Tensor:
    """Soft rounding, noise of Kumaraswamy's kind around zero (ever narrower), soft rounding."""
    u = torch.rand(x.shape, generator=generator, device=x.device)
    b = (2**power * (power - 1) + 1) / power  # its mode is one half
    noise = (1 - (1 - u) ** (1 / b)) ** (1 / power) - 0.5
    return _soft_round(_soft_round(x, temperature) + noise, temperature)

"""What a fit of one picture aims at: bits and error of integer latents, how both change, and latents that are moved by it.

The course of a fit is loop.py's; networks are network.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from calotype import colour
from calotype.bespoke import UNIT
from calotype.coding.densities import Laplace
from calotype.fit import network
from calotype.fit.newton import Slope
from calotype.model.bundle import Model
from calotype.tiles import Grid, Region
from calotype.transforms import of
from calotype.walks.bespoke import Bespoke, luma_known
from calotype.walks.fitted import CODED, FINE, INDEX_ONE
from calotype.zoo.bespoke import RELUCTANCE

__all__ = ["Aim", "Values"]

Values = Mapping[str, Tensor]  # integers [1, c, h, w] of each band

GAIN_BITS = 0.05  # that a move must gain
FELT = 0.7  # of what a move does to the tables of others is counted: some of it happens to what moves, too


class Aim:
    """A picture at a rate index, padded; `start` and `limits` are vectors of the networks' integers."""

    def __init__(self, pixels: np.ndarray, model: Model, rate: int, device: Any = "cpu") -> None:
        self.height, self.width = pixels.shape[:2]
        self.pixels, self.device = self.height * self.width, device
        self.layout = Bespoke(**model.manifest.walk_parameters).layout
        grid = Grid(self.height, self.width, model.manifest.tile_px, model.manifest.align_px)
        whole = Region(0, grid.shape[0], 0, grid.shape[1])
        planes = np.empty((3, *grid.shape), np.float32)
        colour.planes_of(pixels, model.floats("rotation"), unit=UNIT)(whole, planes)
        self.planes = torch.from_numpy(planes)[None].to(device)
        self.closed = network.Closed(model, self.layout, np.array([rate]), device)
        closed_form = of(model).analysis(pixels, grid, rate, None).latents(whole)
        self.real = {name: torch.from_numpy(np.array(band)[None]).to(device) for name, band in closed_form.items()}
        self.start = torch.from_numpy(model.table("start")[0].astype(np.float32)).to(device)
        self.limits = torch.from_numpy(self.layout.limits).float().to(device)

    def tables(self, values: Values, vector: Tensor, **watched: Any) -> dict[str, Tensor]:
        """Table indices of the bands, exact."""
        w = network.tensors(self.layout, vector)
        return network.contexts(self.layout, w, self.closed.base, values, exact=True, **watched)

    def loss(self, values: Values, vector: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(bits a pixel + lambda * mean squared error, bits a pixel, mean squared error) of the latents alone."""
        index = self.tables(values, vector)
        bits = sum(network.laplace_bits(values[name], index[name]).sum() for name in index)
        bits = bits + network.low_pass_bits(values["ll"], self.closed.base["ll"]).sum()
        mse = self.error(values, vector)
        return bits / self.pixels + self.closed.lambdas[0] * mse, bits / self.pixels, mse

    def error(self, values: Values, vector: Tensor) -> Tensor:
        """Mean squared error."""
        w = network.tensors(self.layout, vector)
        found = network.pixels(self.layout, w, self.closed.inverse, self.closed.step, values)
        return network.mean_squared_error(self.planes, found, self.height, self.width)[0]

    def worth(self, values: Values, vector: Tensor) -> float:
        """Bits of the whole picture that the error is worth."""
        with torch.no_grad():
            return float(self.error(values, vector) * self.closed.lambdas[0]) * self.pixels

    def of_passes(self, values: Values, vector: Tensor) -> dict[str, float]:
        """Bits of the latents by pass, "l6.0" and so on."""
        found = {}
        with torch.no_grad():
            for name, index in self.tables(values, vector).items():
                bits = network.laplace_bits(values[name], index)[0].unflatten(0, (3, 3))
                board = torch.from_numpy(luma_known(*bits.shape[2:])).to(bits.device)
                first = (bits[:, 0] * board).sum()
                parts = (first, bits[:, 0].sum() - first, bits[:, 1].sum(), bits[:, 2].sum())
                found |= {f"{name}.{k}": float(part) for k, part in enumerate(parts)}
        return found

    def slope(self, values: Tensor, index: Tensor, hidden: Tensor, k: int, at: np.ndarray) -> Slope:
        """How the bits of a pass change with its last layer: differences over one table up and down.

        hidden   what the last layer sees, [1, n - 1, h, w]      at   its differences to the start now, [3, n]
        """
        with torch.no_grad():
            mine, tables = values[0, list(CODED[k])], index[0, list(CODED[k])].clamp(2, 62)
            low, mid, high = (network.laplace_bits(mine, tables + step) for step in (-1, 0, 1))
            first, second = 0.5 * (high - low), (high - 2 * mid + low).clamp(min=0)
            if k < 2:
                board = torch.from_numpy(luma_known(*mine.shape[1:]) ^ (k == 1)).to(mine.device)
                first, second = first * board, second * board
            x = torch.cat([hidden[0] / INDEX_ONE, torch.full_like(hidden[0, :1], 1 / FINE)]).flatten(1)
            curve = torch.stack([(x * row) @ x.T for row in second.flatten(1)])
            return Slope(at, (first.flatten(1) @ x.T).double().cpu().numpy(), curve.double().cpu().numpy())

    def chosen(self, vector: Tensor) -> dict[str, Tensor]:
        """Integers from the closed form as `Laplace.quantize` chooses them."""
        with torch.no_grad():
            values = {name: real.sign() * torch.floor(real.abs() + 0.4) for name, real in self.real.items()}
            for _ in range(2):
                for name, index in self.tables(values, vector).items():
                    values[name] = Laplace(None, index).hard(self.real[name], self.closed.worth[name])[0]
            return {name: value.clamp(-2047, 2047) for name, value in values.items()}

    def moved(self, values: Values, vector: Tensor, share: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Values, a share of those that gain moved by one: coordinate descent, all coordinates side by side.

        The change of the distortion is its gradient and the square of the step; that of the bits is the symbol's own, and
        by their gradient what the tables of others gain or lose. Where many moves together cost what each alone would
        gain, the values come back as they were.
        """
        leaves, felt = {name: value.detach().clone().requires_grad_() for name, value in values.items()}, {}
        index = self.tables(values, vector, felt=felt)
        bits = sum(network.laplace_bits(values[name], index[name]).sum() for name in index)
        before = bits + self.error(leaves, vector) * self.closed.lambdas[0] * self.pixels
        before.backward()
        found = dict(values)
        with torch.no_grad():
            for name in index:  # the low-pass costs next to nothing
                by = self._best_moves(values[name], leaves[name].grad, felt[name].grad, index[name], name)
                sampled = torch.rand(by.shape, generator=generator, device=by.device) < share
                found[name] = (values[name] + by * sampled).clamp(-2047, 2047)
            after = sum(self.of_passes(found, vector).values()) + self.worth(found, vector)
        return found if after < float(before.detach()) else dict(values)

    def _best_moves(
        self, values: Tensor, gradient: Tensor | None, others: Tensor | None, index: Tensor, name: str
    ) -> Tensor:
        """-1, 0 or 1 for each."""
        assert gradient is not None
        best, by = torch.full_like(values, -GAIN_BITS), torch.zeros_like(values)
        now, felt = network.laplace_bits(values, index), network.sizes(values, True)
        for step in (-1, 1):
            change = gradient * step + self.closed.worth[name] / RELUCTANCE
            change += network.laplace_bits(values + step, index) - now
            if others is not None:  # None: no network sees these
                change += FELT * others * (network.sizes(values + step, True) - felt)
            better = change < best
            best = torch.where(better, change, best)
            by = torch.where(better, float(step), by)
        return by

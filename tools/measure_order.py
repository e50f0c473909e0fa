#!/usr/bin/env python3
"""What passes cost `bespoke-layers` against raster order: the same fits, each with contexts of another order.

    tools/measure_order.py --data PICTURES [--crops 4] [--side 256] [--iterations 800] [--only ORDER ...]

Crops are of pictures that are held out for validation. Both kinds begin at random networks of the same widths, for one
learned for passes would favour them, and see coarser layers alike. In raster order a value sees 12 or 24 values above and to
the left of it in its own layer and one network tells all of them, as in COOL-CHIC (Ladune et al. 2023, arXiv:2212.05458);
in four passes each has first and last weights of its own. Diagonals are what the recipe has (walks/diagonals.py).
Real numbers throughout, and values rounded at the end.
Writes results/systems/bespoke-layers-order.json and prints the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import RESULTS, centre, pixels_of, table
from torch import Tensor
from torch.nn import functional

from calotype import rates, zoo
from calotype.fit import pointwise
from calotype.fit.layers import SOFT, LayersRun
from calotype.fit.layers_network import SYNTHESIS, bits_of, joined, synthesis_matrices
from calotype.fit.loop import Plan
from calotype.fit.network import psnr_db, tensors
from calotype.fit.soap import Soap
from calotype.fit.start import HELD_OUT
from calotype.model.bundle import Model
from calotype.train import data, design
from calotype.walks import fitted
from calotype.walks.layers_networks import (
    CHROMA,
    INDEX_ONE,
    LOW,
    MEAN_ONE,
    MIX_ONE,
    PER_LOG,
    PHASES,
    SCALES,
    SUM_ONE,
    LayersLayout,
    seen,
)

RASTER = {12: 5, 24: 7}  # values seen, side of the square above and left of which they lie
ORDERS = {  # diagonals of the model, values seen in raster order
    "four passes": (0, None),
    "16 diagonals": (16, None),
    "64 diagonals": (64, None),
    "raster, 12 values": (0, 12),
    "raster, 24 values": (0, 24),
}
ONCE = ("known.2", "known.3", *(f"{kind}.{k}" for kind in ("mean", "index") for k in (1, 2, 3)))  # one pass: no others


@dataclass(frozen=True)
class RasterLayout(LayersLayout):
    """The layout of networks that go from place to place: their first layer sees the upper half of a square."""

    square: int = 5

    @cached_property
    def tensors(self) -> tuple[fitted.Tensor, ...]:
        found: list[fitted.Tensor] = []
        for tensor in LayersLayout(self.width, self.filters, self.chroma, self.chroma_width).tensors:
            name = tensor.name.removeprefix(CHROMA)
            if name in ONCE:
                continue
            shape = (*tensor.shape[:2], self.square, self.square) if name == "known.1" else tensor.shape
            start = found[-1].part.stop if found else 0
            found.append(fitted.Tensor(tensor.name, shape, tensor.limit, tensor.scale, start))
        return tuple(found)


class Ordered(LayersRun):
    """A fit whose networks cost nothing and are never rounded."""

    def sent(self) -> Tensor:
        return torch.zeros((), device=self.device)

    def descended(self, iterations: int) -> tuple[float, float]:
        """Bits of the rounded values and their mean squared error after so many iterations."""
        for at in range(iterations):
            self._descend(SOFT * at / iterations)
        with torch.no_grad():
            bits, mse = self.cost(tensors(self.layout, self.own * self.scale), self.rounded())
        return float(bits), float(mse)

    def parameters(self) -> int:
        """How many numbers tell the tables."""
        return sum(tensor.size for tensor in self.layout.tensors if tensor.name not in SYNTHESIS)


class Raster(Ordered):
    """The same fit in raster order."""

    def __init__(self, pixels: np.ndarray, model: Model, rate: int, plan: Plan, seen_values: int) -> None:
        super().__init__(pixels, model, rate, plan)
        passes, square = self.layout, RASTER[seen_values]
        widths = {name: getattr(passes, name) for name in ("width", "filters", "chroma", "chroma_width", "coarsest")}
        self.layout = RasterLayout(**widths, square=square)
        random, before = np.random.default_rng(plan.seed), passes.named(self.start)
        known = np.zeros((square, square))
        known.flat[: square * square // 2] = 1
        self.known = torch.from_numpy(known).float()
        vector = np.zeros(self.layout.size)
        for tensor in self.layout.tensors:
            one = before.get(tensor.name, np.zeros(tensor.shape))
            if tensor.name.endswith("known.1"):
                inputs = tensor.shape[1] * known.sum()
                one = random.uniform(-1, 1, tensor.shape) / math.sqrt(inputs) * tensor.scale
            vector[tensor.part] = one.ravel()
        scale = np.repeat([t.scale for t in self.layout.tensors], [t.size for t in self.layout.tensors])
        self.scale = torch.from_numpy(scale).float()
        self.own = (torch.from_numpy(vector).float() / self.scale).requires_grad_()
        self.learner = Soap(self.own, _matrices(self.layout))

    def _bits(self, w: Mapping[str, Tensor], values: Mapping[str, Tensor], **_: Any) -> Tensor:
        total = torch.zeros(())
        for net in self.layout.contexts:
            mine = net.of(w)
            for layer in range(self.layout.coarsest, net.finest - 1, -1):
                own, shape = values[f"{net.letter}{layer}"], values[f"{net.letter}{layer}"].shape[1:]
                kernel = mine["known.1"] / SUM_ONE * self.known
                bias = (mine["bias.layer"][layer] + mine["bias.pass"]) / SUM_ONE
                sums = functional.conv2d(seen(own)[None], kernel, padding=len(self.known) // 2)
                if layer == self.layout.coarsest:
                    sums = sums + bias[0][:, None, None]
                else:
                    above = seen(values[f"{net.letter}{layer + 1}"])[None]
                    coarse = functional.conv2d(above, mine["coarse"] / SUM_ONE, bias.flatten(), padding=1)
                    if net.beside:
                        cells = torch.cat([values[f"p{layer}"][:, y::2, x::2] for y, x in PHASES])
                        coarse = coarse + functional.conv2d(seen(cells)[None], mine["beside"] / SUM_ONE)
                    sums = sums + _spread(coarse, net.width)
                shift = self.base[net.row + layer] * (INDEX_ONE / 16) + (1 - LOW * PER_LOG) * INDEX_ONE
                biases = torch.cat([mine["mean_bias"][0], mine["index_bias"][0] + shift])[None]
                told = torch.cat([mine["mean.0"], mine["index.0"]])[None]
                mixing = mine["mix"] / MIX_ONE, mine["mix_bias"] / MIX_ONE
                both = pointwise.mixed(sums.flatten(2), *mixing, told, biases)[0].unflatten(1, shape)
                mean = (both[: net.planes] / MEAN_ONE).clamp(-8 * 2047, 8 * 2047)
                index = (both[net.planes :] / INDEX_ONE).clamp(0, SCALES)
                total = total + bits_of(own, mean, index).sum()
        return total


def _matrices(layout: RasterLayout) -> list[Tensor]:
    """As fit/layers_network.py has them of passes."""
    at = {t.name: torch.arange(t.part.start, t.part.stop).view(t.shape) for t in layout.tensors}
    found = []
    for net in layout.contexts:
        w = net.of(at)
        for k in range(4):
            own = slice(k * net.width, (k + 1) * net.width)
            found.append(joined(w["coarse"][own], *([w["beside"][own]] if net.beside else []), w["bias.pass"][k]))
        told = joined(torch.cat([w["mean.0"], w["index.0"]]), torch.cat([w["mean_bias"][0], w["index_bias"][0]]))
        found += [w["known.1"].flatten(1), told, joined(w["mix"], w["mix_bias"]), w["bias.layer"]]
    return [*found, *synthesis_matrices(at)]


def _spread(parts: Tensor, width: int) -> Tensor:
    """What four sets of weights say of the places of 2x2 cells, at those places: [1, 4 width, h, w] -> [1, width, 2h, 2w]."""
    inverse = [PHASES.index((y, x)) for y in range(2) for x in range(2)]
    sets = parts.unflatten(1, (4, width))[:, inverse]
    return functional.pixel_shuffle(sets.transpose(1, 2).flatten(1, 2), 2)


def _model(diagonals: int) -> Model:
    """One with random networks, of the recipe's size but for the synthesis, which has few filters for all orders."""
    recipe = zoo.recipe("bespoke-layers")
    sizes = {"default": {"diagonals": diagonals, "filters": 16}}
    return design.model_of(dataclasses.replace(recipe, sizes=sizes), [np.zeros((64, 64, 3), np.uint8)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--crops", type=int, default=4)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=800)
    parser.add_argument("--quality", type=float, default=45)
    parser.add_argument("--only", nargs="*", help="these orders; rows of the others stay as they are")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    _, sources = data.split(data.find(chosen.data), HELD_OUT)
    told = RESULTS / "systems" / "bespoke-layers-order.json"
    before = json.loads(told.read_text())["rows"] if chosen.only else []
    rows: list[dict[str, Any]] = [row for row in before if row["order"] not in chosen.only]
    for source in sources[:: max(1, len(sources) // chosen.crops)][: chosen.crops]:
        pixels = centre(pixels_of(source.path), chosen.side, chosen.side)
        for order, (diagonals, values) in ORDERS.items():
            if chosen.only and order not in chosen.only:
                continue
            model, plan = _model(diagonals), Plan(iterations=chosen.iterations)
            began, rate = time.process_time(), rates.index(chosen.quality, model.manifest)
            fit = Raster(pixels, model, rate, plan, values) if values else Ordered(pixels, model, rate, plan)
            bits, mse = fit.descended(chosen.iterations)
            rows.append(
                {
                    "picture": source.path.stem,
                    "order": order,
                    "cost": bits / fit.pixels + fit.lambda_ * mse,
                    "bpp": bits / fit.pixels,
                    "psnr_db": psnr_db(mse),
                    "parameters": fit.parameters(),
                    "cpu_minutes": (time.process_time() - began) / 60,
                }
            )
            print(rows[-1], flush=True)
    said = {"side": chosen.side, "iterations": chosen.iterations, "quality": chosen.quality, "rows": rows}
    told.write_text(json.dumps(said, indent=1) + "\n")
    print(table(("picture", "order", "cost", "bpp", "dB", "numbers"), [
        (row["picture"], row["order"], f"{row['cost']:.4f}", f"{row['bpp']:.4f}", f"{row['psnr_db']:.2f}", row["parameters"])
        for row in rows
    ]))  # fmt: skip


if __name__ == "__main__":
    main()

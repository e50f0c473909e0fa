"""Where fitting starts: networks learned once on many pictures, so that few iterations finish a picture's own.

Run `python -m calotype.fit.start MODEL --data PICTURES -o OUT` on a designed model of the recipe `bespoke`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from calotype import colour, writing
from calotype.bespoke import UNIT
from calotype.errors import FileError
from calotype.fit import network
from calotype.model import bundle
from calotype.model.bundle import Model
from calotype.nets import wavelet
from calotype.tiles import Region
from calotype.train import data
from calotype.walks.bespoke import Bespoke

__all__ = ["crops_of", "learn", "with_rows"]

CROP_PX = 256
HELD_OUT = 0.05  # of the photographs, as in training
_TYPICAL_BPP = (0.1, 0.17, 0.27, 0.42, 0.63, 0.92, 1.3, 1.8, 2.4, 3.1)  # so that every rate counts by its relative gain


def learn(
    model: Model,
    crops: Sequence[np.ndarray],
    *,
    steps: int = 1500,
    batch: int = 4,
    rate: float = 3e-3,
    seed: int = 0,
    exact_from: float = 0.75,
    minutes: float | None = None,
    say: Any = print,
    keep: Any = None,
) -> Model:
    """The model with a start, and bases of its tables, learned on crops uint8 [256, 256, 3] at random rates.

    exact_from   share of the steps after which the networks compute on integers, as the codec does
    minutes      ends there, however few steps were made; the schedule is then one of time
    keep         is given the model as it is, every 100 steps
    """
    layout = Bespoke(**model.manifest.walk_parameters).layout
    names = [f"l{level}" for level in range(layout.levels, 0, -1)] + ["ll"]
    scale = torch.from_numpy(np.repeat([t.scale for t in layout.tensors], [t.size for t in layout.tensors])).float()
    limits = torch.from_numpy(layout.limits).float()
    own = torch.nn.Parameter(torch.from_numpy(model.table("start")[0].copy()).float() / scale)
    bases = torch.nn.ParameterDict(
        {name: torch.nn.Parameter(torch.from_numpy(model.table(f"{name}.base").copy()).float() / 16) for name in names}
    )
    optimiser = torch.optim.Adam(
        [{"params": [own], "lr": rate}, {"params": list(bases.values()), "lr": 5 * rate}], betas=(0.9, 0.98)
    )
    random, anchors = np.random.default_rng(seed), len(bases["ll"])
    planes = _planes(model, crops)
    losses: list[float] = []

    def now() -> Model:
        means = {name: 16 * base.detach() for name, base in bases.items()}
        return _with(model, (own * scale).detach(), means, len(crops), len(losses))

    began = time.monotonic()
    for at in range(steps):
        share = max(at / steps, (time.monotonic() - began) / (60 * minutes) if minutes else 0.0)
        if share >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = (rate if group is optimiser.param_groups[0] else 5 * rate) * min(
                1.0, at / 20, 2.5 * (1 - share)
            )
        chosen = random.integers(0, len(planes), batch)
        rates = random.integers(0, 1024, batch)
        closed = network.Closed(model, layout, rates)
        base = {name: 16 * _between(bases[name], rates)[:, :, None, None] for name in names}
        exact = share >= exact_from
        w = network.tensors(layout, network.integers(own * scale, limits))
        x = planes[chosen]
        with torch.no_grad():
            real = {name: band * closed.gain[name] for name, band in wavelet.analyse(x, layout.levels).items()}
            values = {name: _deadened(band, 0.4) for name, band in real.items()}
            if share > 0.1:
                index = network.contexts(layout, w, base, values, exact=False)
                values |= {name: _chosen(real[name], index[name], closed.worth[name]) for name in index}
        index = network.contexts(layout, w, base, values, exact=exact)
        bits: Tensor = sum(network.laplace_bits(values[name], index[name]).sum((1, 2, 3)) for name in index)  # type: ignore[assignment]
        bits = bits + network.low_pass_bits(values["ll"], base["ll"])
        found = network.pixels(layout, w, closed.inverse, closed.step, values)
        mse = network.mean_squared_error(x, found, CROP_PX, CROP_PX)
        typical = torch.from_numpy(np.interp(rates, np.linspace(0, 1023, anchors), _TYPICAL_BPP)).float()
        loss = ((bits / CROP_PX**2 + closed.lambdas * mse) / typical).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([own, *bases.values()], 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if at % 50 == 49:
            said = f"{at + 1}/{steps} loss {np.mean(losses[-50:]):.4f}, {time.monotonic() - began:.0f} s"
            say(said + (", integers" if exact else ""))
        if keep is not None and at % 100 == 99:
            keep(now())
    return now()


def _planes(model: Model, crops: Sequence[np.ndarray]) -> Tensor:
    whole = np.empty((len(crops), 3, CROP_PX, CROP_PX), np.float32)
    for crop, planes in zip(crops, whole, strict=True):
        colour.planes_of(crop, model.floats("rotation"), unit=UNIT)(Region(0, CROP_PX, 0, CROP_PX), planes)
    return torch.from_numpy(whole)


def _deadened(values: Tensor, offset: float) -> Tensor:
    return values.sign() * torch.floor(values.abs() + offset)


def _chosen(values: Tensor, index: Tensor, worth: Tensor) -> Tensor:
    """Symbols as `Laplace.quantize` chooses them."""
    from calotype.coding.densities import Laplace

    return Laplace(None, index).hard(values, worth)[0]


def _between(anchors: Tensor, rates: np.ndarray) -> Tensor:
    """Rows [n, c] at rate indices, interpolated: [b, c]."""
    lower, weight = np.divmod(rates * (len(anchors) - 1), 1023)
    upper = np.minimum(lower + 1, len(anchors) - 1)
    share = torch.from_numpy(weight / 1023).float()[:, None]
    return anchors[lower] * (1 - share) + anchors[upper] * share


def _with(model: Model, start: Tensor, bases: dict[str, Tensor], pictures: int, steps: int) -> Model:
    def whole(tensor: Tensor) -> np.ndarray:
        return np.floor(tensor.numpy() + 0.5).astype(np.int32)

    layout = Bespoke(**model.manifest.walk_parameters).layout
    rows = {f"{name}.base": np.clip(whole(base), 0, 1008) for name, base in bases.items()}
    rows["start"] = np.clip(whole(start), -layout.limits, layout.limits)[None]
    before = model.manifest.training.get("start", {}).get("steps", 0)  # of the start that this one went on from
    return with_rows(model, rows, {"crops": pictures, "steps": before + steps})


def with_rows(model: Model, rows: dict[str, np.ndarray], said: dict[str, int]) -> Model:
    """The model with some rows in place of its own, and what is `said` of where its start comes from."""
    own = {name.removeprefix("rows/"): array for name, array in model.tables.items() if name.startswith("rows/")}
    training = {**model.manifest.training, "start": said}
    return bundle.build(
        replace(model.manifest, identity="", members={}, training=training), graphs={}, banks=model.banks, rows=own | rows,
        floats=model.decoder_floats, encoder=model.encoder_floats,
    )  # fmt: skip


def crops_of(folder: Path, count: int, seed: int) -> list[np.ndarray]:
    """Crops of the pictures that are not held out for validation (train/data.py), one each, repeatable for a seed."""
    sources, _ = data.split(data.find(folder), HELD_OUT)
    random, crops = np.random.default_rng(seed), []
    for place in random.permutation(len(sources)):
        with Image.open(sources[place].path) as opened:
            if min(opened.size) < CROP_PX:
                continue
            left, top = (int(random.integers(0, side - CROP_PX + 1)) for side in opened.size)
            crops.append(np.asarray(opened.convert("RGB").crop((left, top, left + CROP_PX, top + CROP_PX))))
        if len(crops) == count:
            break
    if not crops:
        raise FileError(folder, f"no picture of {CROP_PX}x{CROP_PX} pixels or more")
    return crops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--minutes", type=float, help="end there, however few steps were made")
    parser.add_argument("--exact-from", type=float, default=0.75, help="0 to go on from a learned start")
    parser.add_argument("--crops", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    crops = crops_of(chosen.data, chosen.crops, chosen.seed)
    torch.set_num_threads(1)

    def keep(model: Model) -> None:
        writing.appear(chosen.output, bundle.write(model), replace=True)

    learned = learn(
        bundle.read(chosen.model), crops, steps=chosen.steps, batch=chosen.batch, rate=chosen.rate, seed=chosen.seed,
        exact_from=chosen.exact_from, minutes=chosen.minutes, keep=keep,
    )  # fmt: skip
    keep(learned)


if __name__ == "__main__":
    main()

"""Where fits in layers start: networks that were fitted to several crops at once, each with values of its own.

    python -m calotype.fit.layers_start MODEL --data PICTURES -o OUT        MODEL is a designed one of `bespoke-layers`

The same for the pyramid's networks is start.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from calotype import writing
from calotype.fit.layers import CLIP, LayersRun, soft_rate
from calotype.fit.layers_network import matrices
from calotype.fit.loop import Plan
from calotype.fit.network import tensors
from calotype.fit.soap import Soap
from calotype.fit.start import crops_of, with_rows
from calotype.model import bundle
from calotype.model.bundle import Model

__all__ = ["learn"]

KEPT = 500
LOWEST, HIGHEST = 150, 900  # rate indices of the crops, evenly spread


def learn(
    model: Model,
    crops: Sequence[np.ndarray],
    *,
    iterations: int = 5000,
    at_once: int = 4,
    seed: int = 0,
    say: Callable[[str], Any] = print,
    keep: Callable[[Model], Any] | None = None,
) -> Model:
    """The model with a start that was fitted to crops, uint8 [h, w, 3], each at a rate of its own; all count by relative cost.

    keep      is given the start as it is by then, every KEPT iterations
    at_once   crops that descend in one iteration, drawn at random; each keeps its values, and how they moved, between them
    """
    random = np.random.default_rng(seed)
    rates = random.permutation(np.linspace(LOWEST, HIGHEST, len(crops)).astype(int))
    each = iterations * min(at_once, len(crops)) // len(crops)
    runs = [
        LayersRun(crop, model, int(rate), Plan(iterations=each, seed=seed + k))
        for k, (crop, rate) in enumerate(zip(crops, rates, strict=True))
    ]
    own = runs[0].own.detach().clone().requires_grad_()
    learner = Soap(own, matrices(runs[0].layout), runs[0].most)
    began, costs = time.monotonic(), np.ones(len(runs))

    def now(iterations: int) -> Model:
        start = runs[0].vector(own).detach().round().cpu().numpy().astype(np.int32)[None]
        return with_rows(model, {"start": start}, {"crops": len(crops), "iterations": iterations})

    for at in range(iterations):
        done = at / iterations
        own.grad = None
        for k in random.choice(len(runs), min(at_once, len(runs)), replace=False):
            run = runs[k]
            bits, mse = run.cost(tensors(run.layout, own * run.scale), run.softened(done))
            cost = bits / run.pixels + run.lambda_ * mse
            run.optimizer.zero_grad(set_to_none=True)
            (cost / cost.detach()).backward()
            run.move_values(soft_rate(done))
            costs[k] = float(cost.detach())
        torch.nn.utils.clip_grad_norm_([own], CLIP)
        learner.step(soft_rate(done))
        if at % 50 == 49:
            say(f"{at + 1}/{iterations} cost {np.exp(np.mean(np.log(costs))):.4f}, {time.monotonic() - began:.0f} s")
        if keep is not None and at % KEPT == KEPT - 1:
            keep(now(at + 1))
    return now(iterations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--iterations", type=int, default=5000)
    parser.add_argument("--crops", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    crops = crops_of(chosen.data, chosen.crops, chosen.seed)

    def keep(learned: Model) -> None:
        writing.appear(chosen.output, bundle.write(learned), replace=True)

    keep(learn(bundle.read(chosen.model), crops, iterations=chosen.iterations, seed=chosen.seed, keep=keep))


if __name__ == "__main__":
    main()

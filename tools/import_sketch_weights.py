#!/usr/bin/env python3
"""Bring the float weights of the first training sketch (8 rate anchors) into the recipe swift (10 anchors).

usage: import_sketch_weights.py START.npz OUT.npz
The two outer anchors are extrapolated: rows linearly in the logarithm of lambda, biases repeated.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
from calotype import zoo
from calotype.walks.features import PARITY


def extrapolated(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([2 * rows[:1] - rows[1:2], rows, 2 * rows[-1:] - rows[-2:-1]])


def repeated(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows[:1], rows, rows[-1:]])


def translated(start: dict[str, np.ndarray], levels: int = 6) -> dict[str, np.ndarray]:
    """The sketch's arrays under the names of train/pyramid_system.py."""
    out: dict[str, np.ndarray] = {"colour": start["CK"]}
    for index, name in [(k, f"l{k + 1}") for k in range(levels)] + [(levels, "ll")]:
        part = slice(9 * index, 9 * index + 9) if name != "ll" else slice(9 * levels, 9 * levels + 3)
        old = "e.ll" if name == "ll" else f"e.lv.{index}"
        for new, key in (("gain", "g"), ("inverse", "gi"), ("scale", "e.s0")):
            out[f"{new}.{name}"] = extrapolated(start[key][:, part])
        out[f"rate.{name}"] = repeated(start[f"{old}.q"])
        places = start[f"{old}.b"]  # [steps, width, 2, 2]
        for step in range(len(places)):
            net, parity = f"context.{name}_step{step}", places[step].reshape(places.shape[1], 4)
            relative = parity[:, 1:] - parity[:, :1]  # the first place is what the bias stands for
            if step == 0:
                out[f"{net}.see.weight"] = relative[:, :, None, None]
                out[f"{net}.see.bias"] = parity[:, 0]
            else:
                centre = np.zeros((len(parity), PARITY, 3, 3), np.float32)
                centre[:, :, 1, 1] = relative
                out[f"{net}.see.weight"] = np.concatenate([start[f"{old}.c.{step - 1}.weight"], centre], 1)
                out[f"{net}.see.bias"] = start[f"{old}.c.{step - 1}.bias"] + parity[:, 0]
            for new, key in (("mix", "m"), ("out", "o")):
                for kind in ("weight", "bias"):
                    out[f"{net}.{new}.{kind}"] = start[f"{old}.{key}.{step}.{kind}"]
        if f"{old}.up.weight" in start:
            for new, key in (("up", "up"), ("spread", "v")):
                for kind in ("weight", "bias"):
                    out[f"context.{name}_lift.{new}.{kind}"] = start[f"{old}.{key}.{kind}"]
        if f"{old}.f.weight" in start:
            own = start[f"{old}.f.weight"]
            none = np.zeros((len(own), PARITY, 3, 3), np.float32)
            out[f"context.{name}_carry.own.weight"] = np.concatenate([own, none], 1)
            out[f"context.{name}_carry.own.bias"] = start[f"{old}.f.bias"]
            for new, key in (("lifted", "fu"), ("first", "r.a"), ("second", "r.b")):
                for kind in ("weight", "bias"):
                    if f"{old}.{key}.{kind}" in start:
                        out[f"context.{name}_carry.{new}.{kind}"] = start[f"{old}.{key}.{kind}"]
    names = {"enter": "a1.c", "first.a": "a2.a", "first.b": "a2.b", "out12": "a3", "down3": "a4", "second.a": "a5.a"}
    names |= {"second.b": "a5.b", "out3": "a6", "down4": "a7", "third.a": "a8.a", "third.b": "a8.b", "out4": "a9"}
    places = {f"branch.{k}": v for k, v in names.items()}
    names = {"enter": "p1.c", "features": "pf", "middle.a": "p2.a", "middle.b": "p2.b", "out": "p3"}
    places |= {f"post.{k}": v for k, v in names.items()}
    for new, key in places.items():
        for kind in ("weight", "bias"):
            out[f"{new}.{kind}"] = start[f"{key}.{kind}"]
    out["branch_rate"], out["post_rate"] = repeated(start["a1.e"]), repeated(start["p1.e"])
    return out


def main() -> None:
    source, target = sys.argv[1:]
    with np.load(source) as file:
        start = {key: file[key].astype(np.float32) for key in file.files}
    system = zoo.recipe("swift").system()
    state = system.state_dict()
    for key, array in translated(start).items():
        if state[key].shape != array.shape:
            raise SystemExit(f"{key}: {array.shape}, wanted {tuple(state[key].shape)}")
        state[key] = torch.from_numpy(array)
    system.load_state_dict(state)
    np.savez_compressed(target, **{key: value.numpy() for key, value in system.state_dict().items()})


if __name__ == "__main__":
    main()

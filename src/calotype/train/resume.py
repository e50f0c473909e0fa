"""Resume files: the whole state of a run, written atomically; and the travelling kind, small enough to be carried.

A state is a dict of plain data and tensors. Files are read with torch's restricted unpickler (tensors and plain types
only), since they may come from elsewhere. What the entries mean is said by `loop.py`, which fills them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calotype.errors import FileError, ModelError

__all__ = ["FORMAT", "averaged", "load", "load_weights", "pack", "save", "take_weights", "unpack"]

FORMAT = 1
PART_BYTES, TOTAL_BYTES = 16 * 2**20, 60 * 2**20
SPARE_BYTES = 2**17  # for what a part's file holds beside its tensors
TRAVEL = "travel-{}.pt"

State = dict[str, Any]


def save(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state`; a kill at any moment leaves the old file or the new one, never half of either."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        torch.save({"format": FORMAT, **state}, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load(path: Path) -> State:
    """Read a resume file. Raises FileError if it is absent, ModelError if it is not one of ours."""
    if not path.is_file():
        raise FileError(path, "no resume file here")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the unpickler stumbles over, the file isn't ours
        raise ModelError("not a resume file", found=path, hint=str(error).splitlines()[0]) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else type(state).__name__
        raise ModelError("a resume file of another format", wanted=FORMAT, found=found)
    return state


def averaged(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights that validation and freezing use: the averaged ones where there are, buffers as they are."""
    return {k: state["average"].get(k, v).to(v.dtype) for k, v in state["system"].items()}


def load_weights(source: Path, which: str = "last") -> dict[str, Tensor]:
    """Weights by name from a run's folder (`which`: last or best), a folder of travelling files, a .pt or an .npz."""
    if source.is_dir():
        if (source / TRAVEL.format(0)).exists() and not (source / f"{which}.pt").exists():
            return averaged(unpack(source))
        return averaged(load(source / f"{which}.pt"))
    if source.suffix == ".npz":
        if not source.is_file():
            raise FileError(source, "no such file")
        with np.load(source, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    return averaged(load(source))


def take_weights(system: nn.Module, weights: Mapping[str, Tensor], *, partial: bool = False) -> dict[str, list[str]]:
    """Copy `weights` into `system` by name.

    partial   take what fits instead of raising ModelError when a name is missing, left over or of another shape; a tensor
              that has grown keeps the old one in its first corner, and its old outputs see nothing of new inputs, so
              that wider convolutions, transposed ones apart, begin as the narrow ones
    returns   {"missing": [...], "left over": [...], "other shape": [...]}
    """
    own = system.state_dict()
    report = {
        "missing": sorted(own.keys() - weights.keys()),
        "left over": sorted(weights.keys() - own.keys()),
        "other shape": [
            f"{n} {tuple(weights[n].shape)} for {tuple(own[n].shape)}"
            for n in sorted(own.keys() & weights.keys())
            if own[n].shape != weights[n].shape
        ],
    }
    if any(report.values()) and not partial:
        said = "; ".join(f"{kind}: {', '.join(names[:6])}" for kind, names in report.items() if names)
        raise ModelError("these weights belong to another system", found=said, hint="--init-partial takes what fits")
    fits = {n: w.to(own[n].dtype) for n, w in weights.items() if n in own and own[n].shape == w.shape}
    grown = {n: _grown(own[n], w) for n, w in weights.items() if n in own and _has_grown(own[n].shape, w.shape)}
    system.load_state_dict({**own, **fits, **grown})
    return report


def _has_grown(now: torch.Size, before: torch.Size) -> bool:
    """Whether it is wider in outputs or inputs, and the same otherwise."""
    if len(now) != len(before) or now == before or now[2:] != before[2:]:
        return False
    return all(n >= b for n, b in zip(now, before, strict=True))


def _grown(now: Tensor, before: Tensor) -> Tensor:
    found, outputs = now.clone(), len(before)
    found[:outputs] = 0
    found[tuple(slice(side) for side in before.shape)] = before.to(now.dtype)
    return found


def pack(state: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write `state` as travelling files: parts of at most 16 MiB, 60 MiB together, moments and average in bfloat16.

    A state too large for that loses its moments first, then the float32 weights beside the average: never the run.
    returns   the files written
    """
    flat = _flat(state)
    for drop in ((), ("moments",), ("moments", "system")):
        small = {}
        for key, value in flat.items():
            kind = key[0]
            if kind == "moments" and kind in drop:
                continue
            if kind == "average" and "system" in drop:
                continue
            if kind == "system" and "system" in drop:
                value = flat.get(("average", *key[1:]), value)
            floats = value.is_floating_point() and value.numel() > 1
            narrow = floats and (kind in ("moments", "average") or "system" in drop)
            small[key] = value.to(torch.bfloat16) if narrow else value
        parts = _parts(small)
        if sum(_bytes(t) for part in parts for *_, t in part) + SPARE_BYTES * len(parts) <= TOTAL_BYTES:
            break
    else:
        raise ModelError("too large to travel, even as bfloat16 weights alone", wanted=f"{TOTAL_BYTES:_} bytes")
    head = {k: v for k, v in state.items() if k not in ("moments", "average", "system")}
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / TRAVEL.format(i) for i in range(len(parts))]
    for i, (path, part) in enumerate(zip(paths, parts, strict=True)):
        row = {"part": i, "parts": len(parts), "step": state["plan"]["step"], "tensors": part}
        save(path, row | {"head": head if i == 0 else {}})
    for old in set(folder.glob(TRAVEL.format("*"))) - set(paths):
        old.unlink()
    return paths


def unpack(folder: Path) -> State:
    """The state of travelling files, moments and average in float32 again. Not bit-exact: bfloat16 was in between."""
    first = load(folder / TRAVEL.format(0))
    rows = list(first["tensors"])
    for i in range(1, first["parts"]):
        part = load(folder / TRAVEL.format(i))
        if (part["step"], part["parts"]) != (first["step"], first["parts"]):
            raise ModelError(
                "travelling files of different moments", wanted=first["step"], found=part["step"], looked=folder
            )
        rows += part["tensors"]
    state: State = {**first["head"], "system": {}, "average": {}, "moments": {}}
    pieces: dict[tuple[str, ...], list[Tensor]] = {}
    shapes: dict[tuple[str, ...], tuple[int, ...]] = {}
    for key, shape, tensor in rows:
        pieces.setdefault(tuple(key), []).append(tensor)
        shapes[tuple(key)] = tuple(shape)
    for key, tensors in pieces.items():
        value = torch.cat([t.reshape(-1) for t in tensors]).reshape(shapes[key])
        value = value.float() if value.dtype == torch.bfloat16 else value
        target = state
        for word in key[:-1]:
            target = target.setdefault(word, {})
        target[key[-1]] = value
    return state


def _flat(state: Mapping[str, Any]) -> dict[tuple[str, ...], Tensor]:
    flat = {("system", name): t for name, t in state["system"].items()}
    flat |= {("average", name): t for name, t in state["average"].items()}
    for player, names in state["moments"].items():
        flat |= {("moments", player, n, kind): t for n, kinds in names.items() for kind, t in kinds.items()}
    return {key: t.detach().cpu().contiguous() for key, t in flat.items()}


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size() + 640  # names, and what the zip keeps for an entry


def _parts(flat: Mapping[tuple[str, ...], Tensor]) -> list[list[tuple[list[str], list[int], Tensor]]]:
    # Filled in order; a tensor that does not fit is cut, so that parts are full and few.
    parts: list[list[tuple[list[str], list[int], Tensor]]] = [[]]
    room = PART_BYTES - SPARE_BYTES
    for key, tensor in flat.items():
        rest = tensor.reshape(-1)
        while True:
            fitting = max(0, room - 640) // rest.element_size()
            if fitting < min(rest.numel(), 1024):
                parts.append([])
                room = PART_BYTES - SPARE_BYTES
                continue
            piece, rest = rest[:fitting].clone(), rest[fitting:]
            parts[-1].append((list(key), list(tensor.shape), piece))
            room -= _bytes(piece)
            if not rest.numel():
                break
    return parts

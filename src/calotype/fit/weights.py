"""Differences to the start become integers that are cheap to send: which step pays for each tensor. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from calotype.coding.counter import Counter
from calotype.walks.fitted import STEPS, Layout, Tensors, code_lengths

__all__ = ["FURTHEST", "PIXELS", "best_shifts", "coded_as", "coded_bits", "groups", "tensor_bits"]

PIXELS = "pixels"  # group of the tensors that change no table
# (shift, what is added before rounding down): half a step would be plain rounding, less is a dead zone.
OPTIONS = ((1, 0.35), (2, 0.35), (2, 0.15), (3, 0.35), (3, 0.15), (4, 0.35))
KINDS = ("out", "mix", "see", "mix_bias", "bias", "base")  # the order in which tensors of a pass are chosen
OF_A_TENSOR = 8.0  # bits of its table and step
FURTHEST = 1023


def groups(layout: Layout) -> list[str]:
    """What a choice is judged by, one name a pass ("l6.0" ... "l1.3"), and the pixels."""
    return [f"l{level}.{k}" for level in range(layout.levels, 0, -1) for k in range(STEPS)] + [PIXELS]


def coded_bits(layout: Tensors, deltas: np.ndarray, shifts: np.ndarray) -> float:
    """Bits of the differences in PICT, by the tables that code them."""
    port = Counter(layout.shapes(), _banks())
    layout.code(port, deltas.astype(np.int64), shifts)
    return float(port.bits[0])


def best_shifts(
    layout: Layout, real: np.ndarray, cost: Callable[[np.ndarray, bool], Mapping[str, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """(deltas int32 [n], shifts int [tensors]): each tensor's step, or none of it, by bits of the whole file.

    From nothing, kind by kind. The tensors of one kind, one a pass, are tried side by side, since each changes
    the tables of its own pass and hardly any other; a tensor stays only if it saves more than it takes.

    real   differences in integers' units, before rounding; of tensors between passes (lift, carry) nothing is sent
    cost   of such deltas: bits of each pass (False), or what the pixels are worth (True); {name as in groups(): bits}
    """
    deltas, shifts = np.zeros(layout.size, np.int64), np.zeros(len(layout.tensors), np.int64)
    for places in _side_by_side(layout, real):
        pixels = _group(layout.tensors[places[0]].name) == PIXELS
        before = cost(deltas, pixels)
        gain, kept = dict.fromkeys(places, 0.0), deltas.copy()
        for shift, rounding in OPTIONS:
            trial = deltas.copy()
            for place in places:
                part = layout.tensors[place].part
                trial[part] = _at(real[part], shift, rounding)
            after = cost(trial, pixels)
            for place in places:
                tensor = layout.tensors[place]
                group, own = _group(tensor.name), trial[tensor.part]
                saved = before[group] - after[group] - tensor_bits(own >> shift)
                if own.any() and saved > gain[place]:
                    gain[place], shifts[place], kept[tensor.part] = saved, shift, own
        deltas = kept
    return deltas.astype(np.int32), shifts


def _side_by_side(layout: Layout, real: np.ndarray) -> list[list[int]]:
    """Places of the tensors that differ: those of a kind together, those of the pixels each for itself."""
    some = [place for place, tensor in enumerate(layout.tensors) if real[tensor.part].any()]
    kind = {place: layout.tensors[place].name.split(".")[-1] for place in some}
    passes = {place for place in some if layout.tensors[place].name.count(".") == 2}
    found = [[place for place in some if place in passes and kind[place] == wanted] for wanted in KINDS]
    return [places for places in found if places] + [
        [place] for place in some if _group(layout.tensors[place].name) == PIXELS
    ]


def _group(name: str) -> str:
    return name.rpartition(".")[0] if name.count(".") == 2 else PIXELS if name[0] != "l" else ""


def tensor_bits(steps: np.ndarray) -> float:
    """About what a tensor of such steps takes in PICT."""
    return coded_as(steps)[0]


def coded_as(steps: np.ndarray) -> tuple[float, np.ndarray]:
    """What `tensor_bits` says, and the bits of every magnitude, 0 to FURTHEST, by the table that suits the tensor best."""
    lengths = code_lengths()
    bits = lengths @ np.bincount(np.minimum(np.abs(steps).ravel(), FURTHEST), minlength=FURTHEST + 1)
    best = int(bits.argmin())
    return (OF_A_TENSOR + float(bits[best]) if steps.any() else 0.0), lengths[best]


def _at(real: np.ndarray, shift: int, rounding: float) -> np.ndarray:
    """Multiples of 2 ** shift."""
    steps = np.floor(np.abs(real) / 2**shift + rounding)
    return (np.sign(real) * steps).astype(np.int64) << shift


def _banks() -> dict:
    from calotype.train.block_contexts import laplace

    global _bank
    if _bank is None:
        _bank = laplace()
    return {"laplace": _bank}


_bank = None

"""Differences to the start become integers that are cheap to send: which step pays for each tensor. NumPy only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calotype.coding.counter import Counter
from calotype.walks.fitted import Layout

__all__ = ["best_shifts", "coded_bits"]

SHIFTS, BIAS_SHIFTS = (2, 3), (1, 3, 5)
SMALL = 64  # tensors of so few integers are biases and bases


def coded_bits(layout: Layout, deltas: np.ndarray, shifts: np.ndarray) -> float:
    """Bits of the differences in PICT, by the tables that code them."""
    port = Counter(layout.shapes(), _banks())
    layout.code(port, deltas.astype(np.int64), shifts)
    return float(port.bits[0])


def best_shifts(layout: Layout, real: np.ndarray, cost: Callable[[np.ndarray], float]) -> tuple[np.ndarray, np.ndarray]:
    """(deltas int32 [n], shifts int [tensors]): each tensor's step, or none of it, by bits of the whole file.

    From nothing, tensor by tensor, the small ones first; each stays only if it saves more than it takes.

    real   differences in integers' units, before rounding
    cost   bits plus worth of distortion of the latents, with such deltas
    """
    deltas, shifts = np.zeros(layout.size, np.int64), np.zeros(len(layout.tensors), np.int64)
    now = cost(deltas) + coded_bits(layout, deltas, shifts)
    for place in sorted(range(len(layout.tensors)), key=lambda place: layout.tensors[place].size):
        tensor = layout.tensors[place]
        for shift in BIAS_SHIFTS if tensor.size <= SMALL else SHIFTS:
            trial, steps = deltas.copy(), shifts.copy()
            trial[tensor.part], steps[place] = _at(real[tensor.part], shift), shift
            if not trial[tensor.part].any():
                continue
            found = cost(trial) + coded_bits(layout, trial, steps)
            if found < now:
                now, deltas, shifts = found, trial, steps
    return deltas.astype(np.int32), shifts


def _at(real: np.ndarray, shift: int) -> np.ndarray:
    """Multiples of 2 ** shift, with a dead zone: what is small is rather not sent."""
    steps = np.abs(real) / 2**shift
    return (np.sign(real) * np.floor(steps + 0.35)).astype(np.int64) << shift


def _banks() -> dict:
    from calotype.train.block_contexts import laplace

    global _bank
    if _bank is None:
        _bank = laplace()
    return {"laplace": _bank}


_bank = None

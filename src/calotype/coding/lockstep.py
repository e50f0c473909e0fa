"""How the symbols of a call lie in lock-step: rows of many streams side by side; no arithmetic of any coder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

__all__ = ["Block", "Plan"]

AT_ONCE = 1 << 16  # symbols arranged at once: two int64 or four float64 arrays of this stay in the second-level cache


@dataclass(frozen=True, slots=True)
class Block:
    """Steps first..last of a call, during which the same rows are active."""

    first: int
    last: int
    rows: int  # the first so many of the plan's rows
    lanes: int  # of them together


class Plan:
    """Rows with the most steps come first, so that those still active are a prefix of the lanes.

    A row's last step may be partial; its free lanes hold a filler, the symbol that changes no state.

    begins   int64 [b], where the symbols of each row begin in the flat array of all rows
    counts   int64 [b], how many each has
    lanes    int64 [b]
    """

    def __init__(self, begins: np.ndarray, counts: np.ndarray, lanes: np.ndarray) -> None:
        self.rows: list[int]
        self.starts: list[int]  # of each row's lanes
        if len(counts) == 1 and counts[0]:  # sorting one row takes as long as some of its steps
            count, width = int(counts[0]), int(lanes[0])
            self.rows, self.starts = [0], [0, width]
            self.begins, self.counts, self.lanes, self.steps = [int(begins[0])], [count], [width], [-(-count // width)]
            return
        steps = -(-counts // lanes)
        order = np.argsort(-steps, kind="stable")[: np.count_nonzero(steps)]
        self.rows = order.tolist()
        self.begins, self.counts, self.lanes, self.steps = (a[order].tolist() for a in (begins, counts, lanes, steps))
        self.starts = [0, *np.cumsum(self.lanes).tolist()]

    def blocks(self) -> Iterator[Block]:
        """All steps, in order."""
        first = 0
        for active in range(len(self.rows), 0, -1):
            lanes, end = self.starts[active], self.steps[active - 1]
            at_once = max(1, AT_ONCE // lanes)
            for at in range(first, end, at_once):
                yield Block(at, min(at + at_once, end), active, lanes)
            first = end

    def arrange(self, block: Block, flat: np.ndarray, out: np.ndarray, filler: int) -> None:
        """Symbols of the flat array -> out [steps, lanes]."""
        for i in range(block.rows):
            lanes, at, begin = self.lanes[i], self.starts[i], self.begins[i]
            full = min(block.last, self.counts[i] // lanes)
            n = full - block.first
            out[:n, at : at + lanes] = flat[begin + block.first * lanes : begin + full * lanes].reshape(n, lanes)
            if full < block.last:
                rest = self.counts[i] - full * lanes
                out[n, at : at + rest] = flat[begin + full * lanes : begin + self.counts[i]]
                out[n, at + rest : at + lanes] = filler

    def collect(self, block: Block, steps: np.ndarray, flat: np.ndarray) -> None:
        """The inverse of `arrange`."""
        for i in range(block.rows):
            lanes, at, begin = self.lanes[i], self.starts[i], self.begins[i]
            full = min(block.last, self.counts[i] // lanes)
            n = full - block.first
            flat[begin + block.first * lanes : begin + full * lanes].reshape(n, lanes)[...] = steps[:n, at : at + lanes]
            if full < block.last:
                rest = self.counts[i] - full * lanes
                flat[begin + full * lanes : begin + self.counts[i]] = steps[n, at : at + rest]

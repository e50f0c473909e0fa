"""Finding the chunks that are whole in a damaged file, by going on at the next one; their meaning is elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from calotype.container import chunks
from calotype.container.chunks import Frame
from calotype.container.layout import ANCILLARY, CRITICAL
from calotype.errors import CalotypeError
from calotype.limits import Limits

__all__ = ["Scan", "scan"]

# Only types that we know are looked for: four letters of any kind are in every second kilobyte of a stream.
_TYPES = re.compile("|".join((*sorted(set(CRITICAL) - {"HEAD"}), *ANCILLARY)).encode("ascii"))
_LENGTH_BYTES = 7


@dataclass(frozen=True, slots=True)
class Scan:
    """What `scan` saw.

    frames       whole chunks in the order of the file, their checks compared, the end chunk left out
    lost         byte ranges (first, after the last) between them
    end_found    whether an end chunk closes the file
    end_intact   whether its hash of the file agrees
    """

    frames: tuple[Frame, ...]
    lost: tuple[tuple[int, int], ...]
    end_found: bool
    end_intact: bool

    def lost_before(self, position: int) -> bool:
        """Whether bytes are lost before this one."""
        return any(start < position for start, _ in self.lost)


def scan(data: memoryview, at: int, limits: Limits) -> Scan:
    """Every whole chunk from byte `at` on. Raises LimitError for too many of them."""
    frames: list[Frame] = []
    lost: list[tuple[int, int]] = []
    # Each false start costs a CRC over what it claims; a file made of false starts must not cost its square.
    budget = 8 * len(data) + 2**20
    end_found = end_intact = False
    while at < len(data):
        found = _whole(data, at, limits)
        if found is None:
            found, budget = _next_whole(data, at, limits, budget)
            lost.append((at, found.start if found else len(data)))
        if found is None:
            break
        at = found.end
        if found.type == "DONE":
            end_found, end_intact = True, chunks.end(data[: found.start]) == bytes(data[found.start : found.end])
            continue
        limits.spend("max_chunks", len(frames) + 3, "chunks of a file")
        frames.append(found)
    return Scan(tuple(frames), tuple(lost), end_found, end_intact)


def _whole(data: memoryview, at: int, limits: Limits) -> Frame | None:
    """The chunk that starts exactly here, if it is whole."""
    try:
        found = chunks.read_frame(data, at, limits)
        if found.type == "DONE":
            return found if found.payload_bytes == 0 and found.end == len(data) else None
        chunks.verify(data, found)
    except CalotypeError:
        return None
    return found


def _next_whole(data: memoryview, after: int, limits: Limits, budget: int) -> tuple[Frame | None, int]:
    """The first whole chunk that starts after byte `after`, and what is left of the budget of bytes."""
    for hit in _TYPES.finditer(data, after + 1):
        for start in range(hit.start() - 1, max(after, hit.start() - _LENGTH_BYTES) - 1, -1):
            try:
                claimed = chunks.read_frame(data, start, limits)
            except CalotypeError:
                continue
            if claimed.payload - 4 != hit.start():
                continue
            budget -= claimed.payload_bytes + 64
            if budget < 0:
                return None, budget
            found = _whole(data, start, limits)
            if found is not None:
                return found, budget
    return None, budget

"""Writing all charts at a level of a codec's dial, and the level that comes nearest to a rate; nothing is decoded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.bench.charts import drawing
from calotype.errors import UsageError

if TYPE_CHECKING:
    from calotype.bench.codecs.protocol import Codec

__all__ = ["TARGET_BPP", "Step", "Written", "find_level", "nearest", "write"]

TARGET_BPP = 0.5
Step = Callable[[str], None]


@dataclass(frozen=True)
class Written:
    """All charts as files of one codec at one level."""

    level: float
    files: dict[str, bytes]
    pixels: int

    @property
    def bpp(self) -> float:
        """Bits per pixel of all charts together."""
        return 8 * sum(map(len, self.files.values())) / self.pixels


def write(codec: Codec, level: float, step: Step | None = None) -> Written:
    """Encode every chart; `step` is called with a few words before each."""
    files, pixels = {}, 0
    for name in drawing.NAMES:
        if step:
            step(f"{codec.title}: writes {name} at {level:g}")
        chart = drawing.draw(name)
        files[name] = codec.encode(chart.pixels, level)
        pixels += math.prod(chart.pixels.shape[:2])
    return Written(level, files, pixels)


def find_level(codec: Codec, target_bpp: float = TARGET_BPP, *, step: Step | None = None) -> tuple[float, float]:
    """The level at which all charts together come nearest to a rate, and that rate (bpp).

    Bisects over `codec.levels`, then three times between the two that enclose the target (dials of whole numbers
    round). A codec that can't come near is taken at its nearest end.
    """
    written = nearest(codec, target_bpp, step)
    return written.level, written.bpp


def nearest(codec: Codec, target_bpp: float = TARGET_BPP, step: Step | None = None) -> Written:
    """`find_level`, with the files at that level."""
    if not target_bpp > 0:
        raise UsageError("target_bpp", value=target_bpp, allowed="above 0")
    known: dict[float, Written] = {}

    def log_rate(level: float) -> float:
        """Logarithm of the rate against the target."""
        if level not in known:
            known[level] = write(codec, level, step)
        return math.log(known[level].bpp / target_bpp)

    low, high = 0, len(codec.levels) - 1  # levels go from the smallest file to the best picture
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if log_rate(codec.levels[middle]) < 0 else (low, middle)
    ends = [codec.levels[low], codec.levels[high]]
    for _ in range(3):
        below, above = map(log_rate, ends)
        if not below < 0 < above or min(-below, above) < _NEAR:
            break
        # Rates are close to exponential in the dial; a step of a tenth at least, so that both ends move.
        share = min(max(below / (below - above), 0.1), 0.9)
        between = ends[0] + share * (ends[1] - ends[0])
        ends[log_rate(between) > 0] = between
    best = min([*known, *ends], key=lambda level: abs(log_rate(level)))
    return known[best]


_NEAR = math.log(1.03)

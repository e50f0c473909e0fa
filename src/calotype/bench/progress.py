"""How far a benchmark is, on standard error: one line that is rewritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections import defaultdict
from typing import IO

from calotype.bench.rows import Row

__all__ = ["Progress", "duration"]

_ON_A_TERMINAL_S, _ELSEWHERE_S = 0.2, 30.0


class Progress:
    """Hears of rows (see runner.run) and says where things stand.

    counts  cells per codec still to come, for a guess at the time that is left
    """

    def __init__(self, counts: dict[str, int], *, quiet: bool = False, stream: IO[str] | None = None) -> None:
        self._left = dict(counts)
        self._stream = stream or sys.stderr
        self._terminal, self._quiet = self._stream.isatty(), quiet
        self._begun = self._said = time.monotonic()
        self._last: dict[str, float] = {}
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._heard, self._failed, self._width = 0, 0, 0

    def __call__(self, row: Row, done: int, total: int, doing: str) -> None:
        """A row more."""
        now, codec = time.monotonic(), row["codec"] or ""
        self._heard += 1
        self._failed += bool(row["error"])
        if codec in self._left:
            self._left[codec] = max(0, self._left[codec] - 1)
        if not row["error"]:
            self._seconds[codec].append(2 * (row["encode_s"] + row["decode_s"]) + 0.3)
        if done < total and now - self._said < (_ON_A_TERMINAL_S if self._terminal else _ELSEWHERE_S):
            return
        self._said = now
        if not self._quiet:
            self._say(done, total, doing, now)

    def finish(self) -> None:
        """Leave the line."""
        if self._terminal and self._heard and not self._quiet:
            self._stream.write("\n")
            self._stream.flush()

    def _say(self, done: int, total: int, doing: str, now: float) -> None:
        left_s = self._left_s(total - done, now)
        failed = f", {self._failed} failed" if self._failed else ""
        said = f"{done}/{total} rows{failed}, {duration(now - self._begun)}"
        said += f", about {duration(left_s)} left: {doing}" if done < total else ""
        if not self._terminal:
            print(f"calotype: {said}", file=self._stream, flush=True)
            return
        width = shutil.get_terminal_size().columns
        bar = "#" * round(20 * done / max(1, total))
        said = f"[{bar:<20}] {said}"[: width - 1]
        self._stream.write("\r" + said.ljust(self._width))
        self._stream.flush()
        self._width = len(said)

    def _left_s(self, left: int, now: float) -> float:
        """What is left, weighed by how long each codec's cells have taken so far, in proportion to the real clock."""
        means = {codec: sum(took) / len(took) for codec, took in self._seconds.items() if took}
        if not means:
            return left * (now - self._begun) / max(1, self._heard)
        usual = sum(means.values()) / len(means)
        worked = sum(sum(took) for took in self._seconds.values())
        ahead = sum(count * means.get(codec, usual) for codec, count in self._left.items())
        return (now - self._begun) * ahead / max(worked, 1e-9)


def duration(seconds: float) -> str:
    """ "45 s", "12 min", "3 h 20 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"

"""How far a run is, on standard error: one line that redraws itself on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from collections import deque
from typing import TextIO

__all__ = ["Progress", "size_of"]

REDRAW_S, PLAIN_S = 0.1, 10.0
RECENT = 50  # outcomes over which the speed of now is measured
BAR = 24  # letters, where there is room
_CLEAR = "\r\x1b[K"


class Progress:
    """Counts what is finished. Only work counts for speed and time left: what is up to date takes none.

    total     files of the run
    work      of them, those that have to be done
    verb      what happens to them: "encode"
    """

    def __init__(self, total: int, work: int, verb: str, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.total, self.work, self.verb = total, work, verb
        self.bytes_in = self.bytes_out = self.finished = self.worked = self.failures = 0
        self._stream = stream or sys.stderr
        self._live = not quiet and self._stream.isatty()
        self._quiet = quiet
        self._begun = self._drawn = time.monotonic()
        self._times: deque[float] = deque([self._begun], maxlen=RECENT)
        self._shown = False

    def add(self, bytes_in: int, bytes_out: int, *, worked: bool, failed: bool = False) -> None:
        """One more file is finished."""
        self.finished += 1
        self.failures += failed
        if worked:
            self.worked += 1
            self._times.append(time.monotonic())
        if not failed:
            self.bytes_in += bytes_in
            self.bytes_out += bytes_out
        self.draw()

    def draw(self) -> None:
        """Show where things stand, if it is time to."""
        now = time.monotonic()
        if self._quiet or now - self._drawn < (REDRAW_S if self._live else PLAIN_S):
            return
        self._drawn = now
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            said = self.said()
            room = min(BAR, width - len(said) - 3)
            full = room * self.finished // max(1, self.total)
            bar = f"[{'#' * full}{'-' * (room - full)}] " if room >= BAR // 3 else ""
            self._stream.write(_CLEAR + (bar + said)[:width])
            self._shown = True
        else:
            self._stream.write(f"calotype: {self.said()}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away, so that something else can be said."""
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._shown = False
            self._drawn = 0.0

    def said(self) -> str:
        """Where things stand, in words."""
        parts = [f"{self.finished:,} of {self.total:,} ({100 * self.finished // max(1, self.total)} %)"]
        if self.failures:
            parts.append(f"{self.failures:,} failed")
        per_second = self.per_second()
        left = self.work - self.worked
        if per_second and left > 0:
            parts += [f"{_rate(per_second)}, {_time(left / per_second)} left"]
        if self.bytes_in:
            parts.append(savings(self.bytes_in, self.bytes_out))
        return "; ".join(parts)

    def per_second(self) -> float:
        """Files a second, of late; 0 while nobody knows."""
        if len(self._times) < 2:
            return 0.0
        seconds = time.monotonic() - self._times[0]
        return (len(self._times) - 1) / seconds if seconds > 0 else 0.0

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._begun


def savings(bytes_in: int, bytes_out: int) -> str:
    """12.3 MB -> 1.2 MB (-90.2 %); the percentage only where something was saved."""
    change = f" (-{100 * (bytes_in - bytes_out) / bytes_in:.1f} %)" if bytes_in > bytes_out else ""
    return f"{size_of(bytes_in)} -> {size_of(bytes_out)}{change}"


def size_of(count: int) -> str:
    """Bytes as people read them: 1 kB = 1000 bytes."""
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{count:,} bytes" if unit == "bytes" else f"{size:.3g} {unit}" if size < 999.5 else f"{size:.0f} {unit}"


def _rate(per_second: float) -> str:
    return f"{per_second:.1f}/s" if per_second >= 1 else f"{60 * per_second:.1f}/min"


def _time(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"

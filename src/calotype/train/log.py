"""What a run says of itself: the JSONL log, the progress line and the curve picture. Needs nothing beyond Pillow."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from PIL import Image, ImageDraw, ImageFont

__all__ = ["Log", "Progress", "draw", "read"]


class Log:
    """A JSONL file with one row per event: "start", "phase", "step", "validation", "note", "end".

    When a run resumes, rows beyond its resume file's step are dropped: they are about to happen again.
    """

    def __init__(self, path: Path, resumed_step: int | None = None) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [] if resumed_step is None else [r for r in read(path) if r.get("step", 0) <= resumed_step]
        beside = path.with_name(path.name + ".part")
        beside.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        beside.replace(path)

    def write(self, event: str, **values: Any) -> None:
        """Append a row; NaN and infinity become null, so that every line is valid JSON."""
        row = {"event": event} | {k: _plain(v) for k, v in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a log; a last line cut by a kill is left out."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


class Progress:
    """One line with a bar and the time left: rewritten on a terminal, repeated every half minute elsewhere."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False) -> None:
        self.stream, self.quiet = stream or sys.stderr, quiet
        self.terminal = self.stream.isatty()
        self.began, self.began_at, self.last = time.monotonic(), None, -math.inf

    def show(self, fraction: float, text: str, left_s: float | None = None) -> None:
        """`fraction` of the work is done; without `left_s` the time left is extrapolated."""
        now = time.monotonic()
        if self.quiet or now - self.last < (0.5 if self.terminal else 30.0):
            return
        self.last = now
        if self.began_at is None:
            self.began_at = fraction
        gone = fraction - self.began_at
        if left_s is None and gone > 0:
            left_s = (now - self.began) / gone * (1 - fraction)
        bar = "#" * int(24 * fraction) + "." * (24 - int(24 * fraction))
        line = f"[{bar}] {100 * fraction:5.1f} %  {text}  left {_clock(left_s)}"
        print(
            f"\r{line}\x1b[K" if self.terminal else line,
            end="" if self.terminal else "\n",
            file=self.stream,
            flush=True,
        )

    def say(self, text: str) -> None:
        """A line that stays."""
        if not self.quiet:
            print(f"\r{text}\x1b[K" if self.terminal else text, file=self.stream, flush=True)


def _clock(seconds: float | None) -> str:
    if seconds is None or not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


INK, GREY, FIRST, LAST = (40, 40, 40), (205, 205, 205), (150, 150, 150), (30, 90, 170)
Points = Sequence[tuple[float, float]]


def draw(rows: Sequence[Mapping[str, Any]], path: Path, title: str = "") -> None:
    """Two panels: the loss over steps, and bpp against PSNR of the first and the last validation.

    rows   a log, as `read` returns it; too few rows leave a panel empty
    """
    steps = [
        (float(r["step"]), float(r["loss"])) for r in rows if r.get("event") == "step" and r.get("loss") is not None
    ]
    curves = [r for r in rows if r.get("event") == "validation"]
    picture = Image.new("RGB", (1200, 520), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((20, 12), title, fill=INK, font=_font(18))
    _panel(pen, (70, 60, 570, 450), [(steps, GREY), (_smooth(steps), LAST)], "step", "loss")
    lines = [([(b, p) for _, b, p in r["curve"]], colour) for r, colour in zip(curves[:1], [FIRST], strict=False)]
    if len(curves) > 1:
        lines.append(([(b, p) for _, b, p in curves[-1]["curve"]], LAST))
    figure = curves[-1].get("relative_rate_percent") if curves else None
    said = "" if figure is None else f"; {figure:+.1f} % against the first validation"
    _panel(pen, (680, 60, 1180, 450), lines, "bpp" + said, "PSNR, dB")
    beside = path.with_name(path.name + ".part")
    picture.save(beside, format="PNG")
    beside.replace(path)


def _font(size: int) -> Any:
    return ImageFont.load_default(size)


def _smooth(points: Points, over: int = 20) -> Points:
    if len(points) < 2:
        return points
    mean, out = points[0][1], []
    for i, (x, y) in enumerate(points):
        mean += (y - mean) / min(i + 1, over)
        out.append((x, mean))
    return out


def _panel(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], lines: Sequence[tuple[Points, Any]], across: str, up: str
) -> None:
    left, top, right, bottom = box
    pen.rectangle(box, outline=INK)
    pen.text((left, bottom + 30), across, fill=INK, font=_font(14))
    pen.text((left, top - 22), up, fill=INK, font=_font(14))
    points = [point for line, _ in lines for point in line if all(map(math.isfinite, point))]
    if not points:
        return
    (x0, x1), (y0, y1) = (_span([p[axis] for p in points]) for axis in (0, 1))
    for value in _ticks(x0, x1):
        x = left + (value - x0) / (x1 - x0) * (right - left)
        pen.line([(x, top), (x, bottom)], fill=GREY)
        pen.text((x, bottom + 8), f"{value:.6g}", fill=INK, font=_font(12), anchor="ma")
    for value in _ticks(y0, y1):
        y = bottom - (value - y0) / (y1 - y0) * (bottom - top)
        pen.line([(left, y), (right, y)], fill=GREY)
        pen.text((left - 8, y), f"{value:.6g}", fill=INK, font=_font(12), anchor="rm")
    for line, colour in lines:
        there = [
            (
                left + (x - x0) / (x1 - x0) * (right - left),
                bottom - (min(max(y, y0), y1) - y0) / (y1 - y0) * (bottom - top),
            )
            for x, y in line
            if math.isfinite(x) and math.isfinite(y)
        ]
        if len(there) > 1:
            pen.line(there, fill=colour, width=2)
        if len(there) <= 16:
            for x, y in there:
                pen.ellipse([x - 3, y - 3, x + 3, y + 3], fill=colour)


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers inside [low, high]."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda m: abs(m * power - rough))
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _span(values: Sequence[float]) -> tuple[float, float]:
    # The loss of the first steps may be a hundred times the rest: a long axis ends at its 98th percentile.
    ordered = sorted(values)
    low, high = ordered[0], ordered[int(0.98 * len(ordered))] if len(ordered) > 100 else ordered[-1]
    high = max(high, low + 1e-6 * max(1.0, abs(low)))
    return low - 0.03 * (high - low), high + 0.03 * (high - low)

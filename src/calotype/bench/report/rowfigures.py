"""Figures with a row for each codec as SVG, wide and narrow: spans between two values, boxes of spreads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from calotype.bench.report.figures import Drawn, opened
from calotype.bench.report.style import Style
from calotype.bench.report.svg import Canvas, Scale, marker, text

__all__ = ["Box", "Span", "boxes", "spans"]


@dataclass(frozen=True, slots=True)
class Span:
    """A row with two values, such as encoding and decoding."""

    name: str
    label: str
    values: tuple[float | None, float | None]
    style: Style
    said: str


@dataclass(frozen=True, slots=True)
class Box:
    """A row with a spread: least, lower quartile, median, upper quartile, most; and the figure of the mean curve."""

    name: str
    label: str
    five: tuple[float, float, float, float, float] | None
    mean: float
    style: Style
    said: str


def spans(
    name: str, rows: Sequence[Span], *, x_title: str, label: str, words: tuple[str, str], log: bool = False
) -> Drawn:
    """A row for each codec with two marks joined by a line: hollow for the first of `words`, filled for the second."""
    known = [value for row in rows for value in row.values if value is not None]
    low, high = (min(known) / 1.3, max(known) * 1.3) if log else (0, max(known) * 1.05)

    def draw(canvas: Canvas) -> str:
        left, upper, right, lower, step = *_rows(canvas, len(rows)), _step(canvas)
        x = Scale(low, high, left, right, log)
        body = [_across(canvas, x, left, upper, lower, x_title)]
        for place, row in enumerate(rows):
            at = upper + (place + 0.5) * step
            body.append(_row_name(canvas, row.label, left, at))
            y = at + _lift(canvas)
            xs = [None if value is None else x(value) for value in row.values]
            here = [value for value in xs if value is not None]
            data = escape(f"{max(here):.1f},{y:.1f},{row.said}".replace("|", "/"))
            body.append(opened(row.name, row.style, True)[:-1] + f' data-p="{data}">')
            if len(here) == 2:
                body.append(f'<path class="line span" d="M{here[0]:.1f} {y:.1f}H{here[1]:.1f}"/>')
            for kind, value in zip(("hollow", "marks"), xs, strict=True):
                if value is not None:
                    body.append(f'<g class="{kind}">{marker("circle", value, y, 1.4)}</g>')
            body.append("</g>")
        return "".join(body)

    return _listed(draw, name, label, len(rows), f"{words[0]} hollow, {words[1]} filled")


def boxes(name: str, rows: Sequence[Box], *, x_title: str, label: str) -> Drawn:
    """A row for each codec: the spread over single pictures, and the figure of the mean curve as a filled mark."""
    known = [value for row in rows for value in (*(row.five or ()), row.mean)]
    low, high = min([*known, 0.0]), max([*known, 0.0])
    pad = 0.04 * ((high - low) or 1)

    def draw(canvas: Canvas) -> str:
        left, upper, right, lower, step = *_rows(canvas, len(rows)), _step(canvas)
        x = Scale(low - pad, high + pad, left, right)
        body = [_across(canvas, x, left, upper, lower, x_title, " %")]
        body.append(f'<path class="zero" d="M{x(0):.1f} {upper}V{lower}"/>')
        for place, row in enumerate(rows):
            at = upper + (place + 0.5) * step
            body.append(_row_name(canvas, row.label, left, at))
            y = at + _lift(canvas)
            data = escape(f"{x(row.mean):.1f},{y:.1f},{row.said}".replace("|", "/"))
            body.append(opened(row.name, row.style, True)[:-1] + f' data-p="{data}">')
            if row.five:
                least, lower_q, median, upper_q, most = (x(value) for value in row.five)
                body.append(f'<path class="line" stroke-width="1.5" d="M{least:.1f} {y:.1f}H{most:.1f}"/>')
                sides = f'x="{lower_q:.1f}" y="{y - 6:.1f}" width="{max(upper_q - lower_q, 1):.1f}" height="12"'
                body.append(f'<rect class="box" {sides} rx="2"/>')
                body.append(f'<path class="line" stroke-width="2" d="M{median:.1f} {y - 6:.1f}V{y + 6:.1f}"/>')
            body.append(f'<g class="marks">{marker("diamond", x(row.mean), y, 1.0)}</g></g>')
        return "".join(body)

    return _listed(draw, name, label, len(rows), "")


# Rows: names stand left of the plot on wide pages and above each row on phones.


def _step(canvas: Canvas) -> int:
    return 25 if canvas.width > 500 else 40


def _lift(canvas: Canvas) -> int:
    return 0 if canvas.width > 500 else 9


def _rows(canvas: Canvas, count: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the plot of so many rows."""
    left = 190 if canvas.width > 500 else 10
    return left, canvas.top, canvas.width - canvas.right, canvas.top + count * _step(canvas)


def _row_name(canvas: Canvas, label: str, left: float, at: float) -> str:
    if canvas.width > 500:
        return text(left - 10, at + 4, label, "row", "end")
    return text(left, at - 5, label, "row")


def _across(canvas: Canvas, x: Scale, left: float, upper: float, lower: float, title: str, suffix: str = "") -> str:
    parts = []
    for value in x.ticks(4 if canvas.width < 500 else 8):
        parts.append(f'<path class="grid" d="M{x(value):.1f} {upper}V{lower}"/>')
        said = f"{value:.6g}".replace("-", "\N{MINUS SIGN}") + suffix
        parts.append(text(x(value), lower + 17, said, "tick", "middle"))
    parts.append(f'<path class="axis" d="M{left} {lower}H{canvas.width - canvas.right}"/>')
    parts.append(text((left + canvas.width - canvas.right) / 2, lower + 38, title, "title", "middle"))
    return "".join(parts)


def _listed(draw: Callable[[Canvas], str], name: str, label: str, count: int, legend: str) -> Drawn:
    found = []
    for kind, width, left in (("wide", 900, 190), ("narrow", 358, 10)):
        canvas = Canvas(f"{name}-{kind[0]}", width, 0, left, 24, 10, 46)
        tall = canvas.top + count * _step(canvas) + canvas.bottom
        canvas = Canvas(f"{name}-{kind[0]}", width, math.ceil(tall), left, 24, 10, 46)
        found.append(canvas.drawing(draw(canvas), label + (f" ({legend})" if legend else ""), kind))
    return found[0], found[1]

"""The figures of the report as SVG, each wide and narrow: curves, bytes at equal quality, scatter, spans, boxes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from calotype.bench.report.style import Style
from calotype.bench.report.svg import Canvas, Scale, axes, marker, spaced, text

__all__ = ["Box", "Dot", "Line", "Span", "boxes", "curves", "scatter", "spans"]


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: points are (x, y, what to say about it); `shown` says whether it is visible before anybody chooses."""

    name: str
    label: str
    points: Sequence[tuple[float, float, str]]
    style: Style
    shown: bool


@dataclass(frozen=True, slots=True)
class Dot:
    """One point of a scatter."""

    name: str
    label: str
    x: float
    y: float
    style: Style
    said: str


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


Drawn = tuple[str, str]


def _both(draw: Callable[[Canvas], str], name: str, label: str, heights: tuple[int, int], side: int) -> Drawn:
    """A figure for wide pages and one for phones."""
    wide = Canvas(f"{name}-w", 900, heights[0], 50, side, 34, 46)
    narrow = Canvas(f"{name}-n", 358, heights[1], 40, 10, 34, 44)
    return wide.drawing(draw(wide), label, "wide"), narrow.drawing(draw(narrow), label, "narrow")


def _open(name: str, style: Style, shown: bool, kind: str = "s") -> str:
    off = "" if shown else " off"
    return f'<g class="{kind}{off}" data-s="{escape(name)}" style="--l:{style.light};--d:{style.dark}">'


def curves(
    name: str,
    lines: Sequence[Line],
    *,
    x_title: str,
    y_title: str,
    label: str,
    suffix: str = "",
    y_range: tuple[float, float] | None = None,
    x_range: tuple[float, float] | None = None,
    log: bool = True,
) -> Drawn:
    """Curves with their names at the right; what is not shown at first is there to be switched on."""
    shown = [line for line in lines if line.shown] or list(lines)
    xs = [x for line in shown for x, _, _ in line.points]
    low, high = x_range or (min(xs), max(xs))
    ys = [y for line in shown for x, y, _ in line.points if low <= x <= high]
    bottom, top = y_range or (min(ys), max(ys))
    pad = 0 if y_range else 0.03 * (top - bottom)

    def draw(canvas: Canvas) -> str:
        left, upper, right, lower = canvas.plot
        x = Scale(low, high, left, right, log)
        y = Scale(bottom - pad, top + pad, lower, upper)
        body = [axes(canvas, x, y, x_title, y_title, suffix), f'<g clip-path="url(#clip-{canvas.name})">']
        ends: dict[str, float] = {}
        for line in sorted(lines, key=lambda line: line.style.width):
            places = [(x(a), y(b), said) for a, b, said in line.points]
            data = "|".join(f"{a:.1f},{b:.1f},{said}" for a, b, said in places)
            path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b, _ in places)
            body.append(_open(line.name, line.style, line.shown)[:-1] + f' data-p="{escape(data)}">')
            dash = f' stroke-dasharray="{line.style.dash}"' if line.style.dash else ""
            body.append(f'<path class="line" d="{path}" stroke-width="{line.style.width}"{dash}/>')
            if len(places) < 20:
                body.append('<g class="marks">')
                body += [marker(line.style.marker, a, b, 0.9) for a, b, _ in places]
                body.append("</g>")
            body.append("</g>")
            ends[line.name] = _end(places, right, upper, lower)
        body.append("</g>")
        if canvas.width > 500:
            body.append(_end_labels(lines, ends, right, upper, lower))
        return "".join(body)

    return _both(draw, name, label, (520, 400), 178)


def _end(places: Sequence[tuple[float, float, str]], right: float, upper: float, lower: float) -> float:
    """Where a curve leaves the plot, as a height."""
    (x, y, _), *_ = reversed(places)
    for (x0, y0, _), (x1, y1, _) in zip(places, places[1:], strict=False):
        if x0 <= right < x1:
            y = y0 + (right - x0) / (x1 - x0) * (y1 - y0)
    return min(max(y, upper), lower)


def _end_labels(lines: Sequence[Line], ends: dict[str, float], right: float, upper: float, lower: float) -> str:
    """Names at the right of the plot, kept off each other; a script moves them when curves come and go."""
    visible = [line for line in lines if line.shown]
    moved = dict(
        zip(
            [line.name for line in visible],
            spaced([ends[line.name] for line in visible], 15, upper, lower),
            strict=True,
        )
    )
    body = [f'<g class="ends" data-low="{upper}" data-high="{lower}">']
    for line in lines:
        at = moved.get(line.name, ends[line.name])
        off = "" if line.shown else " off"
        body.append(
            f'<text class="end s{off}" data-s="{escape(line.name)}" data-y="{ends[line.name]:.1f}" '
            f'style="--l:{line.style.light};--d:{line.style.dark}" x="{right + 8}" y="{at + 4:.1f}">{escape(line.label)}</text>'
        )
    return "".join(body) + "</g>"


def scatter(name: str, dots: Sequence[Dot], *, x_title: str, y_title: str, label: str, front: Sequence[str]) -> Drawn:
    """Points with names; those of `front` are joined by a line. The upright axis grows downwards: less is better."""
    xs, ys = [dot.x for dot in dots], [dot.y for dot in dots]
    spread = (max(ys) - min(ys)) or 1
    low, high = min(xs) / 1.6, max(xs) * 1.6

    def draw(canvas: Canvas) -> str:
        left, upper, right, lower = canvas.plot
        x = Scale(low, high, left, right, log=True)
        y = Scale(min(ys) - 0.09 * spread, max(ys) + 0.09 * spread, upper, lower)
        body = [axes(canvas, x, y, x_title, y_title, " %")]
        joined = sorted((dot for dot in dots if dot.name in front), key=lambda dot: dot.x)
        steps = [f"{x(dot.x):.1f} {y(dot.y):.1f}" for dot in joined]
        if len(steps) > 1:
            body.append(f'<path class="front" d="M{"L".join(steps)}"/>')
        taken = [(x(dot.x) - 6, y(dot.y) - 6, x(dot.x) + 6, y(dot.y) + 6) for dot in dots]
        for dot in sorted(dots, key=lambda dot: dot.name not in front):
            at, up = x(dot.x), y(dot.y)
            data = escape(f"{at:.1f},{up:.1f},{dot.said}")
            body.append(_open(dot.name, dot.style, True)[:-1] + f' data-p="{data}">')
            body.append(f'<g class="marks">{marker(dot.style.marker, at, up, 1.35)}</g>')
            body.append(_placed(dot, at, up, taken, canvas, dot.name in front))
            body.append("</g>")
        return "".join(body)

    return _both(draw, name, label, (430, 400), 20)


def _placed(
    dot: Dot, x: float, y: float, taken: list[tuple[float, float, float, float]], canvas: Canvas, bold: bool
) -> str:
    """The name of a point where nothing else stands, or not at all where there is no room (pointing at it tells it)."""
    left, upper, right, lower = canvas.plot
    size = 6.9 * len(dot.label) + 2
    for dx, dy, anchor in (
        (9, 4, "start"),
        (-9, 4, "end"),
        (0, -10, "middle"),
        (0, 18, "middle"),
        (9, -8, "start"),
        (-9, -8, "end"),
        (9, 15, "start"),
        (-9, 15, "end"),
    ):
        start = x + dx - {"start": 0, "middle": size / 2, "end": size}[anchor]
        box = (start, y + dy - 11, start + size, y + dy + 3)
        if box[0] < left or box[2] > right + 4 or box[1] < upper - 6 or box[3] > lower + 4:
            continue
        if all(box[0] > t[2] or box[2] < t[0] or box[1] > t[3] or box[3] < t[1] for t in taken):
            taken.append(box)
            return text(x + dx, y + dy, dot.label, "name" + (" strong" if bold else ""), anchor)
    return ""


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
            xs = [None if value is None else x(value) for value in row.values]
            here = [value for value in xs if value is not None]
            data = escape(f"{max(here):.1f},{at + _lift(canvas):.1f},{row.said}")
            body.append(_open(row.name, row.style, True)[:-1] + f' data-p="{data}">')
            if len(here) == 2:
                body.append(
                    f'<path class="line" stroke-width="3" opacity=".35" d="M{here[0]:.1f} {at + _lift(canvas):.1f}H{here[1]:.1f}"/>'
                )
            for kind, value in zip(("hollow", "marks"), xs, strict=True):
                if value is not None:
                    body.append(f'<g class="{kind}">{marker("circle", value, at + _lift(canvas), 1.4)}</g>')
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
            data = escape(f"{x(row.mean):.1f},{y:.1f},{row.said}")
            body.append(_open(row.name, row.style, True)[:-1] + f' data-p="{data}">')
            if row.five:
                least, lower_q, median, upper_q, most = (x(value) for value in row.five)
                body.append(f'<path class="line" stroke-width="1.5" d="M{least:.1f} {y:.1f}H{most:.1f}"/>')
                body.append(
                    f'<rect class="box" x="{lower_q:.1f}" y="{y - 6:.1f}" width="{max(upper_q - lower_q, 1):.1f}" height="12" rx="2"/>'
                )
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

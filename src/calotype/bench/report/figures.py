"""Figures with two axes as SVG, each wide and narrow: curves and scatter. Lists of codecs are in rowfigures.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from calotype.bench.report.style import Style
from calotype.bench.report.svg import Canvas, Scale, axes, marker, spaced, text

__all__ = ["Dot", "Drawn", "Line", "curves", "opened", "scatter"]


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


Drawn = tuple[str, str]


def _both(draw: Callable[[Canvas], str], name: str, label: str, heights: tuple[int, int], side: int) -> Drawn:
    """A figure for wide pages and one for phones."""
    wide = Canvas(f"{name}-w", 900, heights[0], 50, side, 34, 46)
    narrow = Canvas(f"{name}-n", 358, heights[1], 50, 10, 34, 44)
    return wide.drawing(draw(wide), label, "wide"), narrow.drawing(draw(narrow), label, "narrow")


def opened(name: str, style: Style, shown: bool, kind: str = "s") -> str:
    """The tag that opens a group of marks of one codec."""
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
    ys = [y for line in shown for x, y, _ in line.points if low <= x <= high] or [
        y for line in shown for _, y, _ in line.points
    ]
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
            data = "|".join(f"{a:.1f},{b:.1f},{said.replace('|', '/')}" for a, b, said in places)
            path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b, _ in places)
            body.append(opened(line.name, line.style, line.shown)[:-1] + f' data-p="{escape(data)}">')
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
    y = places[-1][1]
    for (x0, y0, _), (x1, y1, _) in pairwise(places):
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
            data = escape(f"{at:.1f},{up:.1f},{dot.said}".replace("|", "/"))
            body.append(opened(dot.name, dot.style, True)[:-1] + f' data-p="{data}">')
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

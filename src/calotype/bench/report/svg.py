"""Drawing in SVG: scales, axes, markers, and labels that keep off each other; no codec and no metric is known here.

Colours are CSS variables, so that one drawing serves light and dark; a curve carries its points as data, so that a
script may point at them, but is complete without one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Canvas", "Scale", "axes", "marker", "spaced", "text"]


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels: [low, high] onto [start, end], linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        at = math.log(max(value, 1e-12)) if self.log else value
        return self.start + (at - low) / ((high - low) or 1) * (self.end - self.start)

    def ticks(self, wanted: int = 6) -> list[float]:
        """Round values within the range."""
        if self.log:
            steps = (1, 2, 5) if math.log10(self.high / self.low) < 3.2 else (1,)
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [step * 10.0**power for power in powers for step in steps]
        else:
            rough = (self.high - self.low) / wanted or 1
            power = 10 ** math.floor(math.log10(rough))
            step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough)
            found = [i * step for i in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]
        return [value for value in found if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9) or value == 0]


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of a drawing and the margins around its plot, in pixels; `name` makes its ids unique."""

    name: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def plot(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the plot."""
        return self.left, self.top, self.width - self.right, self.height - self.bottom

    def drawing(self, body: str, label: str, kind: str = "") -> str:
        """The whole element; `label` is read to those who can't see it."""
        left, top, right, bottom = self.plot
        return (
            f'<svg class="chart {kind}" viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(label)}">'
            f'<clipPath id="clip-{self.name}"><rect x="{left}" y="{top - 4}" width="{right - left}" '
            f'height="{bottom - top + 8}"/></clipPath>{body}</svg>'
        )


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start", more: str = "") -> str:
    """A line of text; anchor: start, middle, end."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        + (f' class="{kind}"' if kind else "")
        + f"{more}>{escape(said)}</text>"
    )


def axes(canvas: Canvas, x: Scale | None, y: Scale | None, x_title: str, y_title: str, suffix: str = "") -> str:
    """Grid lines, tick labels and the titles of both axes; the title of the upright one stands above it."""
    left, top, right, bottom = canvas.plot
    parts = []
    for value in y.ticks(6) if y else ():
        at = y(value) if y else 0
        parts.append(f'<path class="grid" d="M{left} {at:.1f}H{right}"/>')
        parts.append(text(left - 7, at + 4, _said(value) + suffix, "tick", "end"))
    for value in x.ticks(5 if canvas.width < 500 else 8) if x else ():
        at = x(value) if x else 0
        parts.append(f'<path class="grid" d="M{at:.1f} {top}V{bottom}"/>')
        parts.append(text(at, bottom + 17, _said(value), "tick", "middle"))
    parts.append(f'<path class="axis" d="M{left} {bottom}H{right}"/>')
    short = x_title.split(" (")[0] if canvas.width < 500 else x_title
    parts.append(text((left + right) / 2, canvas.height - 5, short, "title", "middle"))
    parts.append(text(4 if canvas.width < 500 else left - 40, top - 12, y_title, "title"))
    return "".join(parts)


def _said(value: float) -> str:
    """A tick: no more digits than it needs, a true minus sign."""
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


_SHAPES = {
    "square": "M-3.4-3.4h6.8v6.8h-6.8z",
    "triangle": "M0-4.4L4.2 3.4H-4.2z",
    "down": "M0 4.4L4.2-3.4H-4.2z",
    "diamond": "M0-4.8L4.8 0L0 4.8L-4.8 0z",
    "hexagon": "M-4.2 0L-2.1-3.8H2.1L4.2 0L2.1 3.8H-2.1z",
    "bar": "M-1.8-4.6h3.6v9.2h-3.6z",
    "plus": "M-1.3-4.4h2.6v3.1h3.1v2.6h-3.1v3.1h-2.6v-3.1h-3.1v-2.6h3.1z",
    "cross": "M-4-2.4L-2.4-4L0-1.6L2.4-4L4-2.4L1.6 0L4 2.4L2.4 4L0 1.6L-2.4 4L-4 2.4L-1.6 0z",
}


def marker(kind: str, x: float, y: float, scale: float = 1.0) -> str:
    """A mark of about eight pixels; "none" is none."""
    if kind == "none":
        return ""
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3.8 * scale:.1f}"/>'
    grown = f" scale({scale:g})" if scale != 1 else ""
    return f'<path transform="translate({x:.1f} {y:.1f}){grown}" d="{_SHAPES[kind]}"/>'


def spaced(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places of labels, moved apart as little as needed so that they are `gap` from each other, within [low, high]."""
    order = sorted(range(len(places)), key=places.__getitem__)
    groups: list[list[float]] = []  # [sum of wished starts, number]
    for rank, i in enumerate(order):
        groups.append([places[i] - rank * gap, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    starts = [total / count for total, count in groups for _ in range(int(count))]
    room = high - low - gap * (len(places) - 1)
    starts = [min(max(start, low), low + max(room, 0)) for start in starts]
    found = [0.0] * len(places)
    for rank, i in enumerate(order):
        found[i] = starts[rank] + rank * gap
    return found

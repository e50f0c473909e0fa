"""Pieces of HTML that sections are made of: a section, tabs that work without a script, a figure; no figures, no words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from calotype.bench.report.figures import Line
from calotype.bench.report.style import Style
from calotype.bench.report.svg import marker

__all__ = ["figure", "key", "section", "swatch", "tabs"]


def section(name: str, eyebrow: str, title: str, body: str) -> str:
    """A section with its name in the address, what it is about, and a title that says what was found."""
    return f'<section id="{name}"><p class="eyebrow">{escape(eyebrow)}</p><h2>{escape(title)}</h2>{body}</section>'


def tabs(name: str, panels: Sequence[tuple[str, str]]) -> str:
    """Panels of which one is seen; plain HTML, so it works without a script. A single one needs no choice."""
    if len(panels) == 1:
        return panels[0][1]
    heads = "".join(
        f'<input type="radio" name="{name}" id="{name}-{place}"{" checked" if place == 0 else ""}>'
        f'<label for="{name}-{place}">{escape(title)}</label>'
        for place, (title, _) in enumerate(panels)
    )
    return f'<div class="tabs">{heads}{"".join(f"<div class=panel>{body}</div>" for _, body in panels)}</div>'


def figure(drawn: tuple[str, str], caption: str) -> str:
    """A drawing for wide pages, the one for phones, and what to see in it."""
    return f"<figure>{drawn[0]}{drawn[1]}<figcaption>{escape(caption)}</figcaption></figure>"


def swatch(look: Style) -> str:
    """A piece of a curve as it is drawn."""
    dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
    return (
        f'<svg class="s" style="--l:{look.light};--d:{look.dark}" viewBox="0 0 34 12" aria-hidden="true">'
        f'<path d="M1 6H33" stroke-width="{look.width}"{dash}/>'
        f'<g class="marks">{marker(look.marker, 17, 6, 0.9)}</g></svg>'
    )


def key(lines: Sequence[Line]) -> str:
    """Which curve is which, for pages too narrow to name them beside the curves."""
    return (
        '<p class="key">' + "".join(f"<span>{swatch(line.style)}{escape(line.label)}</span>" for line in lines) + "</p>"
    )

"""How a curve looks: colour by family, dash within it, marker by family; colour never carries a meaning alone.

The colours keep apart for the common kinds of colour blindness, on light and on dark ground; the lighter of each pair
is for dark ground.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from calotype.bench.anchors import Curve
from calotype.bench.report.curves import Codec

__all__ = ["COLOURS", "DASHES", "Style", "short", "styles"]

# Family: (on light ground, on dark ground, marker).
FAMILIES = {
    "calotype": ("#c8450b", "#ff9152", "circle"),
    "avif": ("#0064b0", "#62b6f7", "square"),
    "jpeg": ("#56524c", "#bdb6ad", "triangle"),
    "webp": ("#00785a", "#45d0a2", "diamond"),
    "jpegxl": ("#a62b70", "#f48fc6", "down"),
    "heic": ("#5a48bd", "#aea1ff", "hexagon"),
    "vvc": ("#7b5d00", "#e2c056", "cross"),
    "jpeg2000": ("#0a7a86", "#55d3dd", "plus"),
    "jpegxr": ("#84502c", "#d6a57e", "bar"),
}
SAME = {
    "jxl": "jpegxl",
    "jpeg-xl": "jpegxl",
    "hevc": "heic",
    "jp2": "jpeg2000",
    "jpeg-2000": "jpeg2000",
    "jxr": "jpegxr",
}
PUBLISHED = ("#8a857d", "#938d85")
_SPARE = (("#2f6b1f", "#9fd98a"), ("#9b2226", "#ff8f8f"), ("#39527a", "#9db7e0"), ("#6b3d7a", "#d3a6e4"))
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 4", "12 3", "6 2 1 2 1 2")
_MARKERS = ("circle", "square", "triangle", "diamond", "down", "hexagon", "plus", "cross", "bar")

COLOURS = {name: pair[:2] for name, pair in FAMILIES.items()}


@dataclass(frozen=True, slots=True)
class Style:
    """Of one curve: colours on light and on dark ground, dash pattern in pixels, marker, width in pixels."""

    light: str
    dark: str
    dash: str
    marker: str
    width: float


def styles(codecs: Iterable[Codec], published: Iterable[Curve]) -> dict[str, Style]:
    """A style for each name; the same family keeps its colour from report to report."""
    found: dict[str, Style] = {}
    seen: dict[str, int] = {}
    spare: dict[str, tuple[str, str]] = {}
    for codec in codecs:
        family = SAME.get(codec.family, codec.family)
        if family in FAMILIES:
            light, dark, marker = FAMILIES[family]
        else:
            light, dark = spare.setdefault(family, _SPARE[len(spare) % len(_SPARE)])
            marker = _MARKERS[len(spare) % len(_MARKERS)]
        place = seen[family] = seen.get(family, -1) + 1
        width = 2.6 if family == "calotype" else 1.8
        found[codec.name] = Style(light, dark, DASHES[place % len(DASHES)], marker, width)
    for place, curve in enumerate(published):
        found[curve.name] = Style(*PUBLISHED, DASHES[1 + place % (len(DASHES) - 1)], "none", 1.4)
    return found


def short(name: str, title: str, longest: int = 26) -> str:
    """What stands beside a curve: the title where it is short enough, or the name on the command line."""
    return title if len(title) <= longest else name

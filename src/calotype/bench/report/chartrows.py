"""The section about the charts of open problems: stripes in flat regions, detail that turns into other detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calotype.bench.report import figures
from calotype.bench.report.figures import Line
from calotype.bench.report.markup import figure, key, section
from calotype.bench.report.study import Study
from calotype.bench.report.style import short, styles
from calotype.bench.report.tables import table

__all__ = ["charts"]

_MINUS = "\N{MINUS SIGN}"


def charts(study: Study) -> str:
    """A table of each index, and who stays within the limits that docs/charts.md sets."""
    rows = [row for row in study.measured.charts if row.get("striped_region") and row.get("aliasing")]
    if not rows:
        return ""
    calm = [row for row in rows if row["striped_region"]["within"] == row["striped_region"]["charts"]]
    true = [row for row in rows if row["aliasing"]["within"]]
    title = (
        f"Flat regions stay free of stripes in {len(calm)} of {len(rows)} codecs, "
        f"detail comes back as itself in {len(true)} of {len(rows)}"
    )
    body = (
        '<p class="lead">Synthetic pictures, each codec at the level nearest to 0.5 bits per pixel. '
        "Definitions and limits: docs/charts.md.</p>"
        "<h3>Stripes in flat regions</h3>"
        + table(
            ["codec", "bpp", "PSNR dB", "strength a", "structure f", "share g", "border", "charts within limits"],
            [_stripes(row) for row in rows],
            label="striped-region index",
            sortable=True,
        )
        + '<p class="note">The worst over the flat charts. a: standard deviation of row or column means in levels, f: the same '
        "against unstructured noise (1), g: share of the error in stripes and grids, border: error of the outer 32 pixels "
        "against the interior.</p>"
        "<h3>Detail that comes back as other detail</h3>"
        + table(
            [
                "codec",
                "alias ratio dB",
                "worst dB",
                "angle error °",
                "false directions",
                "faded",
                "shift spread dB",
                "within",
            ],
            [_aliasing(row) for row in rows],
            label="aliasing index",
            sortable=True,
        )
        + '<p class="note">Gratings and a zone plate. Alias ratio: energy that is not the grating against the grating\'s; '
        "less is better. Faded: windows that lost their direction.</p>" + _by_frequency(study, rows)
    )
    return section("charts", "Open problems", title, body)


def _by_frequency(study: Study, rows: Sequence[dict[str, Any]]) -> str:
    """The median alias ratio of gratings over their frequency, a curve for each lossy codec."""
    looks = styles(study.lossy, ())
    lines = []
    for row in rows:
        known = row["aliasing"].get("by_frequency") or {}
        title = row.get("title") or row["codec"]
        points = [
            (float(at), found["ar_db"], f"{title}\n{float(at):.4g} cycles a pixel\n{found['ar_db']:.1f} dB")
            for at, found in sorted(known.items(), key=lambda pair: float(pair[0]))
        ]
        if len(points) > 1 and row["codec"] in looks:
            lines.append(Line(row["codec"], short(row["codec"], title, 24), points, looks[row["codec"]], True))
    if not lines:
        return ""
    drawn = figures.curves(
        "aliasing",
        lines,
        x_title="frequency of the grating, cycles a pixel",
        y_title="alias ratio, dB",
        label="alias ratio over the frequency of gratings",
        log=False,
    )
    return key(lines) + figure(drawn, "Medians over directions. Lower is better; a perfect grating has about −30 dB.")


def _stripes(row: dict[str, Any]) -> list[object]:
    found = row["striped_region"]
    within = (found["within"], f"{found['within']} of {found['charts']}")
    figures = [_cell(found[name], 2) for name in ("a", "f", "g", "border")]
    return [row.get("title") or row["codec"], _cell(row.get("bpp"), 2), _cell(row.get("psnr"), 2), *figures, within]


def _aliasing(row: dict[str, Any]) -> list[object]:
    found = row["aliasing"]
    return [
        row.get("title") or row["codec"],
        _cell(found.get("ar_db"), 1),
        _cell(found.get("ar_worst_db"), 1),
        _cell(found.get("angle_error_deg"), 2),
        _share(found.get("false_direction")),
        _share(found.get("faded")),
        _cell(found.get("shift_spread_db"), 2),
        (int(bool(found["within"])), "yes" if found["within"] else "no"),
    ]


def _cell(value: float | None, digits: int) -> tuple[float, str]:
    """To sort by, and to read; nothing sorts last."""
    return (1e9, "–") if value is None else (value, f"{value:.{digits}f}".replace("-", _MINUS))


def _share(value: float | None) -> tuple[float, str]:
    return (1e9, "–") if value is None else (value, f"{100 * value:.1f}\N{NO-BREAK SPACE}%")

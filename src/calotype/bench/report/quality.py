"""The sections about rate and quality: curves of every metric, bytes at equal quality, BD-rates and their spread."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from calotype.bench.report import figures, rowfigures, tables
from calotype.bench.report.comparing import METHOD
from calotype.bench.report.curves import Metric
from calotype.bench.report.figures import Line
from calotype.bench.report.markup import figure, section, swatch, tabs
from calotype.bench.report.rowfigures import Box
from calotype.bench.report.study import Study, rate_said
from calotype.bench.report.style import Style, short, styles

__all__ = ["differences", "distortion"]


def distortion(study: Study) -> str:
    """Curves of every metric, with published ones, and the bytes needed at equal quality."""
    if not study.metrics:
        return ""
    looks = styles(study.lossy, study.published)
    panels = [(metric.title, _curves(study, metric, looks)) for metric in study.metrics]
    title = _first(study, study.metrics[0])
    note = study.why_no_published()
    body = tabs("metric", panels) + _legend(study, looks) + (f'<p class="note">{escape(note)}</p>' if note else "")
    return section("curves", "Rate and distortion", title, body)


def _first(study: Study, metric: Metric) -> str:
    """Who needs fewest bytes, as a title."""
    ranking = study.matrices[metric.name].ranking(study.reference.name) if study.reference else []
    if len(ranking) < 2:
        return f"Curves in {metric.title}"
    (best, _), (second, _) = ranking[:2]
    return f"At equal {metric.title}, {study.titles[best]} needs the fewest bytes, then {study.titles[second]}"


def _curves(study: Study, metric: Metric, looks: dict[str, Style]) -> str:
    unit = f", {metric.unit}" if metric.unit else ""
    lines, relative = [], []
    base = _log_rate(study, metric)
    for codec in study.lossy:
        if not codec.measures(metric.name):
            continue
        points = codec.curve(metric.name)
        said = [
            (
                p.bpp,
                p.quality,
                f"{codec.title}\n{p.bpp:.3f} bpp, {p.quality:.{metric.digits}f} {metric.unit}\nlevel {p.level:g}",
            )
            for p in points
        ]
        lines.append(_line(study, codec.name, codec.title, said, looks))
        relative.append(_line(study, codec.name, codec.title, _relative(said, base), looks))
    for curve in study.published:
        values = curve.quality(metric.name)
        if values:
            said = [
                (rate, at, f"{curve.title}, published\n{rate:.3f} bpp, {at:.{metric.digits}f} {metric.unit}")
                for rate, at in zip(curve.bpp, values, strict=True)
            ]
            lines.append(_line(study, curve.name, curve.title, said, looks))
            relative.append(_line(study, curve.name, curve.title, _relative(said, base), looks))
    rates = [x for line in lines if line.name in study.by_name for x, _, _ in line.points]
    # What people use; where that leaves next to nothing, as with pictures of a few pixels, everything.
    span = (max(min(rates), 0.04), min(max(rates), 3.2))
    if sum(span[0] <= rate <= span[1] for rate in rates) < 4:
        span = (min(rates) / 1.1, max(rates) * 1.1)
    drawn = figures.curves(
        f"rd-{metric.name}",
        lines,
        x_title="bits per pixel, whole files (logarithmic)",
        y_title=f"{metric.title}{unit}",
        label=f"{metric.title} over bits per pixel, {len(lines)} curves",
        x_range=span,
    )
    counts = sorted({len(codec.pictures_with(metric.name)) for codec in study.lossy if codec.measures(metric.name)})
    means = f"Means over {counts[-1]} picture{'s' * (counts[-1] > 1)}"
    if len(counts) > 1:
        means = (
            f"Means over {counts[0]} to {counts[-1]} pictures, as each codec has them (BD-rates use shared ones only)"
        )
    body = figure(
        drawn, f"{means}. Higher and further left is better; equal steps to the right are equal factors in bytes."
    )
    relative = [line for line in relative if len(line.points) > 1]
    if base and len(relative) > 1 and study.reference:
        values = [y for line in relative if line.shown for _, y, _ in line.points]
        drawn = figures.curves(
            f"rel-{metric.name}",
            relative,
            x_title=f"{metric.title}{unit}",
            y_title=f"bytes at equal {metric.title}, {study.reference.title} = 100 %",
            label=f"bytes that codecs need at equal {metric.title}, in percent of {study.reference.title}",
            suffix=" %",
            y_range=(max(0.0, min(values) - 5), min(max(values) + 5, 160.0)),
            log=False,
        )
        body += figure(drawn, "The same curves read sideways: what each needs for the same quality. Lower is better.")
    return body + f"<details><summary>These curves as a table</summary>{tables.curves(study, metric)}</details>"


def _line(study: Study, name: str, title: str, points: Sequence[tuple], looks: dict[str, Style]) -> Line:
    return Line(name, short(name, title, 24), points, looks[name], name in study.shown)


def _log_rate(study: Study, metric: Metric) -> tuple[np.ndarray, np.ndarray] | None:
    """Quality and logarithm of the rate of the reference, rising."""
    if not study.reference or not study.reference.measures(metric.name):
        return None
    points = study.reference.curve(metric.name)
    kept = [p for i, p in enumerate(points) if all(q.quality < p.quality for q in points[:i])]
    return np.array([p.quality for p in kept]), np.log([p.bpp for p in kept])


def _relative(points: Sequence[tuple[float, float, str]], base: tuple[np.ndarray, np.ndarray] | None) -> list[tuple]:
    """Points as (quality, percent of the reference's bytes), where the reference reaches that quality."""
    if base is None:
        return []
    quality, log_rate = base
    return [
        (at, float(100 * np.exp(np.log(rate) - np.interp(at, quality, log_rate))), said)
        for rate, at, said in points
        if quality[0] <= at <= quality[-1]
    ]


def _legend(study: Study, looks: dict[str, Style]) -> str:
    """Switches of curves: pressed ones are seen."""

    def chip(name: str) -> str:
        return (
            f'<button type="button" data-s="{escape(name)}" aria-pressed="{str(name in study.shown).lower()}">'
            f"{swatch(looks[name])}{escape(study.titles[name])}</button>"
        )

    names = [codec.name for codec in study.lossy if codec.name in looks and codec.cells]
    said = '<div class="legend needs-js"><b>Curves to show</b>' + "".join(map(chip, names))
    if study.published:
        said += "<b>Published, as their authors give them</b>" + "".join(chip(curve.name) for curve in study.published)
    return (
        said
        + '<b></b><button type="button" data-do="first">First view</button><button type="button" data-do="all">All</button></div>'
    )


def differences(study: Study) -> str:
    """Spread over pictures against the reference, and the matrix of every codec against every other."""
    if not study.reference:
        return ""
    panels = []
    looks = styles(study.lossy, study.published)
    for metric in study.metrics:
        found = study.matrices[metric.name]
        ranking = [name for name, _ in found.ranking(study.reference.name) if name != study.reference.name]
        rows = []
        for name in ranking:
            there = found.get(name, study.reference.name)
            five = there.spread and (
                there.spread.least,
                there.spread.lower,
                there.spread.median,
                there.spread.upper,
                there.spread.most,
            )
            said = f"{study.titles[name]}\n{rate_said(there.percent or 0)} mean curve"
            said += (
                f"\npictures {rate_said(five[0])} to {rate_said(five[4])}, median {rate_said(five[2])}" if five else ""
            )
            rows.append(
                Box(name, short(name, study.titles[name]), five or None, there.percent or 0.0, looks[name], said)
            )
        if not rows:
            continue
        drawn = rowfigures.boxes(
            f"spread-{metric.name}",
            rows,
            x_title=f"bytes at equal {metric.title} against {study.reference.title}",
            label=f"BD-rates in {metric.title} with their spread over pictures",
        )
        caption = (
            "Diamond: BD-rate of the mean curves. Box and whiskers: single pictures, quartiles and extremes. "
            "Left is better. The order is by how many of the others a codec beats directly."
        )
        panels.append(
            (
                metric.title,
                figure(drawn, caption) + "<h3>Every codec against every other</h3>" + tables.matrix(study, found),
            )
        )
    if not panels:
        return ""
    note = (
        f'<p class="note">BD-rates: {escape(METHOD)}. MS-SSIM in decibels. Blue: the row needs fewer bytes, orange: more. '
        "Published curves are means, so they have no spread. Fewer than four points or no overlap give no figure.</p>"
    )
    best, worst = _extremes(study)
    title = (
        f"Pictures differ more than codecs: from {best} to {worst} for the leader alone"
        if best
        else "Who needs how much less"
    )
    return section("differences", "BD-rates", title, tabs("bd", panels) + note)


def _extremes(study: Study) -> tuple[str, str]:
    """The widest spread among the leading codecs, for the title; nothing where there are too few pictures."""
    assert study.metric and study.reference
    found = study.matrices[study.metric.name]
    for name, _ in found.ranking(study.reference.name)[:1]:
        spread = found.get(name, study.reference.name).spread
        ranking = [rate for _, rate in found.ranking(study.reference.name)]
        if spread and spread.pictures >= 4 and spread.most - spread.least > max(ranking[:3]) - min(ranking[:3]):
            return rate_said(spread.least), rate_said(spread.most)
    return "", ""

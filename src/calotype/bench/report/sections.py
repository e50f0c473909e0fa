"""The sections of the page, one function each: a title that says what was found, figures, captions, tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from calotype.bench.report import figures, tables
from calotype.bench.report.comparing import METHOD
from calotype.bench.report.crops import TARGET_BPP, Scene
from calotype.bench.report.curves import Metric
from calotype.bench.report.figures import Box, Dot, Line, Span
from calotype.bench.report.style import Style, short, styles
from calotype.bench.report.study import Study, bytes_said, rate_said
from calotype.bench.report.svg import marker

__all__ = ["crops", "differences", "distortion", "lossless", "memory", "pictures", "repeat", "speed"]


def _section(name: str, eyebrow: str, title: str, body: str) -> str:
    return f'<section id="{name}"><p class="eyebrow">{escape(eyebrow)}</p><h2>{escape(title)}</h2>{body}</section>'


def _tabs(name: str, panels: Sequence[tuple[str, str]]) -> str:
    """Panels of which one is seen; plain HTML, so it works without a script. A single one needs no choice."""
    if len(panels) == 1:
        return panels[0][1]
    heads = "".join(
        f'<input type="radio" name="{name}" id="{name}-{place}"{" checked" if place == 0 else ""}>'
        f'<label for="{name}-{place}">{escape(title)}</label>'
        for place, (title, _) in enumerate(panels)
    )
    return f'<div class="tabs">{heads}{"".join(f"<div class=panel>{body}</div>" for _, body in panels)}</div>'


def _figure(drawn: tuple[str, str], caption: str) -> str:
    return f"<figure>{drawn[0]}{drawn[1]}<figcaption>{escape(caption)}</figcaption></figure>"


def distortion(study: Study) -> str:
    """Curves of every metric, with published ones, and the bytes needed at equal quality."""
    if not study.metrics:
        return ""
    looks = styles(study.lossy, study.published)
    panels = [(metric.title, _curves(study, metric, looks)) for metric in study.metrics]
    title = _first(study, study.metrics[0])
    note = study.why_no_published()
    body = _tabs("metric", panels) + _legend(study, looks) + (f'<p class="note">{escape(note)}</p>' if note else "")
    return _section("curves", "Rate and distortion", title, body)


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
    span = (max(min(rates), 0.04), min(max(rates), 3.2))
    count = len(study.measured.pictures)
    drawn = figures.curves(
        f"rd-{metric.name}",
        lines,
        x_title="bits per pixel, whole files (logarithmic)",
        y_title=f"{metric.title}{unit}",
        label=f"{metric.title} over bits per pixel, {len(lines)} curves",
        x_range=span,
    )
    means = f"Means over {count} picture{'s' * (count > 1)}"
    body = _figure(
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
        body += _figure(drawn, "The same curves read sideways: what each needs for the same quality. Lower is better.")
    return body


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
        look = looks[name]
        dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
        mark = f'<g class="marks">{marker(look.marker, 17, 6, 0.9)}</g>'
        return (
            f'<button type="button" data-s="{escape(name)}" aria-pressed="{str(name in study.shown).lower()}">'
            f'<svg class="s" style="--l:{look.light};--d:{look.dark}" viewBox="0 0 34 12" aria-hidden="true">'
            f'<path d="M1 6H33" stroke-width="{look.width}"{dash}/>{mark}</svg>{escape(study.titles[name])}</button>'
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
        drawn = figures.boxes(
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
                _figure(drawn, caption) + "<h3>Every codec against every other</h3>" + tables.matrix(study, found),
            )
        )
    if not panels:
        return ""
    note = (
        f'<p class="note">BD-rates: {escape(METHOD)}. MS-SSIM in decibels. Blue: the row needs fewer bytes, orange: more. '
        "Published curves are means, so they have no spread. Fewer than four points or no overlap give no figure.</p>"
    )
    best, worst = _extremes(study)
    title = f"Pictures differ more than codecs: {best} to {worst} for one codec" if best else "Who needs how much less"
    return _section("differences", "BD-rates", title, _tabs("bd", panels) + note)


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


def speed(study: Study) -> str:
    """Speed against BD-rate, for decoding and encoding, with the codecs that nobody beats in both."""
    if not study.metric or not study.reference:
        return ""
    looks, panels, fronts = styles(study.lossy, ()), [], {}
    rates = dict(study.matrices[study.metric.name].ranking(study.reference.name))
    for word in ("decode", "encode"):
        dots = []
        for codec in study.lossy:
            cost = study.costs.get(codec.name)
            speed = getattr(cost, f"{word}_mp_s") if cost else None
            if speed and codec.name in rates:
                said = f"{codec.title}\n{word}s {speed:.3g} MP/s\n{rate_said(rates[codec.name])} bytes"
                dots.append(
                    Dot(
                        codec.name,
                        short(codec.name, codec.title, 20),
                        speed,
                        rates[codec.name],
                        looks[codec.name],
                        said,
                    )
                )
        if len(dots) < 2:
            continue
        front = [d.name for d in dots if not any(o.x > d.x and o.y < d.y for o in dots)]
        fronts[word] = front
        drawn = figures.scatter(
            f"speed-{word}",
            dots,
            x_title=f"megapixels {word}d a second, one thread (logarithmic)",
            y_title=f"bytes at equal {study.metric.title} against {study.reference.title}",
            label=f"speed of {word[:-1]}ing against BD-rate",
            front=front,
        )
        panels.append(
            (
                f"{word[:-1].capitalize()}ing",
                _figure(drawn, "Up and to the right is better. Joined and bold: codecs that no other beats in both."),
            )
        )
    if not panels:
        return ""
    timed = any(cost.timed for cost in study.costs.values())
    note = (
        "Medians of runs that had the machine to themselves (--time)."
        if timed
        else "Speeds are of single runs beside others: good for orders of magnitude, not for percent."
    )
    front = fronts.get("decode", [])
    title = (
        f"{len(front)} of {len(rates)} codecs are the best at their decoding speed" if front else "Speed against bytes"
    )
    body = _tabs("speed", panels) + f'<p class="note">{note}</p>'
    return _section(
        "speed",
        "Speed",
        title,
        body + f"<details><summary>All speeds and memory as a table</summary>{tables.costs(study)}</details>",
    )


def memory(study: Study) -> str:
    """Peak memory of encoding and decoding."""
    looks, rows = styles(study.lossy, ()), []
    for codec in study.lossy:
        cost = study.costs.get(codec.name)
        if cost and (cost.encode_peak_bytes or cost.decode_peak_bytes):
            values = tuple(
                None if value is None else max(value, 1e4) / 1e6
                for value in (cost.encode_peak_bytes, cost.decode_peak_bytes)
            )
            said = f"{codec.title}\nencoding {bytes_said(cost.encode_peak_bytes)}\ndecoding {bytes_said(cost.decode_peak_bytes)}"
            rows.append(Span(codec.name, short(codec.name, codec.title), values, looks[codec.name], said))
    if not rows:
        return ""
    rows.sort(key=lambda row: row.values[1] or row.values[0] or 0)
    largest = max(row["width_px"] * row["height_px"] for row in study.measured.rows) / 1e6
    drawn = figures.spans(
        "memory",
        rows,
        x_title="MB above what the process held before (logarithmic)",
        label="peak memory",
        words=("encoding", "decoding"),
        log=True,
    )
    caption = (
        f"Largest resident memory of one picture, up to {largest:.2g} megapixels, each in a process of its own. "
        "Hollow: encoding, filled: decoding. Left is better."
    )
    least, most = rows[0], rows[-1]
    title = f"{least.label} decodes in {least.values[1] or 0:.2g} MB, {most.label} needs {most.values[1] or 0:.3g} MB"
    return _section("memory", "Memory", title, _figure(drawn, caption))


def crops(study: Study, scenes: Sequence[Scene]) -> str:
    """Pieces at equal rate, side by side and over each other."""
    if not scenes:
        note = "Left out: pieces need the pictures and the codecs at hand when the report is made."
        return _section("crops", "To look at", "No pieces of pictures", f'<p class="note">{note}</p>')
    body = []
    for scene in scenes:
        parts = []
        for crop in scene.crops:
            label = crop.title + (f", {crop.bpp:.3f} bpp" if crop.bpp else "")
            said = "as it was" if crop.bpp is None else f"{crop.bpp:.3f} bpp, {crop.psnr:.2f} dB, level {crop.level:g}"
            alt = f"{scene.picture}, {crop.title}"
            parts.append(
                f'<figure><img src="data:image/webp;base64,{crop.webp_base64}" alt="{escape(alt)}" data-label="{escape(label)}" '
                f'loading="lazy"><figcaption><b>{escape(crop.title)}</b>{escape(said)}</figcaption></figure>'
            )
        missing = f'<p class="note">Left out: {escape("; ".join(scene.missing))}.</p>' if scene.missing else ""
        viewer = (
            '<div class="viewer needs-js"><div class="stage"><img alt=""><img class="over" alt=""></div>'
            f'<input type="range" min="0" max="100" value="50" aria-label="where one ends and the other begins, {escape(scene.picture)}">'
            '<div class="sides"><select aria-label="left"></select><select aria-label="right"></select></div></div>'
        )
        body.append(
            f'<div class="scene"><h3>{escape(scene.picture)}, from {scene.left}, {scene.top}</h3>'
            f'<div class="crops">{"".join(parts)}</div>{missing}{viewer}</div>'
        )
    lead = '<p class="lead">PSNR is that of the whole picture. The slider lays two pieces over each other.</p>'
    return _section("crops", "To look at", f"The same piece at {TARGET_BPP:g} bits per pixel", lead + "".join(body))


def lossless(study: Study) -> str:
    """Codecs without loss."""
    if not study.lossless:
        return ""
    best = study.lossless[0]
    return _section(
        "lossless", "Without loss", f"Without loss, {best.title} makes the smallest files", tables.lossless(study)
    )


def pictures(study: Study) -> str:
    """BD-rates of single pictures."""
    if not study.reference or not study.metrics:
        return ""
    panels = [(metric.title, tables.pictures(study, study.matrices[metric.name])) for metric in study.metrics]
    lead = f'<p class="lead">Bytes at equal quality against {escape(study.reference.title)}; press a head to sort.</p>'
    return _section(
        "pictures", "Single pictures", f"All {len(study.reference.pictures)} pictures", lead + _tabs("single", panels)
    )


def repeat(study: Study) -> str:
    """Failures, settings, versions, machine, and the command."""
    failed = ""
    if study.measured.failed:
        count = len(study.measured.failed)
        failed = _section(
            "failures",
            "What could not be measured",
            f"{count} cell{'s' * (count > 1)} failed, and why",
            tables.failures(study),
        )
    elif study.measured.rows:
        failed = _section("failures", "What could not be measured", "Nothing failed", "")
    partial = [f"{codec.title}: {', '.join(codec.partial)}" for codec in study.codecs if codec.partial]
    if partial:
        failed += f'<p class="note">Left out of means, because a level is missing: {escape("; ".join(partial))}.</p>'
    names = ",".join(codec.name for codec in study.codecs)
    wanted = ",".join(metric.name for metric in study.metrics)
    dataset = f" --dataset {study.measured.dataset}" if study.measured.dataset else ""
    command = f"calotype bench PICTURES{dataset} \\\n    --codecs {names} \\\n    --metrics {wanted} --out REPORT"
    sources = "".join(
        f"<li>{escape(curve.title)}: {escape(curve.source)}. {escape(curve.notes)}</li>" for curve in study.published
    )
    body = (
        f"<h3>Command</h3><pre><code>{escape(command)}</code></pre>"
        "<p>All figures on this page follow from <code>rows.jsonl</code> beside it; "
        "<code>calotype bench --report-only REPORT</code> draws it again.</p>"
        f"<h3>Settings</h3>{tables.settings(study.codecs)}<h3>Machine</h3>{tables.machines(study)}"
        + (f'<h3>Sources of published curves</h3><ul class="note">{sources}</ul>' if sources else "")
    )
    return failed + _section("repeat", "How to repeat it", "Settings, versions and the command", body)

"""The sections beside rate and quality: speed, memory, pieces, lossless codecs, single pictures, how to repeat it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from calotype.bench.report import figures, rowfigures, tables
from calotype.bench.report.crops import TARGET_BPP, Scene
from calotype.bench.report.figures import Dot
from calotype.bench.report.markup import figure, section, tabs
from calotype.bench.report.rowfigures import Span
from calotype.bench.report.study import Study, bytes_said, rate_said
from calotype.bench.report.style import short, styles

__all__ = ["crops", "lossless", "memory", "pictures", "repeat", "speed"]


def speed(study: Study) -> str:
    """Speed against BD-rate, for decoding and encoding, with the codecs that nobody beats in both."""
    panels, beaten = [], ""
    for word, doing in (("encode", "Encoding"), ("decode", "Decoding")):
        dots = _dots(study, word)
        if len(dots) < 2:
            continue
        assert study.metric and study.reference
        front = [dot.name for dot in dots if not any(_beats(other, dot) for other in dots)]
        beaten = f"{len(front)} of {len(dots)} codecs are beaten by no other in both bytes and {doing.lower()} speed"
        drawn = figures.scatter(
            f"speed-{word}",
            dots,
            x_title=f"megapixels {word}d a second, one thread (logarithmic)",
            y_title=f"bytes at equal {study.metric.title} against {study.reference.title}",
            label=f"speed of {doing.lower()} against BD-rate",
            front=front,
        )
        caption = "Up and to the right is better. Joined and bold: codecs that no other beats in both."
        panels.insert(0, (doing, figure(drawn, caption)))
    timed = tables.timings(study) if study.timed else ""
    if not panels:
        return section("speed", "Speed", "Speed, alone on the machine", timed) if timed else ""
    note = "Speeds are of single runs beside others: good for orders of magnitude, not for percent."
    if any(study.costs[codec.name].timed for codec in study.comparable_speeds):
        note = (
            "Medians of runs that had the machine to themselves (--time); codecs without them are in the table below."
        )
    every = f"<details><summary>All speeds and memory as a table</summary>{tables.costs(study)}</details>"
    return section("speed", "Speed", beaten, f'{tabs("speed", panels)}<p class="note">{note}</p>{timed}{every}')


def _dots(study: Study, word: str) -> list[Dot]:
    """Speed and BD-rate of each codec whose speeds can be compared."""
    if not study.metric or not study.reference:
        return []
    looks = styles(study.lossy, ())
    rates = dict(study.matrices[study.metric.name].ranking(study.reference.name))
    found = []
    for codec in study.comparable_speeds:
        name, speed = codec.name, getattr(study.costs[codec.name], f"{word}_mp_s")
        if speed and name in rates:
            said = f"{codec.title}\n{word}s {speed:.3g} MP/s\n{rate_said(rates[name])} bytes"
            found.append(Dot(name, short(name, codec.title, 20), speed, rates[name], looks[name], said))
    return found


def _beats(one: Dot, other: Dot) -> bool:
    """Whether one is at least as fast and as small, and better in one of both."""
    return one.x >= other.x and one.y <= other.y and (one.x, one.y) != (other.x, other.y)


def memory(study: Study) -> str:
    """Peak memory of encoding and decoding."""
    looks, rows = styles(study.lossy, ()), []
    for codec in study.lossy:
        cost = study.costs.get(codec.name)
        if cost and (cost.encode_peak_bytes or cost.decode_peak_bytes):
            values = (_megabytes(cost.encode_peak_bytes), _megabytes(cost.decode_peak_bytes))
            said = f"{codec.title}\nencoding {bytes_said(cost.encode_peak_bytes)}\ndecoding {bytes_said(cost.decode_peak_bytes)}"
            rows.append(Span(codec.name, short(codec.name, codec.title), values, looks[codec.name], said))
    if not rows:
        return ""
    rows.sort(key=lambda row: row.values[1] or row.values[0] or 0)
    largest = max(row["width_px"] * row["height_px"] for row in study.measured.rows) / 1e6
    drawn = rowfigures.spans(
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
    return section("memory", "Memory", title, figure(drawn, caption))


def _megabytes(count: float | None) -> float | None:
    """For a logarithmic axis: nothing is smaller than a hundredth."""
    return None if count is None else max(count / 1e6, 0.01)


def crops(study: Study, scenes: Sequence[Scene]) -> str:
    """Pieces at equal rate, side by side and over each other."""
    if not study.lossy:
        return ""
    if not scenes:
        note = "Left out: pieces need the pictures and the codecs at hand when the report is made."
        return section("crops", "To look at", "No pieces of pictures", f'<p class="note">{note}</p>')
    # The slider begins with the reference against the leader.
    sides = {study.reference.name: "left", study.answers[0].codec: "right"} if study.reference else {}
    body = []
    for scene in scenes:
        parts = []
        for crop in scene.crops:
            label = crop.title + (f", {crop.bpp:.3f} bpp" if crop.bpp else "")
            said = "as it was" if crop.bpp is None else f"{crop.bpp:.3f} bpp, {crop.psnr:.2f} dB, level {crop.level:g}"
            alt, side = f"{scene.picture}, {crop.title}", sides.get(crop.codec, "")
            parts.append(
                f'<figure><img src="data:image/webp;base64,{crop.webp_base64}" alt="{escape(alt)}" '
                f'data-label="{escape(label)}" data-side="{side}">'
                f"<figcaption><b>{escape(crop.title)}</b>{escape(said)}</figcaption></figure>"
            )
        missing = f'<p class="note">Left out: {escape("; ".join(scene.missing))}.</p>' if scene.missing else ""
        viewer = (
            '<div class="viewer needs-js"><div class="stage"><img alt=""><img class="over" alt=""></div>'
            '<input type="range" min="0" max="100" value="50" aria-label="where one ends and the other begins">'
            '<div class="sides"><select aria-label="left"></select><select aria-label="right"></select></div></div>'
        )
        body.append(
            f'<div class="scene"><h3>{escape(scene.picture)}, from {scene.left}, {scene.top}</h3>'
            f'<div class="crops">{"".join(parts)}</div>{viewer}{missing}</div>'
        )
    lead = (
        '<p class="lead">Rate and PSNR are those of the whole picture, or of a square of 1024 pixels of a large one. '
        "The slider lays two pieces over each other.</p>"
    )
    return section("crops", "To look at", f"The same piece at {TARGET_BPP:g} bits per pixel", lead + "".join(body))


def lossless(study: Study) -> str:
    """Codecs without loss."""
    if not study.lossless:
        return ""
    best = study.lossless[0]
    return section(
        "lossless", "Without loss", f"Without loss, {best.title} makes the smallest files", tables.lossless(study)
    )


def pictures(study: Study) -> str:
    """BD-rates of single pictures, and who comes first on how many."""
    if not study.reference or not study.metrics:
        return ""
    panels = [(metric.title, tables.pictures(study, study.matrices[metric.name])) for metric in study.metrics]
    lead = (
        f'<p class="lead">Bytes at equal quality against {escape(study.reference.title)}, one row a picture. '
        "Press a head to sort.</p>"
    )
    return section("pictures", "Single pictures", _winners(study), lead + tabs("single", panels))


def _winners(study: Study) -> str:
    """Who needs the fewest bytes on how many pictures, as a title."""
    assert study.reference and study.metric
    found, first = study.matrices[study.metric.name], Counter()
    for picture in study.reference.pictures:
        rates = {name: (found.get(name, study.reference.name).by_picture or {}).get(picture) for name in found.tested}
        known = {name: rate for name, rate in rates.items() if rate is not None}
        if known:
            first[min(known, key=known.__getitem__)] += 1
    total = sum(first.values())
    if not total:
        return f"{len(study.reference.pictures)} pictures"
    best, *others = first.most_common(2)
    said = f"{study.titles[best[0]]} comes first on {best[1]} of {total} pictures"
    return said + (f", {study.titles[others[0][0]]} on {others[0][1]}" if others else "")


def repeat(study: Study) -> str:
    """Failures, settings, versions, machine, and the command."""
    failed = ""
    if study.measured.failed:
        count = len(study.measured.failed)
        failed = section(
            "failures",
            "What could not be measured",
            f"{count} cell{'s' * (count > 1)} failed, and why",
            tables.failures(study),
        )
    elif study.measured.rows:
        failed = section("failures", "What could not be measured", "Nothing failed", "")
    partial = [f"{codec.title}: {', '.join(codec.partial)}" for codec in study.codecs if codec.partial]
    if partial:
        failed += f'<p class="note">Left out of means, because a level is missing: {escape("; ".join(partial))}.</p>'
    names = ",".join(codec.name for codec in study.codecs) or ",".join(study.titles)
    wanted = ",".join(dict.fromkeys(name for row in study.measured.rows for name in row.get("metrics") or ()))
    dataset = f" --dataset {study.measured.dataset}" if study.measured.dataset else ""
    command = f"calotype bench PICTURES{dataset} \\\n    --codecs {names} \\\n    "
    command += (f"--metrics {wanted}" if study.codecs else "--time-only") + " --out REPORT"
    sources = "".join(
        f"<li>{escape(curve.title)}: {escape(curve.source)}. {escape(curve.notes)}</li>" for curve in study.published
    )
    body = (
        f"<h3>Command</h3><pre><code>{escape(command)}</code></pre>"
        "<p>All figures on this page follow from <code>rows.jsonl</code> beside it; "
        "<code>calotype bench --report-only REPORT</code> draws it again.</p>"
        + (f"<h3>Settings</h3>{tables.settings(study.codecs)}" if study.codecs else "")
        + f"<h3>Machine</h3>{tables.machines(study)}"
        + (f'<h3>Sources of published curves</h3><ul class="note">{sources}</ul>' if sources else "")
    )
    return failed + section("repeat", "How to repeat it", "Settings, versions and the command", body)

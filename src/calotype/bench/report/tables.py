"""Tables of the report as HTML: BD-rate matrices, pictures, lossless codecs, failures, settings; no figure is computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from calotype.bench.report.comparing import Difference, Matrix
from calotype.bench.report.curves import Codec, Metric
from calotype.bench.report.study import Study, bytes_said, mean_bpp, rate_said

PEAKS = ("encode_peak_bytes", "decode_peak_bytes")

__all__ = ["costs", "curves", "failures", "lossless", "machines", "matrix", "pictures", "settings", "table", "timings"]


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, label: str, sortable: bool = False, texts: int = 1
) -> str:
    """A table in a box of its own that scrolls sideways; the first `texts` columns are words, the others figures.

    A cell is text, which is escaped, or a pair (value to sort by, text).
    """
    said = "".join(
        f'<th scope="col"{"" if place < texts else " class=n"}>'
        + (f'<button type="button">{escape(word)}</button>' if sortable else escape(word))
        + "</th>"
        for place, word in enumerate(head)
    )
    body = []
    for row in rows:
        cells = []
        for place, cell in enumerate(row):
            key, word = cell if isinstance(cell, tuple) else (None, cell)
            more = "" if key is None else f' data-v="{key}"'
            kind = "" if place < texts else ' class="n"'
            tag = "th scope=row" if place == 0 else "td"
            cells.append(f"<{tag}{kind}{more}>{escape(str(word))}</{tag.split()[0]}>")
        body.append("<tr>" + "".join(cells) + "</tr>")
    kind = ' class="sortable"' if sortable else ' class="words"' if texts == len(head) else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table{kind}>'
        f"<thead><tr>{said}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def matrix(study: Study, found: Matrix) -> str:
    """BD-rates of rows against columns, the better codecs first; a cell carries its particulars for the line below."""
    assert study.reference
    order = [name for name, _ in found.ranking(study.reference.name)]
    order += [name for name in found.tested if name not in order]
    columns = order + [name for name in found.against if name not in order]
    said = {name: study.titles[name] for name in columns}
    head = "".join(
        f'<th scope="col"><span>{escape(name if name in study.by_name else said[name])}</span></th>' for name in columns
    )
    body = []
    for tested in order:
        cells = [f'<th scope="row" title="{escape(said[tested])}">{escape(tested)}</th>']
        cells += [_cell(found.get(tested, other), said[tested], said[other], tested == other) for other in columns]
        body.append("<tr>" + "".join(cells) + "</tr>")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="BD-rates in {escape(found.metric.title)}">'
        f'<table class="matrix"><thead><tr><td class="corner">bytes of row<br>against column</td>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
        '<p class="detail" aria-live="polite">Point at a cell, or move with the arrow keys, for interval, points and spread.</p>'
    )


def _cell(there: Difference, tested: str, against: str, same: bool) -> str:
    if same:
        return '<td class="same"></td>'
    if there.percent is None:
        return f'<td class="none" data-d="{escape(f"{tested} against {against}: no figure, {there.reason}.")}">–</td>'
    said = (
        f"{tested} against {against}: {rate_said(there.percent)} bytes over {there.low:.2f} to {there.high:.2f}, "
        f"{there.points[0]} and {there.points[1]} points"
    )
    if there.spread:
        five = (there.spread.least, there.spread.lower, there.spread.median, there.spread.upper, there.spread.most)
        least, lower, median, upper, most = map(rate_said, five)
        said += (
            f"; {there.spread.pictures} single pictures: {least} to {most}, half of them {lower} to {upper}, "
            f"median {median}"
        )
    depth = min(abs(there.percent) / 60, 1) ** 0.7 * 62
    kind = "good" if there.percent < 0 else "bad"
    figure = f"{there.percent:+.0f}" if abs(there.percent) >= 9.95 else f"{there.percent:+.1f}"
    return (
        f'<td class="{kind}" style="--p:{depth:.0f}%" data-d="{escape(said)}.">{figure.replace("-", chr(0x2212))}</td>'
    )


def curves(study: Study, metric: Metric) -> str:
    """The points of every curve of a metric, the lowest rate first, for those who read rather than look."""
    rows: list[list[object]] = []
    for codec in study.lossy:
        if codec.measures(metric.name):
            points = [(point.bpp, point.quality) for point in codec.curve(metric.name)]
            rows.append([codec.title, *_points(points, metric)])
    for curve in study.published:
        if values := curve.quality(metric.name):
            points = list(zip(curve.bpp, values, strict=True))
            rows.append([f"{curve.title}, published", *_points(points, metric)])
    longest = max((len(row) for row in rows), default=1)
    head = ["bpp: " + metric.title, *(f"point {place}" for place in range(1, longest))]
    return table(head, [row + [""] * (longest - len(row)) for row in rows], label=f"curves in {metric.title}")


def _points(points: Sequence[tuple[float, float]], metric: Metric) -> list[str]:
    return [f"{rate:.3f}: {quality:.{metric.digits}f}".replace("-", "\N{MINUS SIGN}") for rate, quality in points]


def pictures(study: Study, found: Matrix) -> str:
    """BD-rates of every picture against the reference, one row a picture."""
    assert study.reference
    names = [name for name, _ in found.ranking(study.reference.name) if name != study.reference.name]
    rows = []
    for picture in sorted(study.reference.pictures_with(found.metric.name)):
        first = next(iter(study.reference.cells[picture].values()))
        at = study.reference.curve(found.metric.name, (picture,))
        middle = at[len(at) // 2]
        row: list[object] = [
            picture,
            (first["width_px"] * first["height_px"], f"{first['width_px']}×{first['height_px']}"),
            (middle.bpp, f"{middle.bpp:.2f}"),
        ]
        for name in names:
            rate = (found.get(name, study.reference.name).by_picture or {}).get(picture)
            row.append((1e9 if rate is None else f"{rate:.3f}", "–" if rate is None else rate_said(rate)))
        rows.append(row)
    level = study.reference.levels[len(study.reference.levels) // 2]
    head = ["picture", "pixels", f"bpp of {study.reference.name} at {level:g}", *names]
    return table(head, rows, label=f"single pictures, {found.metric.title}", sortable=True)


def lossless(study: Study) -> str:
    """Codecs that give back what they got."""
    rows = []
    for codec in study.lossless:
        cells = [row for by_level in codec.cells.values() for row in by_level.values()]
        wrong = sum(bool((row.get("metrics") or {}).get("max-error")) for row in cells)
        cost, rate = study.costs.get(codec.name), mean_bpp(codec)
        rows.append(
            [
                codec.title,
                (rate, f"{rate:.3f}"),
                (24 / rate, f"{24 / rate:.2f}"),
                f"{len(cells) - wrong} of {len(cells)}",
                *_speeds(cost.encode_mp_s if cost else None, cost.decode_mp_s if cost else None),
            ]
        )
    head = ["codec", "bpp", "ratio to 24 bits", "pictures exact", "encode MP/s", "decode MP/s"]
    return table(head, rows, label="lossless codecs", sortable=True)


def costs(study: Study) -> str:
    """Speed and memory of every codec."""
    rows = []
    for codec in (*study.lossy, *study.lossless):
        cost = study.costs.get(codec.name)
        if cost:
            memory = [(value or 0, bytes_said(value)) for value in (cost.encode_peak_bytes, cost.decode_peak_bytes)]
            how = "alone" if cost.timed else "beside other work"
            rows.append([codec.title, *_speeds(cost.encode_mp_s, cost.decode_mp_s), *memory, how])
    head = ["codec", "encode MP/s", "decode MP/s", "encode memory", "decode memory", "timed"]
    return table(head, rows, label="speed and memory", sortable=True)


def timings(study: Study) -> str:
    """Speed of runs that had the machine to themselves, a column for each number of threads, and their memory."""
    rows = []
    titles = {row["codec"]: row.get("title") or row["codec"] for row in study.measured.timings}
    for name, title in titles.items():
        known = [study.timed[threads].get(name) for threads in study.timed]
        row: list[object] = [title]
        for word in ("encode_mp_s", "decode_mp_s"):
            row += _speeds(*(getattr(cost, word) if cost else None for cost in known))
        memory = [max((getattr(cost, word) or 0 for cost in known if cost), default=0) for word in PEAKS]
        rows.append([*row, *((value, bytes_said(value) if value else "–") for value in memory)])
    threads = [f"{count} thread{'s' * (count > 1)}" for count in study.timed]
    head = ["codec", *(f"{word}, {said}" for word in ("encode MP/s", "decode") for said in threads)]
    return table([*head, "encode memory", "decode memory"], rows, label="timings", sortable=True)


def _speeds(*speeds: float | None) -> list[tuple[float, str]]:
    return [(speed or 0, "–" if speed is None else f"{speed:.3g}") for speed in speeds]


def failures(study: Study) -> str:
    """What could not be measured, alike ones together."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for row in study.measured.failed:
        error = row["error"]
        said = error if isinstance(error, dict) else {"type": "error", "message": str(error)}
        key = (row.get("codec") or "reading", str(said.get("type")), str(said.get("message")))
        level = row.get("level")
        where = str(row.get("picture", "charts")) + (f" at {level:g}" if isinstance(level, (int, float)) else "")
        alike.setdefault(key, []).append(where)
    rows = [
        [codec, ", ".join(where[:4]) + (f" and {len(where) - 4} more" if len(where) > 4 else ""), kind, message]
        for (codec, kind, message), where in alike.items()
    ]
    return table(["codec", "where", "kind", "reason"], rows, label="failures", texts=4)


def settings(codecs: Sequence[Codec]) -> str:
    """What repeats each codec's runs."""
    rows = []
    for codec in codecs:
        said = dict(codec.describe)
        library, version = str(said.pop("library", "")), str(said.pop("version", ""))
        library = version if library.lower() in version.lower() else f"{library} {version}"
        words = [str(said.pop("settings", "")), *(f"{key}: {value}" for key, value in said.items())]
        levels = ", ".join(f"{level:g}" for level in codec.levels) if not codec.lossless else "–"
        rows.append([codec.name, codec.title, library, "; ".join(word for word in words if word), levels])
    return table(["name", "title", "library", "settings", "levels"], rows, label="settings", texts=5)


def machines(study: Study) -> str:
    """Where it was measured."""
    rows = []
    for name, said in study.measured.machines.items():
        versions = ", ".join(f"{key} {value}" for key, value in (said.get("versions") or {}).items())
        words = [
            said.get("processor"),
            f"{said.get('cores')} cores",
            said.get("system"),
            f"Python {said.get('python')}",
        ]
        rows.append([name, "; ".join(str(word) for word in words if word), versions])
    return table(["machine", "what it is", "versions"], rows, label="machines", texts=3)

"""What `calotype bench` says when it has measured: a summary with reasons, the report, other formats, the list."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calotype.cli.main import note

if TYPE_CHECKING:
    from calotype.bench.plan import Outcome

__all__ = ["as_line", "draw_report", "export", "list_all", "summary", "warn_of_matplotlib"]

EXIT_SOME_FAILED = 3
_REASONS_SHOWN = 20


def summary(outcome: Outcome, out: Path, as_json: bool) -> int:
    """Say what became of it; the exit code."""
    for name in outcome.repeated:
        note(f"note: {name} holds the same bytes as another picture and was measured once")
    reasons: dict[tuple[str, str, int], list[str]] = {}
    for row in outcome.failed:
        error = row["error"]
        what = row["codec"] or "can't be read"
        where = row.get("picture", "charts")
        where += f" at {row['level']:g}" if row["level"] is not None and not row["lossless"] else ""
        reasons.setdefault((what, error["message"], error["exit_code"]), []).append(where)
    for (what, message, code), where in list(reasons.items())[:_REASONS_SHOWN]:
        note(f"{what}: {_some(where)}: {message} (code {code})")
    if len(reasons) > _REASONS_SHOWN:
        note(f"and {len(reasons) - _REASONS_SHOWN} reasons more, see {out / 'rows.jsonl'}")
    for name in dict.fromkeys(name for name, _ in outcome.lacking):
        counts = {reason: count for (of, reason), count in outcome.lacking.items() if of == name}
        note(f"note: no {name} for {sum(counts.values())} rows: {_some(counts, '; ')}")
    note(f"{outcome.measured} rows measured, {outcome.kept} were there, {len(outcome.failed)} failed: {out}")
    if as_json:
        counts = {"measured": outcome.measured, "kept": outcome.kept, "failed": len(outcome.failed)}
        as_line({"kind": "summary", "report": str(out), **counts})
    return EXIT_SOME_FAILED if outcome.failed else 0


def _some(names: Iterable[str], between: str = ", ") -> str:
    names = list(names)
    return between.join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def as_line(row: dict[str, Any]) -> None:
    """A row on standard output."""
    import json

    click.echo(json.dumps(row, ensure_ascii=False))


def export(report: Path, kind: str | None) -> None:
    """The report in another program's words."""
    if kind is None:
        return
    from calotype.bench import compressai

    for path in compressai.write(report):
        note(f"{path}")


def warn_of_matplotlib() -> None:
    """Hours later would be the wrong time."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        note("note: the report will have no PNG pictures without matplotlib: pip install 'calotype[bench]'")


def draw_report(folder: Path, pictures: Iterable[Path] = ()) -> None:
    """Draw the page, with pieces of the pictures where there are some."""
    from calotype.bench.report import write

    write(folder, folder, pictures=list(pictures))
    note(f"report: {folder / 'report.html'}")


def list_all() -> int:
    """Everything that can be named, one a line; what is missing, with its command."""
    from calotype import metrics
    from calotype.bench import codecs, datasets

    click.echo("Codecs (--codecs)")
    for name in codecs.names():
        error = codecs.missing(name)
        click.echo(f"  {name:<22} {error or codecs.get(name).title}")
    click.echo(f"  groups: {', '.join(codecs.GROUPS)}; your own: module:attribute\n\nMetrics (--metrics)")
    for name in metrics.NAMES:
        metric = metrics.get(name)
        lacks = "" if metrics.available(name) else f"  (pip install 'calotype[{metric.extra}]')"
        click.echo(f"  {name:<22} {metric.title}{lacks}")
    click.echo("\nData sets (--dataset)")
    for name, dataset in datasets.DATASETS.items():
        click.echo(f"  {name:<22} {dataset.count} pictures: {dataset.source}")
    return 0

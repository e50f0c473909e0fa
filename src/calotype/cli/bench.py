"""`calotype bench`: codecs side by side on pictures; rows, a report, timings, charts. Measuring itself is calotype.bench."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from calotype.cli import bench_says
from calotype.cli.main import note
from calotype.errors import FileError, UsageError

if TYPE_CHECKING:
    from calotype.bench.pictures import PictureFile
    from calotype.bench.plan import Outcome, Settings
    from calotype.bench.rows import Row

__all__ = ["bench"]


def _words(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


@click.command(epilog="docs/bench.md says what rows mean, how a killed run goes on, and how your own codec comes in.")
@click.argument("pictures", nargs=-1, metavar="PICTURES...")
@click.option(
    "--codecs",
    default="fast",
    show_default=True,
    callback=_words,
    metavar="A,B",
    help="Names, families, groups, a .calomodel, or module:attribute.",
)
@click.option(
    "--metrics", default="psnr,ms-ssim", show_default=True, callback=_words, metavar="A,B", help="See --list."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="REPORT", help="Folder of rows and report.")
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Cells measured at a time."
)
@click.option("--levels", multiple=True, metavar="[CODEC=]N,..", help="CODEC=5,40,90, or how many of each codec's own.")
@click.option("--dataset", metavar="NAME", help="Check that PICTURES are this set; see --list.")
@click.option("--retry", is_flag=True, help="Try cells again that failed.")
@click.option(
    "--limit-s", type=click.FloatRange(min=0.1), default=600.0, show_default=True, help="For each step of a cell."
)
@click.option("--time", "timed", is_flag=True, help="Then measure speed: alone, warm, in turns.")
@click.option("--time-only", is_flag=True, help="Speed only, no rows.")
@click.option("--threads", default="1,2", show_default=True, callback=_words, metavar="1,2", help="For --time.")
@click.option(
    "--rounds", type=click.IntRange(min=5), default=5, show_default=True, help="For --time: medians of so many."
)
@click.option(
    "--time-at",
    default="psnr=36",
    show_default=True,
    metavar="METRIC=VALUE",
    help="For --time: the level that comes nearest, psnr or bpp.",
)
@click.option("--charts", is_flag=True, help="Also the synthetic charts: stripes and aliasing of each codec.")
@click.option("--format", "kind", type=click.Choice(["compressai"]), help="Also write what CompressAI's eval writes.")
@click.option("--json", "as_json", is_flag=True, help="New rows and a summary on standard output, one object a line.")
@click.option("--no-report", is_flag=True, help="Rows only; no page, no pictures.")
@click.option(
    "--report-only", type=click.Path(path_type=Path), metavar="REPORT", help="Draw the report of a folder anew."
)
@click.option("--list", "listed", is_flag=True, help="Codecs, metrics and data sets, and what is missing for them.")
def bench(**given: Any) -> int:
    """Measure codecs on PICTURES: files, folders or patterns.

    Every picture, codec and level becomes a row of REPORT/rows.jsonl; the same command goes on where a killed one
    stopped. Exit code 3: some cells failed, their reasons are listed.
    """
    if given["listed"]:
        return bench_says.list_all()
    if given["report_only"] is not None:
        from calotype.bench import pictures

        found = pictures.find(given["pictures"]) if given["pictures"] else []
        bench_says.draw_report(given["report_only"], [file.path for file in found])
        bench_says.export(given["report_only"], given["kind"])
        return 0
    if given["out"] is None:
        raise UsageError("--out", value="nothing", allowed="a folder for rows and report")
    if not given["pictures"] and not given["charts"]:
        raise UsageError("PICTURES", value="none", allowed="files, folders or patterns")
    return _measure(**given)


def _measure(
    pictures: tuple[str, ...],
    codecs: tuple[str, ...],
    metrics: tuple[str, ...],
    out: Path,
    jobs: int,
    levels: tuple[str, ...],
    dataset: str | None,
    retry: bool,
    limit_s: float,
    kind: str | None,
    as_json: bool,
    no_report: bool,
    **more: Any,
) -> int:
    """Rows, then what else was asked for, then the report; the exit code."""
    from calotype import metrics as known_metrics
    from calotype.bench import codec_said
    from calotype.bench import codecs as known_codecs
    from calotype.bench import pictures as files
    from calotype.bench.plan import Outcome, Settings
    from calotype.bench.processes import Lane

    known_metrics.check(metrics)
    chosen, count = codec_said.levels_of_words(levels)
    asked = _time_asked(more)
    found = files.find(pictures) if pictures else []
    if found:
        dataset = _dataset_of(dataset, found)
    if not no_report:
        bench_says.warn_of_matplotlib()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(out, error.strerror or str(error)) from error
    asking = Lane(apart=True, log=Path("/dev/null") if Path("/dev/null").exists() else out / ".log", limit_s=60)
    try:
        said = codec_said.ask(asking, known_codecs.expand(codecs), chosen, count)
    finally:
        asking.stop()

    settings = Settings(
        pictures=found,
        codecs=said,
        metrics=metrics,
        report=out,
        dataset=dataset,
        jobs=jobs,
        limit_s=limit_s,
        retry=retry,
    )
    outcome = Outcome()
    heard = bench_says.as_line if as_json else _nothing
    try:
        if found and not more["time_only"]:
            outcome = _rows(settings, heard)
        if more["charts"]:
            outcome.add(_charts(settings, heard))
        if found and (more["timed"] or more["time_only"]):
            outcome.add(_timed(settings, asked, more["rounds"], heard))
    except (KeyboardInterrupt, SystemExit):  # SystemExit: SIGTERM
        note(f"stopped; what was measured stays in {out}, and the same command goes on from there")
        raise
    if not no_report:
        bench_says.draw_report(out, [file.path for file in found])
    bench_says.export(out, kind)
    return bench_says.summary(outcome, out, as_json)


def _rows(settings: Settings, heard: Callable[[Row], None]) -> Outcome:
    """The rows, with progress."""
    from calotype.bench import runner
    from calotype.bench.progress import Progress

    counts = {said.name: len(settings.pictures) * len(said.levels) for said in settings.codecs}
    progress = Progress(counts, quiet=_quiet())

    def listening(row: Row, done: int, total: int, doing: str) -> None:
        heard(row)
        progress(row, done, total, doing)

    try:
        return runner.run(settings, listening)
    finally:
        progress.finish()


def _nothing(row: Row) -> None:
    """Who hears rows without --json."""


def _quiet() -> bool:
    return bool(click.get_current_context().find_root().params.get("quiet"))


def _dataset_of(name: str | None, found: list[PictureFile]) -> str | None:
    """The name of the set that the pictures are; UsageError, saying what differs, where they should be another."""
    from calotype.bench import datasets

    if name is None:
        return datasets.recognise(file.path for file in found)
    datasets.get(name)
    folders = {file.path.parent for file in found}
    if len(folders) != 1:
        raise UsageError("--dataset", value=name, allowed="pictures of one folder")
    problems = datasets.check(name, folders.pop())
    if len(found) != datasets.get(name).count:
        problems.append(f"{len(found)} of its pictures are asked for, not {datasets.get(name).count}")
    if problems:
        raise UsageError("--dataset", value=name, allowed=f"the pictures of that set: {'; '.join(problems[:5])}")
    return name


def _charts(settings: Settings, heard: Callable[[Row], None]) -> Outcome:
    """The synthetic charts."""
    from calotype.bench import charting

    return charting.run(settings, note, heard)


def _time_asked(given: dict[str, Any]) -> tuple[str, float, tuple[int, ...]]:
    """Metric and value that levels come nearest to, and numbers of threads; UsageError."""
    metric, _, value = given["time_at"].partition("=")
    try:
        wanted, threads = float(value), tuple(int(word) for word in given["threads"])
    except ValueError:
        wanted, threads = math.nan, ()
    if metric not in ("psnr", "bpp") or not math.isfinite(wanted):
        raise UsageError("--time-at", value=given["time_at"], allowed="psnr=DECIBELS or bpp=BITS")
    if not threads or min(threads) < 1:
        raise UsageError("--threads", value=",".join(given["threads"]), allowed="numbers, as in 1,2")
    return metric, wanted, threads


def _timed(
    settings: Settings, asked: tuple[str, float, tuple[int, ...]], rounds: int, heard: Callable[[Row], None]
) -> Outcome:
    """Speed, after everything else."""
    from calotype.bench import timing
    from calotype.bench.plan import Outcome

    metric, wanted, threads = asked
    whole = timing.Settings(
        pictures=settings.pictures,
        codecs=settings.codecs,
        report=settings.report,
        threads=threads,
        rounds=rounds,
        metric=metric,
        value=wanted,
        dataset=settings.dataset,
        limit_s=settings.limit_s,
    )
    rows = timing.run(whole, note)
    for row in rows:
        heard(row)
    return Outcome(measured=len(rows), failed=[row for row in rows if row["error"]])

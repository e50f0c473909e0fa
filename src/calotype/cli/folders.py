"""Many pictures on the command line: the options for it, what is shown, and the exit code. calotype.batch does the work."""

from __future__ import annotations

import functools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from calotype.cli import files
from calotype.cli.main import note, printable
from calotype.cli.progress import Progress, savings, size_of
from calotype.errors import UsageError

if TYPE_CHECKING:
    from calotype.batch.outcomes import Outcome
    from calotype.batch.run import Engine, Run

__all__ = ["Many", "exit_code", "options", "run", "several", "wanted"]

Command = TypeVar("Command", bound=Callable[..., Any])
_SOME_FAILED = 3
_SHOWN = 12  # failures that are said one by one on a terminal; --json says all


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """The options that concern many pictures, as their help says."""

    jobs: int | None = None
    dry_run: bool = False
    as_json: bool = False
    fail_fast: bool = False
    skip_existing: bool = False
    keep_suffix: bool = False
    keep_mtime: bool = True
    replace: bool = False
    engine: str = "here"
    address: str | None = None

    @property
    def asked(self) -> bool:
        """Whether any of them was given that a single file by itself does not understand."""
        return replace_with_defaults(self) != Many()


def replace_with_defaults(many: Many) -> Many:
    """The same options without the one that single files understand too."""
    return Many(**{**{item.name: getattr(many, item.name) for item in fields(Many)}, "keep_mtime": True})


def _quiet(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    """--quiet after the verb means what it means before it."""
    if value:
        ctx.find_root().params["quiet"] = True


_OPTIONS = [
    click.option("-j", "--jobs", type=click.IntRange(min=1), help="Files at once; one a processor by default."),
    click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object a file on standard output."),
    click.option("--fail-fast", is_flag=True, help="Stop at the first file that fails."),
    click.option("--skip-existing", is_flag=True, help="Leave outputs that exist, whoever made them."),
    click.option("--keep-suffix", is_flag=True, help="a.png becomes a.png.calo, so that a.jpg can stand beside it."),
    click.option(
        "--keep-mtime/--no-keep-mtime", default=True, help="Outputs get their source's time of change (the default)."
    ),
    click.option(
        "--engine",
        type=click.Choice(["here", "ray"]),
        default="here",
        help="Who works: this machine, or a Ray cluster.",
    ),
    click.option("--address", metavar="A", help="Of the Ray cluster; a local one by default."),
    click.option("--quiet", is_flag=True, expose_value=False, callback=_quiet, help="Errors only."),
]
_REPLACE = click.option(
    "--replace", is_flag=True, help="Remove originals, each after its .calo file was decoded and compared."
)


def options(verb: str) -> Callable[[Command], Command]:
    """Adds the options of folders to a verb; they arrive together as `many`."""
    chosen = [*_OPTIONS, _REPLACE] if verb == "encode" else _OPTIONS

    def added(command: Command) -> Command:
        @functools.wraps(command)
        def called(**words: Any) -> Any:
            names = {item.name for item in fields(Many)}
            many = Many(**{name: words.pop(name) for name in list(words) if name in names})
            return command(many=many, **words)

        for option in reversed(chosen):
            called = option(called)
        return called  # type: ignore[return-value]

    return added


def wanted(sources: Sequence[str], output: str | None, many: Many) -> bool:
    """Whether this is a matter of many pictures, and not of one file that becomes another.

    raises   UsageError for `-` among them, and for options of a cluster without one
    """
    from calotype.batch import places

    if many.address and many.engine != "ray":
        raise UsageError("--address", value=many.address, allowed="with --engine ray")
    _look_for_outputs(sources)
    standard = files.STANDARD in sources or output == files.STANDARD
    word = output or ""
    folder = places.is_address(word) or os.path.isdir(word) or word.endswith(("/", os.sep))  # noqa: PTH112
    if not (several(sources) or folder or many.asked):
        return False
    if standard:
        raise UsageError("-", value="standard input or output", allowed="one file, without options of folders")
    return True


def several(sources: Sequence[str]) -> bool:
    """Whether words name more than one file of this machine: several, a folder, a pattern, an address."""
    return len(sources) > 1 or any(os.path.isdir(word) or _open(word) for word in sources)  # noqa: PTH112


def _look_for_outputs(sources: Sequence[str]) -> None:
    """Raise for `calotype encode a.png b.calo`, as it is written for other encoders: here, outputs are named by -o."""
    if len(sources) == 2 and not os.path.lexists(sources[1]) and not _open(sources[1]):
        first, last = (os.path.splitext(word)[1].lower() for word in sources)  # noqa: PTH122
        if last and last != first and ".calo" in (first, last):
            error = UsageError("IN", value=sources[1], allowed="inputs")
            error.args = (f"{sources[1]} is not there; if it is the output, name it with -o {sources[1]}",)
            raise error


def _open(word: str) -> bool:
    """Whether a word names more than a file of this machine: a pattern or an address."""
    from calotype.batch import places
    from calotype.batch.finding import is_pattern

    return places.is_address(word) or is_pattern(word)


def run(
    verb: str, sources: Sequence[str], output: str | None, force: bool, many: Many, settings: Mapping[str, Any]
) -> int:
    """Do it, and return the exit code: 0, the code that all failures share, or 3 if only some failed or they differ."""
    from calotype.batch.planning import Request, plan

    if verb == "decode":
        from calotype import formats

        formats.check_suffix(settings["suffix"])
    request = Request(
        verb=verb,
        sources=sources,
        output=output,
        settings=dict(settings),
        force=force,
        skip_existing=many.skip_existing,
        replace=many.replace,
        keep_suffix=many.keep_suffix,
        keep_mtime=many.keep_mtime,
        dry=many.dry_run,
    )
    quiet = bool(click.get_current_context().find_root().params.get("quiet"))
    with plan(request) as planned:
        for said in planned.notes:
            note(f"note: {said}")
        progress = Progress(planned.total, len(planned.jobs), verb, quiet=quiet)
        counts: Counter[str] = Counter()
        codes: list[int] = []
        notes = _Notes()
        try:
            with closing(planned.do(_engine(planned, many))) as outcomes:
                for outcome in outcomes:
                    counts[outcome.status] += 1
                    _show(outcome, many, progress, len(codes))
                    notes.take(outcome)
                    if outcome.error:
                        codes.append(outcome.error.exit_code)
                        if many.fail_fast:
                            break
        except (KeyboardInterrupt, SystemExit):
            progress.clear()
            done = counts["done"] + counts["up-to-date"]
            click.echo(
                f"calotype: stopped; {done:,} of {planned.total:,} are finished and stay. "
                "The same command goes on from there",
                err=True,
            )
            raise
        finally:
            progress.clear()
    _sum_up(planned, counts, progress)
    notes.say()
    return exit_code(codes, sum(counts.values()))


def exit_code(codes: Sequence[int], inputs: int) -> int:
    """0 if no input failed, the code of all if all failed alike, else 3."""
    if not codes:
        return 0
    return codes[0] if len(set(codes)) == 1 and len(codes) == inputs else _SOME_FAILED


def _engine(planned: Run, many: Many) -> Engine:
    if many.engine == "ray":
        from calotype.batch import cluster

        return cluster.engine(many.address, many.jobs)
    return planned.usual_engine(many.jobs)


def _show(outcome: Outcome, many: Many, progress: Progress, failures: int) -> None:
    """One file: in the progress line, as JSON, and in a line of its own if it failed or has something to say."""
    from calotype.batch.outcomes import DONE, FAILED, PLANNED

    if many.as_json:
        progress.clear()
        said = {**asdict(outcome), "error": asdict(outcome.error) if outcome.error else None}
        for name in ("relative", "root", "name"):
            del said[name]
        click.echo(json.dumps(said))
    elif outcome.status == PLANNED:
        click.echo(f"{printable(outcome.source)} -> {printable(outcome.target)}")
    if outcome.error and failures < _SHOWN:
        progress.clear()
        message = outcome.error.message
        where = "" if outcome.source in message else f"{outcome.source}: "
        click.echo("calotype: " + printable(f"{where}{message}"), err=True)
    elif outcome.error and failures == _SHOWN:
        progress.clear()
        note("more failures follow; --json names them all")
    progress.add(
        outcome.source_bytes,
        outcome.target_bytes,
        worked=outcome.status in (DONE, FAILED) and outcome.worker > 0,
        failed=outcome.status == FAILED,
    )


class _Notes:
    """What files had to say, once for each kind of note: a thousand pictures of one camera say one thing."""

    def __init__(self) -> None:
        self._files: Counter[str] = Counter()
        self._first: dict[str, tuple[str, str]] = {}

    def take(self, outcome: Outcome) -> None:
        """Remember the notes of one file. Those that differ in figures only are of one kind."""
        for said in outcome.notes:
            kind = re.sub(r"\d[\d.,]*", "#", said)
            self._files[kind] += 1
            self._first.setdefault(kind, (outcome.source, said))

    def say(self) -> None:
        """The most frequent kinds, each with its first file."""
        for kind, count in self._files.most_common(_SHOWN):
            source, said = self._first[kind]
            others = f" (and {count - 1:,} more such)" if count > 1 else ""
            note(f"note: {printable(source)}: {printable(said)}{others}")
        if len(self._files) > _SHOWN:
            note(f"note: {len(self._files) - _SHOWN:,} more kinds of notes; --json has them all")


def _sum_up(planned: Run, counts: Counter[str], progress: Progress) -> None:
    from calotype.batch.finding import words_of

    words = {"done": "done", "up-to-date": "up to date", "exists": "left alone", "planned": "would be done"}
    said = [f"{counts[status]:,} {word}" for status, word in words.items() if counts[status]]
    if counts["failed"]:
        said.append(f"{counts['failed']:,} failed")
    missing = planned.total - sum(counts.values())
    if missing:
        said.append(f"{missing:,} not tried (--fail-fast)")
    if planned.total == 1 and counts["failed"]:
        return  # its error says it all
    line = ", ".join(said)
    if counts["done"] + counts["up-to-date"] and progress.bytes_in:
        line += f"; {savings(progress.bytes_in, progress.bytes_out)}"
    elif counts["planned"]:
        line += f"; {size_of(sum(job.stamp.size for job in planned.jobs))} to read"
    if counts["done"] and progress.seconds > 0:
        line += f"; {60 * counts['done'] / progress.seconds:.0f} pictures a minute"
    note(line)
    if planned.left:
        note(f"passed over in folders: {', '.join(words_of(planned.left))}")

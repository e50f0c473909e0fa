"""`calotype verify`: every checksum of .calo files, without making pixels of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from calotype.cli import files, folders
from calotype.cli.info import plain
from calotype.cli.limits import limits_of
from calotype.cli.main import concerning, note, printable
from calotype.errors import CalotypeError, UsageError

if TYPE_CHECKING:
    from calotype.limits import Limits
    from calotype.picture import Picture

__all__ = ["verify"]


@click.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file on standard output.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
@click.option(
    "--against", metavar="ORIGINAL", help="Decode, too: a lossless FILE must give the samples of this picture."
)
@click.option("--convert", metavar="HOW", help="How ORIGINAL was converted when FILE was made, as for encode.")
def verify(
    sources: tuple[str, ...], as_json: bool, max_pixels: int | None, against: str | None, convert: str | None
) -> int:
    """Check every checksum of FILE, a .calo file or a folder of them, and the hash of every tile's values.

    Exit code 0 if all is well, 4 if anything is damaged or missing, or a lossless FILE is not what ORIGINAL is.
    """
    limits, several = limits_of(max_pixels), folders.several(sources)
    if against is not None and several:
        raise UsageError("--against", value=f"{len(sources)} inputs", allowed="with one FILE")
    if not several:
        original = None if against is None else _original(against, limits, convert)
        _say(sources[0], _checked(files.read_bytes(sources[0]), sources[0], limits, original), as_json)
        return 0
    return _verify_many(sources, limits, as_json)


def _original(against: str, limits: Limits, convert: str | None) -> Picture:
    from calotype import formats

    with concerning(against):
        return formats.read(files.read_bytes(against), limits=limits, convert=convert)


def _checked(data: bytes, source: str, limits: Limits, original: Picture | None = None) -> dict[str, Any]:
    """What was checked; raises what is wrong, with the file's name."""
    from calotype import codec

    with concerning(source):
        report = plain(codec.verify(data, against=original, limits=limits))
    return {name: value for name, value in report.items() if value is not None}


def _say(source: str, report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"file": source, **report}))
    else:
        said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in report.items())
        click.echo(f"{printable(source)}: {said}")


def _verify_many(sources: tuple[str, ...], limits: Limits, as_json: bool) -> int:
    """One after the other; what is wrong with one does not stop the others."""
    from calotype.batch import finding, places

    search = finding.search(sources, finding.coded_pictures())
    wrong: list[tuple[str, CalotypeError]] = list(search.failures)
    for item in search.found:
        source = str(item.source)
        try:
            _say(source, _checked(places.read(item.source), source, limits), as_json)
        except CalotypeError as error:
            wrong.append((source, error))
    for source, error in wrong:
        if as_json:
            problem = {"type": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
            click.echo(json.dumps({"file": source, "error": problem}))
        where = "" if source in str(error) else f"{source}: "
        click.echo("calotype: " + printable(f"{where}{error}"), err=True)
    inputs = len(search.found) + len(search.failures)
    if not inputs:
        raise UsageError("FILE", value=" ".join(sources), allowed="folders that have .calo files")
    note(f"{inputs - len(wrong):,} as they should be" + (f", {len(wrong):,} not" if wrong else ""))
    return folders.exit_code([error.exit_code for _, error in wrong], inputs)

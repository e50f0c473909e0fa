"""`calotype verify`: every checksum of a .calo file, without making pixels of it."""

from __future__ import annotations

import click

from calotype.cli import files
from calotype.cli.info import plain
from calotype.cli.limits import limits_of
from calotype.cli.main import concerning

__all__ = ["verify"]


@click.command()
@click.argument("source", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
@click.option(
    "--against", metavar="ORIGINAL", help="Decode, too: a lossless FILE must give the samples of this picture."
)
@click.option("--convert", metavar="HOW", help="How ORIGINAL was converted when FILE was made, as for encode.")
def verify(source: str, as_json: bool, max_pixels: int | None, against: str | None, convert: str | None) -> None:
    """Check every checksum of FILE, a .calo file, and the hash of every tile's values.

    Exit code 0 if all is well, 4 if anything is damaged or missing, or a lossless FILE is not what ORIGINAL is.
    """
    data = files.read_bytes(source)

    from calotype import codec, formats

    original = None
    if against is not None:
        with concerning(against):
            original = formats.read(files.read_bytes(against), limits=limits_of(max_pixels), convert=convert)
    with concerning(source):
        report = plain(codec.verify(data, against=original, limits=limits_of(max_pixels)))
    report = {name: value for name, value in report.items() if value is not None}
    if as_json:
        import json

        click.echo(json.dumps({"file": source, **report}))
    else:
        click.echo(f"{source}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in report.items()))

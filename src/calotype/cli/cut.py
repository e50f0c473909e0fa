"""`calotype cut`: an embedded .calo file made shorter, without the picture that it was made of."""

from __future__ import annotations

import click

from calotype.cli import files
from calotype.cli.limits import limits_of
from calotype.cli.main import concerning, note
from calotype.cli.targets import Size

__all__ = ["cut"]


@click.command()
@click.argument("source", metavar="FILE", type=click.Path())
@click.option(
    "--size", type=Size(), metavar="BYTES", required=True, help="At most so large: 12000, 12KB, 1.5MB, 12KiB."
)
@click.option(
    "-o", "--output", metavar="OUT", type=click.Path(), required=True, help="The shorter file. `-`: standard output."
)
@click.option("-f", "--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
def cut(source: str, size: int, output: str, force: bool, max_pixels: int | None) -> int:
    """FILE, of a model whose files are embedded (`spiht`), cut to a size: a picture of less quality, no second encoding.

    Exit code 5 for a file of another model.
    """
    files.check_target(output, force=force)

    from calotype import cutting

    data = files.read_bytes(source)
    with concerning(source):
        shorter = cutting.cut(data, size, limits=limits_of(max_pixels))
    files.write_bytes(output, shorter, force=force)
    note(f"{source} -> {output}: {len(data):,} -> {len(shorter):,} bytes")
    return 0

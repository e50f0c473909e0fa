"""`calotype encode`: pictures become .calo files. Each concern adds its options from a file of its own."""

from __future__ import annotations

from typing import Any

import click

from calotype.cli import completion, files, folders, modes, targets
from calotype.cli.main import concerning, note
from calotype.errors import UsageError

__all__ = ["encode"]


@click.command()
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o", "--output", metavar="OUT|DIR", type=click.Path(), help="Beside IN by default. `-`: standard output."
)
@click.option("-q", "--quality", type=click.FloatRange(1, 100), show_default="60", help="1 small, 100 best.")
@targets.options
@modes.options("encode")
@click.option(
    "--model",
    default="swift",
    show_default=True,
    metavar="NAME",
    shell_complete=completion.models,
    help="See `calotype models list`.",
)
@click.option(
    "--effort",
    type=click.IntRange(0, 9),
    help="0 (default) to 9: more time, smaller files. With --model bespoke: how long it is fitted, 3 by default.",
)
@click.option("-f", "--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--threads", type=click.IntRange(min=1), help="All processors by default; the bytes never depend on it.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
@folders.options("encode")
def encode(sources: tuple[str, ...], output: str | None, force: bool, many: folders.Many, **settings: Any) -> int:
    """IN, a picture file, becomes a .calo file. Its EXIF, ICC and XMP are kept, and grey, alpha and 16 bits are as they are.

    IN may be several files, folders, patterns and addresses such as s3://bucket/folder.
    """
    if folders.wanted(sources, output, many):
        return folders.run("encode", sources, output, force, many, settings)
    (source,) = sources
    target = output or files.beside(source, ".calo")
    _check_suffix(target)
    files.check_target(target, force=force)

    from calotype import metrics
    from calotype.batch import one

    data = files.read_bytes(source)
    modified_ns = files.time_of(source) if many.keep_mtime else None
    with concerning(source):
        coded = one.encode_bytes(data, settings, note)
    for said in coded.notes:
        note(f"note: {said}")
    files.write_bytes(target, coded.data, force=force, modified_ns=modified_ns)
    rate = metrics.bpp(len(coded.data), coded.width_px, coded.height_px)
    size = f"{coded.width_px}x{coded.height_px}"
    note(f"{source} -> {target}: {size}, {len(data):,} -> {len(coded.data):,} bytes, {rate:.3f} bpp")
    return 0


def _check_suffix(target: str) -> None:
    """Raise for a name of another kind of picture: a .jpg that is none would mislead every program but ours."""
    others = (".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".jxl", ".tif", ".tiff", ".gif", ".bmp")
    if target.lower().endswith(others):
        suffix = target[target.rindex(".") :]
        raise UsageError("--output", value=target, allowed=f"a name that ends with .calo; it will be no {suffix} file")

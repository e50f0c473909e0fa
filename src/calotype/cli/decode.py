"""`calotype decode`: .calo files become pictures. Each concern adds its options from a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from calotype.cli import files, folders, modes
from calotype.cli.main import concerning, note
from calotype.errors import UsageError

__all__ = ["decode"]


@click.command()
@click.argument("sources", metavar="IN...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "--output",
    metavar="OUT|DIR",
    type=click.Path(),
    help="The picture; its suffix is its type. IN with .png by default.",
)
@click.option("--format", "kind", metavar="TYPE", help="Type of OUT where no suffix says it: png, ppm, webp, ...")
@click.option("--region", metavar="L,T,R,B", help="Only this rectangle of pixels: left, top, right, bottom.")
@click.option("--partial", is_flag=True, help="Of an embedded file that ends early, the picture that there is.")
@click.option("-f", "--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--threads", type=click.IntRange(min=1), help="All processors by default; the pixels never depend on it.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
@modes.options("decode")
@folders.options("decode")
def decode(
    sources: tuple[str, ...],
    output: str | None,
    kind: str | None,
    region: str | None,
    partial: bool,
    force: bool,
    many: folders.Many,
    **settings: Any,
) -> int:
    """IN, a .calo file, becomes a picture with the metadata it was encoded with.

    IN may be several files, folders, patterns and addresses such as s3://bucket/folder.
    """
    settings |= {"region": None if region is None else _rectangle(region)}
    suffix = f".{kind.lower().removeprefix('.')}" if kind else None
    if folders.wanted(sources, output, many):
        if partial:
            raise UsageError("--partial", value=f"{len(sources)} inputs", allowed="with one IN")
        return folders.run("decode", sources, output, force, many, settings | {"suffix": suffix or ".png"})
    (source,) = sources
    target = output or files.beside(source, suffix or ".png")
    suffix = suffix or (".png" if target == files.STANDARD else Path(target).suffix)
    files.check_target(target, force=force)

    from calotype import formats
    from calotype.batch import one

    formats.check_suffix(suffix)
    data = files.read_bytes(source)
    modified_ns = files.time_of(source) if many.keep_mtime else None
    with concerning(source):
        whole = _mended(data, settings["max_pixels"]) if partial else data
        if whole is not data:
            note(f"note: {source} ends early; of the picture there is what {len(data):,} bytes say")
        picture = one.decode_bytes(whole, settings | {"suffix": suffix})
    for said in picture.notes:
        note(f"note: {said}")
    files.write_bytes(target, picture.data, force=force, modified_ns=modified_ns)
    size = f"{picture.width_px}x{picture.height_px}"
    note(f"{source} -> {target}: {size}, {len(data):,} -> {len(picture.data):,} bytes")
    return 0


def _mended(data: bytes, max_pixels: int | None) -> bytes:
    from calotype import cutting
    from calotype.cli.limits import limits_of

    return cutting.mended(data, limits=limits_of(max_pixels))


def _rectangle(region: str) -> tuple[int, int, int, int]:
    """Left, top, right, bottom; whether they lie in the picture is the codec's question."""
    try:
        left, top, right, bottom = (int(word) for word in region.split(","))
    except ValueError:
        raise UsageError("--region", value=region, allowed="four integers: left,top,right,bottom") from None
    return left, top, right, bottom

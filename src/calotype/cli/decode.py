"""`calotype decode`: a .calo file becomes a picture file."""

from __future__ import annotations

from pathlib import Path

import click

from calotype.cli import files
from calotype.cli.main import concerning, note
from calotype.errors import UsageError

__all__ = ["decode"]


@click.command()
@click.argument("source", metavar="IN")
@click.option("-o", "--output", metavar="OUT", help="The picture; its suffix is its type. IN with .png by default.")
@click.option("--format", "kind", metavar="TYPE", help="Type of OUT where no suffix says it: png, ppm, webp, ...")
@click.option("--region", metavar="L,T,R,B", help="Only this rectangle of pixels: left, top, right, bottom.")
@click.option("-f", "--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--threads", type=click.IntRange(min=1), help="All processors by default; the pixels never depend on it.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
def decode(
    source: str,
    output: str | None,
    kind: str | None,
    region: str | None,
    force: bool,
    threads: int | None,
    max_pixels: int | None,
) -> None:
    """IN, a .calo file, becomes a picture with the metadata it was encoded with."""
    suffix = f".{kind.lower().removeprefix('.')}" if kind else None
    target = output or files.beside(source, suffix or ".png")
    suffix = suffix or (".png" if target == files.STANDARD else Path(target).suffix)
    files.check_target(target, force=force)
    rectangle = None if region is None else _rectangle(region)

    from calotype import codec, formats
    from calotype.cli.limits import limits_of

    formats.check_suffix(suffix)
    data = files.read_bytes(source)
    with concerning(source):
        picture = codec.decode(data, limits=limits_of(max_pixels), region=rectangle, threads=threads)
    written, lost = formats.write(picture, suffix)
    for said in lost:
        note(f"note: {said}")
    files.write_bytes(target, written, force=force)
    note(f"{source} -> {target}: {picture.width_px}x{picture.height_px}, {len(data):,} -> {len(written):,} bytes")


def _rectangle(region: str) -> tuple[int, int, int, int]:
    """Left, top, right, bottom; whether they lie in the picture is the codec's question."""
    try:
        left, top, right, bottom = (int(word) for word in region.split(","))
    except ValueError:
        raise UsageError("--region", value=region, allowed="four integers: left,top,right,bottom") from None
    return left, top, right, bottom

"""`calotype encode`: a picture file becomes a .calo file."""

from __future__ import annotations

import click

from calotype.cli import files
from calotype.cli.main import concerning, note

__all__ = ["encode"]


@click.command()
@click.argument("source", metavar="IN")
@click.option("-o", "--output", metavar="OUT", help="The .calo file; beside IN by default. `-` is standard output.")
@click.option(
    "-q", "--quality", type=click.FloatRange(1, 100), default=60.0, show_default=True, help="1 small, 100 best."
)
@click.option("--model", default="swift", show_default=True, metavar="NAME", help="See `calotype models list`.")
@click.option("-f", "--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--threads", type=click.IntRange(min=1), help="All processors by default; the bytes never depend on it.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
def encode(
    source: str,
    output: str | None,
    quality: float,
    model: str,
    force: bool,
    threads: int | None,
    max_pixels: int | None,
) -> None:
    """IN, a picture file of 8-bit RGB, becomes a .calo file. Its EXIF, ICC and XMP are kept."""
    target = output or files.beside(source, ".calo")
    files.check_target(target, force=force)

    from calotype import codec, formats, metrics
    from calotype.cli.limits import limits_of
    from calotype.model import store

    data = files.read_bytes(source)
    with concerning(source):
        picture = formats.read(data, limits=limits_of(max_pixels))
    for said in picture.left_out:
        note(f"note: {said}")
    coded = codec.encode(picture, store.find(model), quality=quality, threads=threads)
    files.write_bytes(target, coded, force=force)
    rate = metrics.bpp(len(coded), picture.width_px, picture.height_px)
    size = f"{picture.width_px}x{picture.height_px}"
    note(f"{source} -> {target}: {size}, {len(data):,} -> {len(coded):,} bytes, {rate:.3f} bpp")

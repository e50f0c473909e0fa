"""`calotype scramble`: a picture whose blocks a key has mixed, for somebody who compresses what he may not see; and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from calotype.cli import files
from calotype.cli.limits import limits_of
from calotype.cli.main import concerning, note

__all__ = ["scramble"]


@click.command()
@click.argument("source", metavar="IN", type=click.Path())
@click.option(
    "--key-file",
    metavar="FILE",
    type=click.Path(),
    required=True,
    help="Its bytes are the key: head -c 32 /dev/urandom > key",
)
@click.option("--undo", is_flag=True, help="IN is scrambled, perhaps compressed since: put it together again.")
@click.option(
    "-o", "--output", metavar="OUT", type=click.Path(), required=True, help="A picture; its suffix is its type."
)
@click.option("-f", "--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
def scramble(source: str, key_file: str, undo: bool, output: str, force: bool, max_pixels: int | None) -> int:
    """IN, a picture or a .calo file, with its blocks of 16x16 pixels moved, turned, negated and their colours exchanged.

    Any codec still compresses OUT, also with loss, and --undo with the same key puts together what it decodes to. It
    hides a picture from a glance; it is no cipher. No EXIF, XMP or comments are kept: a thumbnail would show the picture.
    """
    files.check_target(output, force=force)

    from calotype import codec, formats, scrambling
    from calotype.container.layout import MAGIC
    from calotype.errors import UsageError
    from calotype.picture import upright

    suffix = ".png" if output == files.STANDARD else Path(output).suffix
    formats.check_suffix(suffix)
    if source == files.STANDARD == key_file:
        raise UsageError("--key-file", value="-", allowed="a file, where IN is standard input")
    key, data, limits = files.read_bytes(key_file), files.read_bytes(source), limits_of(max_pixels)
    with concerning(source):
        if data[: len(MAGIC)] == MAGIC:
            picture = codec.decode(data, limits=limits)
        else:
            picture = formats.read(data, limits=limits)
    picture = upright(picture).stripped(("exif", "xmp", "comments"))
    change = scrambling.unscrambled if undo else scrambling.scrambled
    written, lost = formats.write(replace(picture, pixels=change(picture.pixels, key)), suffix)
    for said in lost:
        note(f"note: {said}")
    files.write_bytes(output, written, force=force)
    note(f"{source} -> {output}: {picture.width_px}x{picture.height_px}, {len(data):,} -> {len(written):,} bytes")
    return 0

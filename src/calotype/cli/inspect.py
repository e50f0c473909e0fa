"""`calotype inspect`: where the bytes of a .calo file went, as a table, as JSON, and as a map over the picture."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import click

from calotype.cli import files
from calotype.cli.info import plain
from calotype.cli.limits import limits_of
from calotype.cli.main import concerning, note

if TYPE_CHECKING:
    from calotype.inspection import Inspection, Spent

__all__ = ["inspect"]

BAR = 28  # letters
MOST_TILES = 8  # are listed; JSON has all


@click.command()
@click.argument("source", metavar="FILE")
@click.option("--map", "target", metavar="OUT.png", help="Draw the bits per pixel over the picture.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, with every tile.")
@click.option("--force", is_flag=True, help="Replace OUT.png if it is there.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Accept larger pictures than the default limit.")
def inspect(source: str, target: str | None, as_json: bool, force: bool, max_pixels: int | None) -> None:
    """Where the bytes of FILE, a .calo file, went: chunks, latents, tiles, and places of the picture.

    Every tile is decoded and checked on the way.
    """
    if target is not None:
        files.check_target(target, force=force)
    data = files.read_bytes(source)

    from calotype import inspection

    with concerning(source):
        found = inspection.inspect(data, limits=limits_of(max_pixels))
        drawn = _map(data, found, max_pixels) if target is not None else b""
    if target is not None:
        files.write_bytes(target, drawn, force=force)
        note(f"map of {found.map_bits.shape[1]} by {found.map_bits.shape[0]} blocks written to {target}")
    if as_json:
        said = plain(found)
        said["map"] = {"block_px": inspection.BLOCK_PX, "bits": found.map_bits.round(1).tolist()}
        del said["map_bits"]
        click.echo(json.dumps({"file": source, **said}))
    elif target != files.STANDARD:
        click.echo("\n".join(_table(source, found)))


def _map(data: bytes, found: Inspection, max_pixels: int | None) -> bytes:
    """The map as PNG."""
    from calotype import codec, heatmap, inspection

    pixels = codec.decode(data, limits=limits_of(max_pixels)).pixels
    out = io.BytesIO()
    heatmap.draw(found.map_bits, pixels, inspection.BLOCK_PX).save(out, "PNG")
    return out.getvalue()


def _table(source: str, found: Inspection) -> list[str]:
    """What people read."""
    info = found.info
    coded = "exact" if info.lossless else f"quality {info.quality:g}" if info.quality else "a model"
    name = info.model_installed or info.model_id
    by = "" if info.lossless else f" by {name}"
    lines = [
        f"{source}: {info.width_px} x {info.height_px}, {info.mode or 'planes'} of {info.depth_bits} bits, {coded}{by}",
        f"{found.file_bytes:,} bytes, {info.bpp:.3f} bits per pixel",
        f"sha256     {found.sha256}",
        f"file hash  {found.file_hash}",
        "",
    ]
    if info.fallback:
        lines.insert(2, f"fell back: {info.fallback}")
    lines += _rows("where the bytes went", found.parts)
    lines += ["", *_rows("chunks", found.chunks, counted=True)]
    costly = sorted(found.tiles, key=lambda tile: -tile.bpp)
    head = "tiles" if len(costly) <= MOST_TILES else f"tiles: the {MOST_TILES} with the most bits of {len(costly)}"
    lines += ["", f"{head:<34}{'bytes':>10}  bits/pixel  check"]
    for tile in costly[:MOST_TILES]:
        rate = f" {tile.rate_index}" if tile.mode == "model" else ""
        place = f"{tile.width_px}x{tile.height_px} at {tile.left_px},{tile.top_px}"
        group = f" group {tile.group}" if tile.group else ""
        said = f"  {tile.number}  {place}{group}  {tile.mode}{rate}"
        lines.append(f"{said:<34}{tile.bytes:>10,}  {tile.bpp:>10.3f}  {tile.check}")
    return lines


def _rows(head: str, rows: tuple[Spent, ...], *, counted: bool = False) -> list[str]:
    """Name, bytes, share and a bar for each."""
    out = [f"{head:<34}{'bytes':>10}   share"]
    most = max((row.share for row in rows), default=1)
    for row in rows:
        name = row.name if not counted or row.count == 1 else f"{row.name}  x {row.count:,}"
        bar = "#" * max(1, round(BAR * row.share / most)) if row.bytes else ""
        out.append(f"  {name:<32}{row.bytes:>10,.0f}  {_percent(row.share):>6}  {bar}".rstrip())
    return out


def _percent(share: Any) -> str:
    return f"{100 * share:.1f} %"

"""`calotype demo`: an included photograph at three qualities, beside what else could be used, in figures and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from calotype.cli import files
from calotype.cli.main import note

if TYPE_CHECKING:
    import numpy as np

    from calotype.cli.peers import Peer, Point

__all__ = ["demo"]

QUALITIES = (25, 50, 75)
PHOTOGRAPH = "sumac"
ORIGIN = (
    "GB82 Image Dataset by Gianni Rosato, CC0; in no test set that results are reported on, in no training set of ours"
)
# Left, top, side of the part that the comparison enlarges, in pixels: the fruit, a branch and blurred background.
DETAIL = (216, 196, 192)


@click.command()
@click.option("--out", metavar="DIR", help="Where to write; by default a new folder calotype-demo here.")
@click.option("-f", "--force", is_flag=True, help="Replace files that are in DIR already.")
def demo(out: str | None, force: bool) -> None:
    """Compress an included photograph at three qualities and compare it with Pillow's JPEG, WebP and AVIF."""
    folder = Path(out) if out else _free_folder(Path("calotype-demo"))
    names = [f"{PHOTOGRAPH}-q{quality}{suffix}" for quality in QUALITIES for suffix in (".calo", ".png")]
    files.make_folder(folder)
    for name in (*names, "comparison.png"):  # refuse before any work
        files.check_target(str(folder / name), force=force)

    from importlib.resources import files as packaged

    from PIL import features

    from calotype import codec, formats, metrics
    from calotype.cli.peers import AVIF, JPEG, WEBP, Point
    from calotype.model import store

    picture = formats.read((packaged("calotype") / "demo" / f"{PHOTOGRAPH}.png").read_bytes())
    model = store.find("swift")
    peers = [kind(picture.pixels) for kind in (AVIF, WEBP, JPEG)]
    if not features.check("avif"):
        note("note: this Pillow was built without AVIF, so it is left out")
        del peers[0]
    click.echo(f"{PHOTOGRAPH}.png, {picture.width_px}x{picture.height_px}: {ORIGIN}.")
    click.echo(
        "Each other codec at the PSNR that Calotype reached; sizes interpolated between its two nearest settings."
    )
    for peer in peers:
        click.echo(f"  {peer.name}: Pillow's, {peer.said}")
    smallest: tuple[bytes, np.ndarray] | None = None
    for quality in QUALITIES:
        data = codec.encode(picture, model, quality=quality)
        decoded = codec.decode(data)
        smallest = smallest or (data, decoded.pixels)
        files.write_bytes(str(folder / f"{PHOTOGRAPH}-q{quality}.calo"), data, force=force)
        files.write_bytes(str(folder / f"{PHOTOGRAPH}-q{quality}.png"), formats.write(decoded, ".png")[0], force=force)
        similarity = metrics.ms_ssim(picture.pixels, decoded.pixels)
        ours = Point(len(data), metrics.psnr(picture.pixels, decoded.pixels), similarity)
        _print_table(quality, ours, peers, picture.width_px * picture.height_px)
    assert smallest is not None
    sheet = _comparison(picture.pixels, *smallest, peers[-1])
    files.write_bytes(str(folder / "comparison.png"), sheet, force=force)
    click.echo(f"\nOne picture proves little. Files to look at, and comparison.png at equal size: {folder.resolve()}")


def _free_folder(wished: Path) -> Path:
    """`wished`, or the first of wished-2, wished-3, ... that does not exist."""
    folder, number = wished, 1
    while folder.exists():
        number += 1
        folder = wished.with_name(f"{wished.name}-{number}")
    return folder


def _print_table(quality: int, ours: Point, peers: list[Peer], pixels: int) -> None:
    """Size, bpp, PSNR, MS-SSIM of ours and of the peers at equal PSNR, the smallest first."""
    rows: list[tuple[str, Point | None]] = [("Calotype", ours)]
    for peer in peers:
        note(f"quality {quality}: looking for {peer.name} at {ours.psnr_db:.2f} dB")
        rows.append((peer.name, peer.at_psnr(ours.psnr_db)))
    click.echo(f"\nquality {quality:<3}        bytes     bpp   PSNR dB   MS-SSIM   size against Calotype")
    for name, point in sorted(rows, key=lambda row: row[1].file_bytes if row[1] else float("inf")):
        if point is None:
            click.echo(f"  {name:10} its settings do not reach this PSNR")
            continue
        against = "" if point is ours else f"{100 * (point.file_bytes / ours.file_bytes - 1):+.0f} %"
        figures = (
            f"{point.file_bytes:9,.0f} {8 * point.file_bytes / pixels:7.3f} {point.psnr_db:9.2f} {point.ms_ssim:9.4f}"
        )
        click.echo(f"  {name:14} {figures}   {against}".rstrip())


def _comparison(original: np.ndarray, data: bytes, ours: np.ndarray, jpeg: Peer) -> bytes:
    """A PNG: original, Calotype and JPEG at no more bytes than ours, whole and a detail enlarged, with labels."""
    import io

    from PIL import Image, ImageDraw, ImageFont

    from calotype import metrics

    jpeg_data, jpeg_pixels, jpeg_db = jpeg.at_size(len(data))
    too_large = " (its smallest)" if len(jpeg_data) > len(data) else ""
    columns = [
        (f"original, {original.size:,} bytes of samples", original),
        (f"Calotype, {len(data):,} bytes, {metrics.psnr(original, ours):.2f} dB", ours),
        (f"JPEG, {len(jpeg_data):,} bytes{too_large}, {jpeg_db:.2f} dB", jpeg_pixels),
    ]
    height, width = original.shape[:2]
    left, top, side = DETAIL
    gap, label = 12, 34
    sheet = Image.new("RGB", (3 * width + 4 * gap, 2 * label + height + width + 3 * gap), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=20)
    for column, (said, pixels) in enumerate(columns):
        x = gap + column * (width + gap)
        draw.text((x, gap), said, fill="black", font=font)
        whole = Image.fromarray(pixels)
        sheet.paste(whole, (x, gap + label))
        draw.text((x, 2 * gap + label + height), f"detail, {width / side:.0f} times enlarged", fill="black", font=font)
        detail = whole.crop((left, top, left + side, top + side)).resize((width, width), Image.Resampling.NEAREST)
        sheet.paste(detail, (x, 2 * gap + 2 * label + height))
    target = io.BytesIO()
    sheet.save(target, "PNG", compress_level=6)
    return target.getvalue()

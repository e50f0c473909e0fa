"""`info`: what a .calo file says of itself in its header and chunks; nothing is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from calotype import container, exif, planes, rates
from calotype.container import Colour, Mode, PictureFile
from calotype.container.layout import MAJOR
from calotype.errors import CalotypeError
from calotype.limits import DEFAULT, Limits
from calotype.model import store

__all__ = ["Info", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What a file says of itself in its header and chunks; nothing is decoded.

    mode              "1", "L", "LA", "RGB" or "RGBA", whatever the depth; None where a Picture can't hold it
    quality           the dial, None where it is not stated or every sample is exact by promise
    lossless          whether every sample comes back exactly
    fallback          what the encoder did instead of what was asked, because that was larger or worse; None if nothing
    rate_index        of the tiles that a model codes, if all have the same
    orientation       how to turn the pixels, 1..8; None where nothing says it
    model_installed   whether the model it names is there, and under which name
    metadata_bytes    of EXIF, ICC, XMP and comments together
    """

    format_version: str
    width_px: int
    height_px: int
    mode: str | None
    planes: int
    depth_bits: int
    alpha: bool
    quality: float | None
    lossless: bool
    fallback: str | None
    bpp: float
    model_id: str
    model_installed: str | None
    rate_index: int | None
    tile_px: int
    tiles: int
    tile_modes: dict[str, int]
    orientation: int | None
    metadata_bytes: dict[str, int]


def info(data: bytes, limits: Limits = DEFAULT) -> Info:
    """What a file says of itself; damaged files are refused as `decode` does."""
    file = container.parse(data, limits)
    header, said = file.header, file.metadata
    modes = [tile.mode for tile in file.tiles]
    modelled = (Mode.MODEL, Mode.OVERLAID)
    rate_indices = {tile.rate_index for tile in file.tiles if tile.mode in modelled}
    sizes = {"exif": said.exif, "icc": said.icc, "xmp": said.xmp}
    return Info(
        format_version=f"{MAJOR}.{header.minor}",
        width_px=header.width_px,
        height_px=header.height_px,
        mode=_mode(file),
        planes=header.planes,
        depth_bits=header.plane_groups[0].depth,
        alpha=any(group.colour in (Colour.ALPHA, Colour.PREMULTIPLIED_ALPHA) for group in header.plane_groups),
        quality=header.quality,
        lossless=not rate_indices,
        fallback=_fallback(file, rate_indices),
        bpp=8 * len(data) / (header.width_px * header.height_px),
        model_id=header.model_id.hex(),
        model_installed=store.name_of(header.model_id),
        rate_index=rate_indices.pop() if len(rate_indices) == 1 else None,
        tile_px=header.tile_px,
        tiles=len(modes),
        tile_modes={mode.name.lower(): modes.count(mode) for mode in dict.fromkeys(modes)},
        orientation=said.orientation or (exif.orientation_of(said.exif) if said.exif else None),
        metadata_bytes={name: len(value) for name, value in sizes.items() if value},
    )


def _mode(file: PictureFile) -> str | None:
    try:
        planes.check(file.header)
    except CalotypeError:
        return None
    colour = file.header.plane_groups[0]
    if colour.depth == 1:
        return "1"
    return ("L" if colour.planes == 1 else "RGB") + ("A" if len(file.header.plane_groups) > 1 else "")


def _fallback(file: PictureFile, rate_indices: set[int]) -> str | None:
    """A stated quality and tiles that are not what it means: the encoder had a reason (checking.py)."""
    quality = file.header.quality
    if quality is None:
        return None
    if not rate_indices:
        return "coded exactly: the model was larger, or worse than it promises"
    try:
        asked = rates.index(quality, store.by_identity(file.header.model_id).manifest)
    except CalotypeError:  # the model is not installed, or has no such quality
        return None
    raised = max(rate_indices)
    over = sum(tile.mode is Mode.OVERLAID for tile in file.tiles)
    if over and raised <= asked:
        return f"{over} of {file.header.rows * file.header.columns} tiles coded exactly: the model was larger there"
    return f"rate raised from {asked} to {raised}: the model was worse than it promises" if raised > asked else None

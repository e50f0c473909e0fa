"""From the bytes of a file to its picture, or to the certainty that they are in order.

container/ reads the bytes, modelled.py decodes colours that a model codes, planes.py what is coded exactly. Results never
depend on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from calotype import container, modelled, overlays, planes, windows
from calotype.container import Header, Metadata, Mode, PictureFile
from calotype.errors import CorruptError, UnsupportedError, UsageError
from calotype.limits import DEFAULT, Limits
from calotype.model import store
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.tiles import Batch, Region
from calotype.workers import working

__all__ = ["Report", "decode", "latents", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `verify` has checked; anything wrong was raised as an error.

    exact      whether the pixels are those of the picture it was compared with; None if it was compared with none
    psnr_db    of all planes against that picture; None where they are equal
    """

    tiles: int
    file_bytes: int
    checked: str = "every checksum, and the hash of every tile's values"
    exact: bool | None = None
    psnr_db: float | None = None


def decode(
    data: bytes,
    *,
    limits: Limits = DEFAULT,
    region: tuple[int, int, int, int] | None = None,
    threads: int | None = None,
    model: Model | None = None,
) -> Picture:
    """The picture of a .calo file, or a rectangle of it.

    region   left, top, right, bottom in pixels; only the tiles that it needs are decoded
    model    instead of looking the file's model up in the store
    raises   FormatError, UnsupportedError, LimitError, ModelError, UsageError
    """
    file = container.parse(data, limits)
    exact, area = _exact_groups(file, limits), _area(region, file.header)
    depth = file.header.plane_groups[0].depth
    pixels = np.empty((area.height, area.width, file.header.planes), np.uint16 if depth > 8 else np.uint8)

    if 0 not in exact:
        model = _model_for(file, model)
        grid = modelled.grid_of(file.header, model, limits)
        grey = file.header.plane_groups[0].planes == 1

        def take(window: Region, colours: np.ndarray) -> None:
            place = window.within(area)
            pixels[place.rows, place.cols, : 1 if grey else 3] = planes.one_grey(colours) if grey else colours

        modelled.synthesise(overlays.beneath(file), model, grid, modelled.windows_for(area, grid, file), take, threads)
    with working(threads if exact or overlays.numbers(file) else 1) as (pool, _):
        first = 0
        overlays.decode(file, area, pixels[..., : file.header.plane_groups[0].planes], pool=pool)
        for group, entry in enumerate(file.header.plane_groups):
            if group in exact:
                planes.decode(file, group, area, pixels[..., first : first + entry.planes], pool=pool)
            first += entry.planes
    return _picture_of(pixels * np.uint8(255) if depth == 1 else pixels, depth == 1, file.metadata)


def verify(
    data: bytes,
    *,
    against: Picture | None = None,
    limits: Limits = DEFAULT,
    threads: int | None = None,
    model: Model | None = None,
) -> Report:
    """Check every checksum of a file and the hash of every tile's values; nothing is synthesised without `against`.

    against  the picture that the file was made of: an exact file must give its samples, of any other the PSNR is told
    raises   as `decode`; UsageError if `against` has another size or mode, CorruptError if an exact file differs
    """
    file = container.parse(data, limits)
    exact = _exact_groups(file, limits)
    if 0 not in exact:
        model = _model_for(file, model)
        grid = modelled.grid_of(file.header, model, limits)
        modelled.decode_tiles(overlays.beneath(file), model, grid, threads)
    said, each = container.header_bytes(file.header), file.header.rows * file.header.columns
    with working(threads if exact else 1) as (pool, _):
        numbers = [number for group in exact for number in range(group * each, (group + 1) * each)]
        for _ in windows.run(partial(planes.read_tile, file, said), numbers, pool=pool, in_flight=4):
            pass
        for number in overlays.numbers(file):
            overlays.read_tile(file, said, number)
    if against is None:
        return Report(tiles=len(file.tiles), file_bytes=len(data))
    found = decode(data, limits=limits, threads=threads, model=model)
    psnr_db = _compared(found, against)
    if psnr_db is not None and len(exact) == file.header.groups:
        raise CorruptError("samples", found=f"others than the original's, {psnr_db:.2f} dB", expected="equal ones")
    return Report(tiles=len(file.tiles), file_bytes=len(data), exact=psnr_db is None, psnr_db=psnr_db)


def latents(data: bytes, *, limits: Limits = DEFAULT, model: Model | None = None) -> list[dict[str, np.ndarray]]:
    """The values of every tile, as the file fixes them for ever: {name: [c, h, w]}.

    Tiles of a model: float32, multiples of 1/16. Tiles coded exactly: {"samples": integers}. Overlaid ones have both.
    """
    file = container.parse(data, limits)
    exact, found = _exact_groups(file, limits), {}
    if 0 not in exact:
        model = _model_for(file, model)
        grid = modelled.grid_of(file.header, model, limits)

        def take(batch: Batch, values: Mapping[str, Any]) -> None:
            for row, number in enumerate(batch.tiles):
                found[number] = {name: array[row] for name, array in values.items()}

        modelled.decode_tiles(overlays.beneath(file), model, grid, 1, take)
    said = container.header_bytes(file.header)
    for number in range(len(file.tiles)):
        if number not in found:
            found[number] = {"samples": planes.read_tile(file, said, number)}
    for number in overlays.numbers(file):
        found[number] = found[number] | {"samples": overlays.read_tile(file, said, number)}
    return [found[number] for number in range(len(file.tiles))]


# --- the parts of the path ------------------------------------------------------------------------------------------


def _exact_groups(file: PictureFile, limits: Limits) -> tuple[int, ...]:
    """Numbers of the plane groups that are coded exactly; refuses what this release can't decode."""
    header, each = file.header, file.header.rows * file.header.columns
    planes.check(header)
    exact = []
    for group in range(header.groups):
        modes = {tile.mode for tile in file.tiles[group * each : (group + 1) * each]}
        if not modes & {Mode.MODEL, Mode.OVERLAID}:
            exact.append(group)
        elif group > 0 or modes - {Mode.MODEL, Mode.OVERLAID}:
            found = ", ".join(sorted(mode.name for mode in modes))
            supported = "MODEL and OVERLAID for the colours, or LOSSLESS and RAW for all of a group"
            raise UnsupportedError(f"coding of tiles in plane group {group}", found=found, supported=supported)
    if any(len(tile.segments) > 1 for tile in file.tiles if tile.mode in (Mode.LOSSLESS, Mode.RAW)):
        raise UnsupportedError("tiles", found="in several segments", supported="one segment each, without a model")
    if file.shared and 0 in exact:
        raise UnsupportedError(
            "picture payload", found="colours without a model", supported="what a model's walk prepares"
        )
    if exact:
        planes.spend(header, limits)
    return tuple(exact)


def _model_for(file: PictureFile, model: Model | None) -> Model:
    """The model of a file whose colours a model codes."""
    header = file.header
    if header.plane_groups[0].depth != 8:
        raise UnsupportedError("depth of colours that a model codes", found=header.plane_groups[0].depth, supported=8)
    if model is None:
        return store.by_identity(header.model_id)
    if model.identity[:8] != header.model_id:
        raise UsageError("model", value=model.identity[:8], allowed=f"{header.model_id.hex()}, which the file names")
    return model


def _compared(found: Picture, original: Picture) -> float | None:
    """The PSNR of all samples, None where they are equal."""
    kinds = [(p.width_px, p.height_px, p.mode, p.depth_bits) for p in (found, original)]
    if kinds[0] != kinds[1]:
        said = ["{}x{} pixels, {} with {} bits".format(*kind) for kind in kinds]
        raise UsageError("against", value=said[1], allowed=f"{said[0]}, as the file has")
    if np.array_equal(found.pixels, original.pixels):
        return None
    errors = found.pixels.astype(np.float32) - original.pixels
    mean = float(np.square(errors, out=errors).mean(dtype=np.float64))
    return round(10 * math.log10(np.iinfo(found.pixels.dtype).max ** 2 / mean), 3)


def _area(region: tuple[int, int, int, int] | None, header: Header) -> Region:
    if region is None:
        return Region(0, header.height_px, 0, header.width_px)
    left, top, right, bottom = region
    if not (0 <= left < right <= header.width_px and 0 <= top < bottom <= header.height_px):
        allowed = f"left < right <= {header.width_px}, top < bottom <= {header.height_px}"
        raise UsageError("region", value=region, allowed=allowed)
    return Region(top, bottom, left, right)


def _picture_of(pixels: np.ndarray, bilevel: bool, said: Metadata) -> Picture:
    return Picture(
        pixels,
        exif=said.exif or b"",
        icc=said.icc or b"",
        xmp=said.xmp or b"",
        dpi=said.resolution.dpi if said.resolution else None,
        modified_ns=said.modified_ns,
        comments=said.comments,
        bilevel=bilevel,
        turned=said.orientation,
    )

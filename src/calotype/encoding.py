"""From a picture to the bytes of a file: which planes a model codes and which exactly, and what is done if that was bad.

Colours go through a model (modelled.py), alpha and whole pictures without loss are coded exactly (planes.py), container/
holds the bytes, selfcheck.py looks at what was written and checking.py decides about it. Here they meet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from calotype import checking, container, modelled, overlays, planes, rates, refining, sharing, transforms
from calotype.checking import Attempt, Settled
from calotype.container import QUALITY_LOSSLESS, Header, Metadata, Order, PictureFile, Resolution
from calotype.errors import UnsupportedError, UsageError
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.selfcheck import Sight
from calotype.workers import count_of, working

__all__ = ["Encoded", "colours_of", "encode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What `encode` has written.

    lossless   whether every sample comes back exactly
    rate_index   of the model's tiles, None where none is coded by a model
    psnr_db    of the colours, as the check saw them (windows of a large picture); inf if lossless, None without a check
    notes      what was done otherwise than asked, and why, one sentence each
    """

    data: bytes
    lossless: bool
    rate_index: int | None
    psnr_db: float | None
    notes: tuple[str, ...] = ()


def encode(
    picture: Picture,
    model: Model | None,
    *,
    quality: float = 60.0,
    lossless: bool = False,
    check: bool = True,
    threads: int | None = None,
    rate_index: int | None = None,
    alpha: dict[int, bytes] | None = None,
    effort: int = 0,
    fitted: transforms.Fitted | None = None,
) -> Encoded:
    """The bytes of a .calo file, and what was done to get them.

    model       may be None where nothing is lost: `lossless`, and black and white
    quality     1..100; the model maps it to one of 1024 rates
    lossless    every sample comes back exactly, whatever its depth; quality means nothing then
    check       decode what was written; where the model is larger than exact coding, or worse than it promises, raise the
                rate or code exactly, whichever is smaller (checking.py)
    threads     how many to use, all processors by default; the bytes never depend on it
    rate_index  instead of a quality, for searches: coded at this rate and no other
    alpha       streams of alpha by tile, which no rate changes: filled, and used, by searches over the same picture
    effort      passes, 0 to 9, in which latents are chosen again after a look at the picture (refining.py): smaller files
    fitted      latents and networks that were fitted to the colours at that rate index (fit/), for a model that takes some
    raises      UnsupportedError for 16 bits without `lossless`, UsageError
    """
    count_of(threads)
    if lossless or picture.bilevel:
        notes = () if lossless else ("black and white is coded exactly, whatever the quality",)
        data = _exactly(picture, QUALITY_LOSSLESS, check, threads)
        return Encoded(data=data, lossless=True, rate_index=None, psnr_db=math.inf, notes=notes)
    if picture.depth_bits > 8:
        way_out = "code it exactly with --lossless (lossless=True in Python), or --convert 8bit (8 of 16 bits are lost)"
        raise UnsupportedError("lossy coding of", found="16 bits a sample", supported="8 bits", hint=way_out)
    if model is None:
        raise UsageError("model", value=None, allowed="a model, for pictures that are not coded exactly")
    quality = quality if rate_index is None else rates.quality_of(rate_index, model.manifest)
    rate, stated = rates.index(quality, model.manifest) if rate_index is None else rate_index, round(quality * 100)
    colours, alpha = colours_of(picture), {} if alpha is None else alpha
    promise = checking.promised_db(model.manifest, quality) if check and rate_index is None else None

    def once(rate: int, colours: np.ndarray, over: dict[int, bytes]) -> tuple[Attempt, PictureFile]:
        sight = Sight(colours, _planes_of(picture) == 1) if check else None
        file = _modelled(picture, colours, model, stated, rate, sight, threads, alpha, effort, fitted, over)
        data = container.build(file)
        seen = sight.psnr_db(data, model, promise, threads) if sight else None
        return Attempt(rate, data, seen, overlaid=len(over)), file

    exact: dict[int, bytes] = {}  # streams of tiles, which no rate changes

    def attempt(rate: int) -> Attempt:
        found, file = once(rate, colours, {})
        if fitted is None and promise is not None:
            over = _overlaid(picture, colours, file, exact, threads)
            if len(over) == file.header.rows * file.header.columns:
                return replace(found, exact_bytes=sum(map(len, over.values())))
            if over:
                second, _ = once(rate, overlays.continued(colours, file.header, over), over)
                found = second if len(second.data) < len(found.data) else found
        return found

    if check and rate_index is None:
        guess = checking.exact_bytes_guessed(colours)
        exactly = partial(_exactly, picture, stated, check, threads)
        found = checking.settle(attempt, exactly, rate=rate, promise_db=promise, guessed_bytes=guess)
    else:
        only = attempt(rate)
        found = Settled(only.data, only)
    if found.attempt is None:
        return Encoded(data=found.data, lossless=True, rate_index=None, psnr_db=math.inf, notes=found.notes)
    return Encoded(
        data=found.data,
        lossless=False,
        rate_index=found.attempt.rate,
        psnr_db=found.attempt.psnr_db,
        notes=(*_said(found.attempt), *found.notes),
    )


def _said(attempt: Attempt) -> tuple[str, ...]:
    many = "1 tile" if attempt.overlaid == 1 else f"{attempt.overlaid} tiles"
    return (f"{many} coded exactly, in fewer bytes than the model takes there",) if attempt.overlaid else ()


def _overlaid(
    picture: Picture, colours: np.ndarray, file: PictureFile, known: dict[int, bytes], threads: int | None
) -> dict[int, bytes]:
    """Streams of the tiles of a file that are shorter exactly; a walk that writes segments has none."""
    tiles = file.tiles[: file.header.rows * file.header.columns]
    if any(len(tile.segments) > 1 for tile in tiles):
        return {}
    with working(threads) as (pool, _):
        return overlays.choose(colours[..., : _planes_of(picture)], tiles, file.header, known, pool=pool)


def _planes_of(picture: Picture) -> int:
    """Planes of the colours."""
    return picture.planes - picture.has_alpha


def _exactly(picture: Picture, stated: int, check: bool, threads: int | None) -> bytes:
    """A file without a model: every plane is coded exactly."""
    header = Header(
        width_px=picture.width_px,
        height_px=picture.height_px,
        model_id=bytes(8),
        plane_groups=planes.groups_of(picture),
        quality_100ths=stated,
        tile_px=planes.tile_px(picture.height_px, picture.width_px),
    )
    with working(threads) as (pool, _):
        tiles = [
            tile
            for group in range(header.groups)
            for tile in planes.encode(planes.samples_of(picture, group), header, group, check=check, pool=pool)
        ]
    return container.build(PictureFile(header=header, tiles=tuple(tiles), ancillary=_metadata_of(picture).chunks()))


def _modelled(
    picture: Picture,
    colours: np.ndarray,
    model: Model,
    stated: int,
    rate: int,
    sight: Sight | None,
    threads: int | None,
    alpha: dict[int, bytes],
    effort: int,
    fitted: transforms.Fitted | None,
    over: dict[int, bytes],
) -> PictureFile:
    """A file whose colours, uint8 [h, w, 3], the model codes; alpha, and what lies `over` some tiles, is exact."""
    header = Header(
        width_px=picture.width_px,
        height_px=picture.height_px,
        model_id=model.identity[:8],
        plane_groups=planes.groups_of(picture),
        quality_100ths=stated,
        tile_px=model.manifest.tile_px,
    )
    shared = sharing.encode(colours, header, model, rate, fitted)
    chosen = refining.refined(colours, header, model, rate, effort, threads) if effort else None
    look = sight.look if sight else None
    tiles = modelled.encode(colours, header, model, rate, threads, shared, look, fitted, chosen)
    if over:
        tiles = overlays.laid(colours_of(picture)[..., : _planes_of(picture)], tiles, over, header, shared)
    if picture.has_alpha:
        with working(threads) as (pool, _):
            samples = planes.samples_of(picture, 1)
            tiles += planes.encode(samples, header, 1, check=sight is not None, pool=pool, known=alpha, shared=shared)
    said = _metadata_of(picture).chunks()
    return PictureFile(header=header, tiles=tuple(tiles), shared=shared, ancillary=said, order=Order.BY_SEGMENT)


def colours_of(picture: Picture) -> np.ndarray:
    """What the model codes, uint8 [h, w, 3]: grey as three equal planes, hidden colours as they cost little."""
    pixels = planes.samples_of(picture, 0)
    if picture.has_alpha:
        pixels = planes.smoothed(pixels, picture.pixels[..., -1])
    return np.broadcast_to(pixels, (picture.height_px, picture.width_px, 3))


def _metadata_of(picture: Picture) -> Metadata:
    return Metadata(
        exif=picture.exif or None,
        icc=picture.icc or None,
        xmp=picture.xmp or None,
        modified_ns=picture.modified_ns,
        resolution=Resolution.from_dpi(*picture.dpi) if picture.dpi else None,
        comments=picture.comments,
        orientation=picture.turned,
    )

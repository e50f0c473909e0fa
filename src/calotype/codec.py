"""The main path, from top to bottom: picture -> planes -> tiles -> container, and back, for every kind of picture.

Colours go through a model (modelled.py), alpha and whole pictures without loss are coded exactly (planes.py), container/
holds the bytes, checking.py decides about a file that is larger or worse than promised. Here they meet. Results never
depend on the number of threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from calotype import checking, container, modelled, planes, rates, sharing, windows
from calotype.checking import Attempt, Settled
from calotype.container import QUALITY_LOSSLESS, Header, Metadata, Mode, PictureFile, Resolution
from calotype.describing import Info, info
from calotype.errors import CorruptError, UnsupportedError, UsageError
from calotype.limits import DEFAULT, Limits
from calotype.model import store
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.tiles import Region
from calotype.workers import count_of, working

__all__ = ["Encoded", "Info", "Report", "decode", "encode", "encode_reported", "info", "latents", "verify"]

# Our own files, looked at again: the picture is in memory already.
_OWN = replace(DEFAULT, max_pixels=2**62, max_samples=2**62, max_tiles=2**32, max_chunks=2**33, max_tile_px=2**15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """What `encode_reported` has written.

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
) -> bytes:
    """The bytes of a .calo file; the parameters are those of `encode_reported`, which also says what was done."""
    options = {"quality": quality, "lossless": lossless, "check": check, "threads": threads, "rate_index": rate_index}
    return encode_reported(picture, model, alpha=alpha, **options).data


def encode_reported(
    picture: Picture,
    model: Model | None,
    *,
    quality: float = 60.0,
    lossless: bool = False,
    check: bool = True,
    threads: int | None = None,
    rate_index: int | None = None,
    alpha: dict[int, bytes] | None = None,
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
    colours, alpha = _colours(picture), {} if alpha is None else alpha

    def attempt(rate: int) -> Attempt:
        data = _modelled(picture, colours, model, stated, rate, check, threads, alpha)
        return Attempt(rate, data, _looked_at(data, colours, model, threads) if check else None)

    if check and rate_index is None:
        promise, guess = checking.promised_db(model.manifest, quality), checking.exact_bytes_guessed(colours)
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
        notes=found.notes,
    )


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
    check: bool,
    threads: int | None,
    alpha: dict[int, bytes],
) -> bytes:
    """A file whose colours, uint8 [h, w, 3], the model codes; alpha is coded exactly."""
    header = Header(
        width_px=picture.width_px,
        height_px=picture.height_px,
        model_id=model.identity[:8],
        plane_groups=planes.groups_of(picture),
        quality_100ths=stated,
        tile_px=model.manifest.tile_px,
    )
    shared = sharing.encode(colours, header, model, rate)
    tiles = modelled.encode(colours, header, model, rate, threads, shared)
    if picture.has_alpha:
        with working(threads) as (pool, _):
            samples = planes.samples_of(picture, 1)
            tiles += planes.encode(samples, header, 1, check=check, pool=pool, known=alpha, shared=shared)
    said = _metadata_of(picture).chunks()
    return container.build(PictureFile(header=header, tiles=tuple(tiles), shared=shared, ancillary=said))


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
            pixels[place.rows, place.cols, : 1 if grey else 3] = _one_grey(colours) if grey else colours

        modelled.synthesise(file, model, grid, modelled.windows_for(area, grid, file), take, threads)
    with working(threads if exact else 1) as (pool, _):
        first = 0
        for group, entry in enumerate(file.header.plane_groups):
            if group in exact:
                planes.decode(file, group, area, pixels[..., first : first + entry.planes], pool=pool)
            first += entry.planes
    return _picture_of(pixels * np.uint8(255) if depth == 1 else pixels, depth == 1, file.metadata)


def _looked_at(data: bytes, colours: np.ndarray, model: Model, threads: int | None) -> float:
    """Decode every tile of a file that was just written; the PSNR of its colours, -inf if it can't be read back.

    A large picture is synthesised in places only: what is asked is whether the model copes, not by how much.
    """
    file = container.parse(data, _OWN)
    grid = modelled.grid_of(file.header, model)
    area = _area(None, file.header)
    jobs = checking.sampled(modelled.windows_for(area, grid, file))
    squares: dict[Region, float] = {}  # added up in the order of the windows, whatever thread was first

    def take(window: Region, found: np.ndarray) -> None:
        grey = file.header.plane_groups[0].planes == 1
        part = np.broadcast_to(_one_grey(found), found.shape) if grey else found
        squares[window] = float(
            np.square(part.astype(np.int16) - colours[window.rows, window.cols], dtype=np.int64).sum()
        )

    try:
        modelled.synthesise(file, model, grid, jobs, take, threads, every_tile=True)
    except CorruptError:
        return -math.inf
    mean = sum(squares[job] for job in jobs) / sum(3 * job.height * job.width for job in jobs)
    return 10 * math.log10(255**2 / mean) if mean else math.inf


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
        modelled.decode_tiles(file, model, grid, threads)
    said, each = container.header_bytes(file.header), file.header.rows * file.header.columns
    with working(threads if exact else 1) as (pool, _):
        numbers = [number for group in exact for number in range(group * each, (group + 1) * each)]
        for _ in windows.run(partial(planes.read_tile, file, said), numbers, pool=pool, in_flight=4):
            pass
    if against is None:
        return Report(tiles=len(file.tiles), file_bytes=len(data))
    found = decode(data, limits=limits, threads=threads, model=model)
    psnr_db = _compared(found, against)
    if psnr_db is not None and len(exact) == file.header.groups:
        raise CorruptError("samples", found=f"others than the original's, {psnr_db:.2f} dB", expected="equal ones")
    return Report(tiles=len(file.tiles), file_bytes=len(data), exact=psnr_db is None, psnr_db=psnr_db)


def latents(data: bytes, *, limits: Limits = DEFAULT, model: Model | None = None) -> list[dict[str, np.ndarray]]:
    """The values of every tile, as the file fixes them for ever: {name: [c, h, w]}.

    Tiles of a model: float32, multiples of 1/16. Tiles coded exactly: {"samples": integers}.
    """
    file = container.parse(data, limits)
    exact, found = _exact_groups(file, limits), {}
    if 0 not in exact:
        model = _model_for(file, model)
        grid = modelled.grid_of(file.header, model, limits)
        modelled.decode_tiles(file, model, grid, 1, found.__setitem__)
    said = container.header_bytes(file.header)
    for number in range(len(file.tiles)):
        if number not in found:
            found[number] = {"samples": planes.read_tile(file, said, number)}
    return [found[number] for number in range(len(file.tiles))]


# --- the parts of the path ----------------------------------------------------------------------------------------


def _exact_groups(file: PictureFile, limits: Limits) -> tuple[int, ...]:
    """Numbers of the plane groups that are coded exactly; refuses what this release can't decode."""
    header, each = file.header, file.header.rows * file.header.columns
    planes.check(header)
    exact = []
    for group in range(header.groups):
        modes = {tile.mode for tile in file.tiles[group * each : (group + 1) * each]}
        if Mode.MODEL not in modes:
            exact.append(group)
        elif group > 0 or len(modes) > 1:
            found = ", ".join(sorted(mode.name for mode in modes))
            supported = "MODEL for all tiles of the colours, LOSSLESS and RAW"
            raise UnsupportedError(f"coding of tiles in plane group {group}", found=found, supported=supported)
    if any(len(tile.segments) > 1 for tile in file.tiles):
        raise UnsupportedError("tiles", found="in several segments", supported="one segment each")
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


def _colours(picture: Picture) -> np.ndarray:
    """What the model codes, uint8 [h, w, 3]: grey as three equal planes, hidden colours as they cost little."""
    pixels = planes.samples_of(picture, 0)
    if picture.has_alpha:
        pixels = planes.smoothed(pixels, picture.pixels[..., -1])
    return np.broadcast_to(pixels, (picture.height_px, picture.width_px, 3))


def _one_grey(colours: np.ndarray) -> np.ndarray:
    """The rounded mean of three planes, uint8 [h, w, 1]."""
    return ((colours.astype(np.uint16).sum(2, keepdims=True, dtype=np.uint16) + 1) // 3).astype(np.uint8)


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

"""The main path, from top to bottom: picture -> latents -> tiles -> walk -> container, and back.

Each step lives elsewhere: transforms.py (pixels and latents), walks/ (order of coding), coding/ (ports and rANS),
container/ (bytes), model/ (networks and tables). Here they meet. Results never depend on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from calotype import container, rates, transforms, walks, windows
from calotype.coding.reader import Reader
from calotype.coding.writer import Writer
from calotype.container import Header, Metadata, Mode, PictureFile, Resolution, Segment, Tile
from calotype.container.layout import MAJOR
from calotype.errors import CorruptError, UnsupportedError, UsageError
from calotype.limits import DEFAULT, Limits
from calotype.model import store
from calotype.model.bundle import Model
from calotype.picture import Picture
from calotype.strips import Strips
from calotype.tiles import Batch, Grid, Region, plan, windows_of
from calotype.workers import Workers

__all__ = ["Info", "Report", "decode", "encode", "info", "latents", "verify"]

WINDOW_PX, WINDOW_HEIGHT_PX = 1024, 512
LARGE_PX = 12_000_000  # of larger ones, windows are half as wide: 3 % slower, 20 MiB less
TILE_PIXELS_AT_ONCE = 2**21  # in lock-step, at about 60 bytes each: eight tiles of 512x512


class _AtOnce(NamedTuple):
    """How much is in memory at a time: more of either is faster and takes more of it (docs/speed.md)."""

    tiles: int  # in lock-step
    walks: int  # batches of them, side by side


_SMALL, _LARGE = _AtOnce(tiles=4, walks=2), _AtOnce(tiles=2, walks=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What a file says of itself in its header and chunks; nothing is decoded.

    model_installed   whether the model it names is there, and under which name
    metadata_bytes    of EXIF, ICC, XMP and comments together
    """

    format_version: str
    width_px: int
    height_px: int
    planes: int
    depth_bits: int
    quality: float | None
    bpp: float
    model_id: str
    model_installed: str | None
    tile_px: int
    tiles: int
    tile_modes: dict[str, int]
    orientation: int | None
    metadata_bytes: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `verify` has checked; anything wrong was raised as an error."""

    tiles: int
    file_bytes: int
    checked: str = "every checksum, and the hash of every tile's latents"


def encode(picture: Picture, model: Model, *, quality: float = 60.0, threads: int | None = None) -> bytes:
    """The bytes of a .calo file.

    quality   1..100; the model maps it to one of 1024 rates
    threads   how many to use, all processors by default; the bytes never depend on it
    """
    rate = rates.index(quality, model.manifest)
    header = Header(
        width_px=picture.width_px,
        height_px=picture.height_px,
        model_id=model.identity[:8],
        quality_100ths=round(quality * 100),
        tile_px=model.manifest.tile_px,
    )
    grid, said = _grid(header, model), container.header_bytes(header)
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    at_once = _at_once(grid.height * grid.width, grid.side_px)
    with _threads(threads, at_once) as (pool, walker):
        _start(model, pool, ("decoder", "encoder"))
        analysis = transforms.of(model).analysis(picture.pixels, grid, rate, pool)

        def analysed(batch: Batch) -> tuple[Batch, list[Callable[[], list[dict[str, np.ndarray]]]]]:
            """The batch, and functions that return the latents of its tiles, begun in idle time."""
            pairs = [partial(_latents, analysis, model, grid, pair) for pair in grid.pairs(batch)]
            return batch, pairs if pool is None else [pool.later.submit(pair).result for pair in pairs]

        def encoded(item: tuple[Batch, list[Callable[[], list[dict[str, np.ndarray]]]]]) -> list[tuple[bytes, bytes]]:
            batch, pairs = item
            port = Writer(
                _shapes(model, batch),
                model.banks,
                _ranges(model),
                _tradeoffs(model, rate),
                keys=[container.tile_key(said, tile) for tile in batch.tiles],
            )
            pieces = transforms.stacked([piece for pair in pairs for piece in pair()])
            walk(model.nets(np.full(len(batch.tiles), rate), pool), port, pieces)
            return port.finish()

        tiles = {
            tile: Tile(number=tile, segments=(Segment(data, check),), rate_index=rate)
            for (batch, _), streams in windows.run(
                encoded, map(analysed, grid.batches(at_once.tiles)), pool=walker, in_flight=1 + at_once.walks
            )
            for tile, (data, check) in zip(batch.tiles, streams, strict=True)
        }
    ordered = tuple(tiles[number] for number in range(len(grid)))
    return container.build(PictureFile(header=header, tiles=ordered, ancillary=_metadata_of(picture).chunks()))


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
    model = _model_for(file, model)
    transform, grid = transforms.of(model), _grid(file.header, model, limits)
    area = _area(region, file.header)
    jobs = _windows(area, grid, file)
    strips = Strips(grid, transform.stored(), windows=jobs, reach_px=transform.reach_px)
    tile_rates = np.array([tile.rate_index for tile in file.tiles])
    pixels = np.empty((area.height, area.width, 3), np.uint8)

    def synthesise(window: Region) -> None:
        place = window.within(area)
        pixels[place.rows, place.cols] = transform.window(strips, tile_rates, window)
        strips.release(window)

    at_once = _at_once(area.height * area.width, grid.side_px)
    steps = plan(grid, jobs, reach_px=transform.reach_px, most=at_once.tiles)
    with _threads(threads, at_once) as (pool, walker):
        _start(model, pool, ("decoder",))

        def ready() -> Generator[Region, None, None]:
            """Windows, each as soon as the tiles around it are decoded; walks go on beside synthesis."""
            batches = (batch for step in steps for batch in step.batches)
            decode_one = partial(_decode_batch, file, model, pool=pool, take=strips.write)
            with closing(windows.run(decode_one, batches, pool=walker, in_flight=1 + at_once.walks)) as decoded:
                for step in steps:
                    for _ in step.batches:
                        next(decoded)
                    yield from step.windows

        later, in_flight = (None, None) if pool is None else (pool.later, 2 + pool.count)
        with closing(ready()) as items:
            for _ in windows.run(synthesise, items, pool=later, in_flight=in_flight):
                pass
    return _picture_of(pixels, file.metadata)


def verify(data: bytes, *, limits: Limits = DEFAULT, threads: int | None = None, model: Model | None = None) -> Report:
    """Check every checksum of a file and the hash of every tile's latents; nothing is synthesised.

    raises   as `decode`
    """
    file = container.parse(data, limits)
    model = _model_for(file, model)
    grid = _grid(file.header, model, limits)
    at_once = _at_once(grid.height * grid.width, grid.side_px)
    with _threads(threads, at_once) as (pool, walker):
        decode_one = partial(_decode_batch, file, model, pool=pool, take=lambda tile, arrays: None)
        for _ in windows.run(decode_one, grid.batches(at_once.tiles), pool=walker, in_flight=1 + at_once.walks):
            pass
    return Report(tiles=len(grid), file_bytes=len(data))


def latents(data: bytes, *, limits: Limits = DEFAULT, model: Model | None = None) -> list[dict[str, np.ndarray]]:
    """The values of every tile, as the file fixes them for ever: {name: float32 [c, h, w]}, multiples of 1/16."""
    file = container.parse(data, limits)
    model = _model_for(file, model)
    grid, found = _grid(file.header, model, limits), {}
    for batch in grid.batches(_at_once(grid.height * grid.width, grid.side_px).tiles):
        _decode_batch(file, model, batch, pool=None, take=found.__setitem__)
    return [found[number] for number in range(len(grid))]


def info(data: bytes, limits: Limits = DEFAULT) -> Info:
    """What a file says of itself; damaged files are refused as `decode` does."""
    file = container.parse(data, limits)
    header, said = file.header, file.metadata
    group, modes = header.plane_groups[0], [tile.mode.name.lower() for tile in file.tiles]
    sizes = {"exif": said.exif, "icc": said.icc, "xmp": said.xmp}
    return Info(
        format_version=f"{MAJOR}.{header.minor}",
        width_px=header.width_px,
        height_px=header.height_px,
        planes=header.planes,
        depth_bits=group.depth,
        quality=header.quality,
        bpp=8 * len(data) / (header.width_px * header.height_px),
        model_id=header.model_id.hex(),
        model_installed=store.name_of(header.model_id),
        tile_px=header.tile_px,
        tiles=len(file.tiles),
        tile_modes={mode: modes.count(mode) for mode in dict.fromkeys(modes)},
        orientation=said.orientation,
        metadata_bytes={name: len(value) for name, value in sizes.items() if value},
    )


# --- the parts of the path ----------------------------------------------------------------------------------------


def _decode_batch(
    file: PictureFile,
    model: Model,
    batch: Batch,
    *,
    pool: Executor | None,
    take: Callable[[int, dict[str, np.ndarray]], None],
) -> None:
    """Decode equal tiles in lock-step and hand each one's arrays to `take`; raises CorruptError naming damaged tiles."""
    said, tiles = container.header_bytes(file.header), [file.tiles[number] for number in batch.tiles]
    port = Reader(
        _shapes(model, batch),
        model.banks,
        _ranges(model),
        streams=[tile.segments[0].data for tile in tiles],
        hashes=[tile.segments[0].check for tile in tiles],
        keys=[container.tile_key(said, tile.number) for tile in tiles],
        strict=False,
    )
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    values = walk(model.nets(np.array([tile.rate_index for tile in tiles]), pool), port)
    damaged = [number for number, bad in zip(batch.tiles, port.finish(), strict=True) if bad]
    if damaged:
        raise CorruptError("latents of tiles", found=damaged, expected="values that fit their hash")
    for row, number in enumerate(batch.tiles):
        take(number, {name: array[row] for name, array in values.items()})


def _grid(header: Header, model: Model, limits: Limits | None = None) -> Grid:
    """The tiles of a picture; a tile is decoded at once, so a reader bounds its side before anything is allocated."""
    if limits is not None:
        limits.spend("max_tile_px", header.tile_px, "pixels of a tile's side")
    if header.tile_px % model.manifest.align_px:
        raise CorruptError("tile side", found=header.tile_px, expected=f"a multiple of {model.manifest.align_px}")
    return Grid(header.height_px, header.width_px, header.tile_px, model.manifest.align_px)


def _at_once(pixels: int, tile_px: int) -> _AtOnce:
    """For so many wanted pixels in tiles of this side: large tiles come singly, whatever a file makes them."""
    tiles, side_by_side = _SMALL if pixels <= LARGE_PX else _LARGE
    return _AtOnce(max(1, min(tiles, TILE_PIXELS_AT_ONCE // tile_px**2)), side_by_side if tile_px <= 1024 else 1)


def _shapes(model: Model, batch: Batch) -> dict[str, tuple[int, int, int, int]]:
    """[b, c, h, w] of every coded name of a batch."""
    return {
        name: (len(batch.tiles), latent.channels, -(-batch.height // latent.stride), -(-batch.width // latent.stride))
        for name, latent in model.manifest.latents.items()
        if latent.coded
    }


def _ranges(model: Model) -> dict[str, tuple[int, int]]:
    return {name: (latent.low, latent.high) for name, latent in model.manifest.latents.items() if latent.coded}


def _tradeoffs(model: Model, rate: int) -> Mapping[str, np.ndarray]:
    """What a squared step of distortion is worth in bits, [1, c, 1, 1], for names that the model has it for."""
    named = [name for name in _ranges(model) if f"anchors/log_tradeoff.{name}" in model.encoder_floats]
    return {name: np.exp(model.floats(f"log_tradeoff.{name}", rate))[None, :, None, None] for name in named}


def _model_for(file: PictureFile, model: Model | None) -> Model:
    """The model of a file; refuses what this release can't decode."""
    header = file.header
    modes = {tile.mode for tile in file.tiles}
    if modes != {Mode.MODEL} or any(len(tile.segments) > 1 for tile in file.tiles) or file.shared:
        found = ", ".join(sorted(mode.name for mode in modes))
        raise UnsupportedError("coding of tiles", found=found, supported="MODEL in one segment")
    if [(g.planes, g.depth, g.repeats) for g in header.plane_groups] != [(3, 8, 1)]:
        raise UnsupportedError("planes", found=header.plane_groups, supported="three of 8 bits")
    if model is None:
        return store.by_identity(header.model_id)
    if model.identity[:8] != header.model_id:
        raise UsageError("model", value=model.identity[:8], allowed=f"{header.model_id.hex()}, which the file names")
    return model


def _windows(area: Region, grid: Grid, file: PictureFile) -> tuple[Region, ...]:
    """Windows of the wanted area; one for each tile where tiles have different rates, since a window has one."""
    if len({tile.rate_index for tile in file.tiles}) == 1:
        wide = area.height * area.width <= LARGE_PX
        return windows_of(area, WINDOW_PX if wide else WINDOW_PX // 2, WINDOW_HEIGHT_PX)
    return tuple(grid[tile].clipped(area) for tile in grid.needed(area))


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
    )


def _picture_of(pixels: np.ndarray, said: Metadata) -> Picture:
    return Picture(
        pixels,
        exif=said.exif or b"",
        icc=said.icc or b"",
        xmp=said.xmp or b"",
        dpi=said.resolution.dpi if said.resolution else None,
        modified_ns=said.modified_ns,
        comments=said.comments,
    )


def _workers(threads: int | None) -> int:
    if threads is not None and threads < 1:
        raise UsageError("threads", value=threads, allowed="1 and above")
    if threads is not None:
        return threads
    # The processors that this process may use, where the system tells.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _threads(threads: int | None, at_once: _AtOnce) -> Iterator[tuple[Workers | None, Executor | None]]:
    """A pool for rows and windows, and one of threads that walk batches; None twice for one thread in all."""
    count = _workers(threads)
    if count == 1:
        yield None, None
        return
    pool, walker = Workers(count), ThreadPoolExecutor(at_once.walks, thread_name_prefix="calotype-walk")
    try:
        yield pool, walker
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # first, so that a walk which nobody waits for ends early
        walker.shutdown(wait=True, cancel_futures=True)
        pool.shutdown(wait=True)


def _start(model: Model, pool: Workers | None, parts: tuple[str, ...]) -> None:
    """Begin to load the networks that will be needed, in idle time: 0.1 s of work before a first small picture."""
    if pool is not None:
        for name, net in model.manifest.nets.items():
            if net.part in parts:
                pool.later.submit(model.net(name).start)


def _latents(
    analysis: transforms.Analysis, model: Model, grid: Grid, tiles: tuple[int, ...]
) -> list[dict[str, np.ndarray]]:
    """Latents of neighbouring tiles, analysed together: they share what analysis needs around them."""
    first, last = grid[tiles[0]], grid[tiles[-1]]
    whole = Region(first.top, last.bottom, first.left, last.right)
    found = analysis.latents(whole)
    pieces = []
    for tile in tiles:
        place = grid[tile].within(whole)
        parts = {name: place.over(model.manifest.latents[name].stride) for name in found}
        pieces.append({name: found[name][:, part.rows, part.cols] for name, part in parts.items()})
    return pieces

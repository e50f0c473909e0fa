"""Colour planes through a model: windows of pixels become latents, tiles of latents become streams, and back.

Each step lives elsewhere: transforms.py (pixels and latents), walks/ (order of coding), coding/ (ports and rANS), model/
(networks and tables). Files, alpha and metadata are codec.py's business.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from calotype import container, sharing, synthesis, transforms, walks, windows
from calotype.coding.hashing import RowHashes
from calotype.coding.reader import Reader
from calotype.coding.rereading import reread
from calotype.coding.segments import Segments
from calotype.coding.writer import Writer
from calotype.container import Header, PictureFile, Segment, Tile
from calotype.errors import CorruptError, UnsupportedError
from calotype.limits import Limits
from calotype.model.bundle import Model
from calotype.synthesis import Windows
from calotype.tiles import Batch, Grid, Region, plan, windows_of
from calotype.workers import Workers, working

__all__ = [
    "Look",
    "decode_tiles",
    "encode",
    "grid_of",
    "ranges",
    "readers_of",
    "segmented",
    "shapes",
    "synthesise",
    "tradeoffs",
    "windows_for",
]

WINDOW_PX, WINDOW_HEIGHT_PX = 1024, 512
LARGE_PX = 12_000_000  # of larger ones, windows are half as wide: 3 % slower, 20 MiB less
TILE_PIXELS_AT_ONCE = 2**21  # in lock-step, at about 60 bytes each: eight tiles of 512x512


class _AtOnce(NamedTuple):
    """How much is in memory at a time: more of either is faster and takes more of it (docs/speed.md)."""

    tiles: int  # in lock-step
    walks: int  # batches of them, side by side


@dataclass(slots=True)
class Look:
    """What an encoder wants to see of the tiles that it writes, while their values are at hand (checking.py).

    windows   to be synthesised from the values that were written, in raster order
    take      is handed each window's colours, uint8 [h, w, 3], on any thread
    damaged   filled: tiles whose stream does not give its values again
    unread    filled: tiles whose walk coded more than calls of values, so that only a reader can tell
    """

    windows: tuple[Region, ...]
    take: Callable[[Region, np.ndarray], None]
    damaged: set[int] = field(default_factory=set)
    unread: set[int] = field(default_factory=set)


_SMALL, _LARGE = _AtOnce(tiles=4, walks=2), _AtOnce(tiles=2, walks=1)


def encode(
    colours: np.ndarray,
    header: Header,
    model: Model,
    rate: int,
    threads: int | None,
    shared: tuple[Segment, ...] = (),
    look: Look | None = None,
    fitted: transforms.Fitted | None = None,
    refined: transforms.Analysis | None = None,
) -> list[Tile]:
    """The tiles of the colours, uint8 [h, w, 3], at one rate index; the bytes never depend on `threads`.

    shared   the picture's own payload, where the walk has one (sharing.py)
    look     what is checked of the tiles on the way; it changes no byte
    fitted   latents that were chosen already (fit/), in place of the transform's analysis
    refined  latents in its place that are rounded as always (refining.py)
    """
    grid, said = grid_of(header, model), container.header_bytes(header)
    prepared = sharing.decode(shared, header, model, rate)
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    at_once = _at_once(grid.height * grid.width, grid.side_px)
    with working(threads, at_once.walks) as (pool, walker):
        _start(model, pool, ("decoder", "encoder"))
        analysis = fitted or refined or transforms.of(model).analysis(colours, grid, rate, pool)
        worth = tradeoffs(model, rate) if fitted is None else {}
        rates = np.full(len(grid), rate)
        seen = None if look is None else Windows(model, grid, rates, look.windows, look.take, prepared)

        def analysed(batch: Batch) -> tuple[Batch, list[Callable[[], list[dict[str, np.ndarray]]]]]:
            """The batch, and functions that return the latents of its tiles, begun in idle time."""
            pairs = [partial(_latents, analysis, model, grid, pair) for pair in grid.pairs(batch)]
            return batch, pairs if pool is None else [pool.later.submit(pair).result for pair in pairs]

        def encoded(item: tuple[Batch, list[Callable[[], list[dict[str, np.ndarray]]]]]) -> list[tuple[Segment, ...]]:
            batch, pairs = item
            sizes, keys = shapes(model, batch), [container.tile_key(said, tile, shared=shared) for tile in batch.tiles]

            embedded = getattr(walk, "embedded", False)

            def writer(segment: int) -> Writer:
                placed = [container.tile_key(said, tile, segment, shared) for tile in batch.tiles]
                return Writer(
                    sizes, model.banks, ranges(model), worth, keys=placed, keep=look is not None, embedded=embedded
                )

            port = Segments(writer) if segmented(walk, header) else writer(0)
            pieces = transforms.stacked([piece for pair in pairs for piece in pair()])
            values = walk(model.nets(np.full(len(batch.tiles), rate), pool, shared=prepared), port, pieces)
            written = port.finish()
            several = list(zip(*written, strict=True)) if isinstance(port, Segments) else [(one,) for one in written]
            if look is not None and seen is not None:
                seen.write(batch, values)
                if port.calls is None:
                    look.unread.update(batch.tiles)
                else:
                    wrong = reread(port.calls, sizes, model.banks, written, keys)
                    look.damaged.update(tile for tile, bad in zip(batch.tiles, wrong, strict=True) if bad)
            return [tuple(Segment(*one) for one in segments) for segments in several]

        tiles: dict[int, Tile] = {}

        def ready() -> Generator[Region, None, None]:
            """Windows that are looked at, each as soon as the tiles around it are written."""
            items = map(analysed, grid.batches(at_once.tiles))
            with closing(windows.run(encoded, items, pool=walker, in_flight=1 + at_once.walks)) as done:
                for (batch, _), streams in done:
                    for tile, segments in zip(batch.tiles, streams, strict=True):
                        tiles[tile] = Tile(number=tile, segments=segments, rate_index=rate)
                    if seen is not None:
                        yield from seen.ready(batch)

        synthesis.finish(ready(), seen, pool)
    return [tiles[number] for number in range(len(grid))]


def synthesise(
    file: PictureFile,
    model: Model,
    grid: Grid,
    jobs: tuple[Region, ...],
    take: Callable[[Region, np.ndarray], None],
    threads: int | None,
) -> None:
    """Decode the tiles that these windows need, and hand each window's colours to `take`."""
    tile_rates = np.array([tile.rate_index for tile in file.tiles[: len(grid)]])
    prepared = sharing.decode(file.shared, file.header, model, file.tiles[0].rate_index)
    seen = Windows(model, grid, tile_rates, jobs, take, prepared)
    at_once = _at_once(sum(window.height * window.width for window in jobs), grid.side_px)
    steps = plan(grid, jobs, reach_px=seen.reach_px, most=at_once.tiles)
    with working(threads, at_once.walks) as (pool, walker):
        _start(model, pool, ("decoder",))

        def ready() -> Generator[Region, None, None]:
            """Windows, each as soon as the tiles around it are decoded; walks go on beside synthesis."""
            batches = [batch for step in steps for batch in step.batches]
            decode_one = partial(_decode_batch, file, model, prepared, pool=pool, take=seen.write)
            with closing(windows.run(decode_one, batches, pool=walker, in_flight=1 + at_once.walks)) as decoded:
                for step in steps:
                    for _ in step.batches:
                        next(decoded)
                    yield from step.windows

        synthesis.finish(ready(), seen, pool)


def decode_tiles(
    file: PictureFile,
    model: Model,
    grid: Grid,
    threads: int | None,
    take: Callable[[Batch, Mapping[str, Any]], None] = lambda batch, values: None,
    tiles: tuple[int, ...] | None = None,
) -> None:
    """Decode tiles of the colours, all or some, and hand what the walk returned to `take`; nothing is synthesised.

    take    is given a batch and {name: [b, c, h, w]}, on any thread
    raises  CorruptError naming damaged tiles
    """
    at_once = _at_once(grid.height * grid.width, grid.side_px)
    prepared = sharing.decode(file.shared, file.header, model, file.tiles[0].rate_index)
    with working(threads, at_once.walks) as (pool, walker):
        decode_one = partial(_decode_batch, file, model, prepared, pool=pool, take=take)
        batches = grid.batches(at_once.tiles, tiles)
        for _ in windows.run(decode_one, batches, pool=walker, in_flight=1 + at_once.walks):
            pass


def windows_for(area: Region, grid: Grid, file: PictureFile) -> tuple[Region, ...]:
    """Windows of the wanted area; one for each tile where tiles have different rates, since a window has one."""
    if len({tile.rate_index for tile in file.tiles[: len(grid)]}) == 1:
        wide = area.height * area.width <= LARGE_PX
        return windows_of(area, WINDOW_PX if wide else WINDOW_PX // 2, WINDOW_HEIGHT_PX)
    return tuple(grid[tile].clipped(area) for tile in grid.needed(area))


def _decode_batch(
    file: PictureFile,
    model: Model,
    prepared: bytes,
    batch: Batch,
    *,
    pool: Executor | None,
    take: Callable[[Batch, Mapping[str, Any]], None],
) -> None:
    """Decode equal tiles in lock-step and hand them to `take`; raises CorruptError naming damaged tiles."""
    tiles = [file.tiles[number] for number in batch.tiles]
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    several = segmented(walk, file.header)
    if not several and any(len(tile.segments) > 1 for tile in tiles):
        found = f"in several segments, with the walk {model.manifest.walk}"
        raise UnsupportedError("tiles", found=found, supported="several where the walk says where they begin")
    readers = readers_of(file, model, walk, batch)
    port = Segments(readers) if several else readers(0)
    values = walk(model.nets(np.array([tile.rate_index for tile in tiles]), pool, shared=prepared), port)
    flags = port.finish()
    found = np.any(flags, 0) if several else flags
    if several and (most := max(len(tile.segments) for tile in tiles)) > len(flags):
        raise CorruptError("segments of a tile", found=most, expected=f"at most {len(flags)}")
    damaged = [number for number, bad in zip(batch.tiles, found, strict=True) if bad]
    if damaged:
        raise CorruptError("latents of tiles", found=damaged, expected="values that fit their hash")
    take(batch, values)


def segmented(walk: Any, header: Header) -> bool:
    """Whether tiles have segments: those of an embedded walk, where there are several tiles (docs/format.md, 5)."""
    return getattr(walk, "embedded", False) and header.rows * header.columns > 1


def readers_of(
    file: PictureFile, model: Model, walk: Any, batch: Batch, kind: type[Reader] = Reader
) -> Callable[[int], Reader]:
    """A function that gives the reader of some tiles' segments of a number; a segment that is not there is empty."""
    said, tiles = container.header_bytes(file.header), [file.tiles[number] for number in batch.tiles]

    def reader(segment: int) -> Reader:
        keys = [container.tile_key(said, tile.number, segment, file.shared) for tile in tiles]
        empty = [Segment(b"", check) for check in RowHashes(keys).digests()]
        parts = [
            tile.segments[segment] if segment < len(tile.segments) else nothing
            for tile, nothing in zip(tiles, empty, strict=True)
        ]
        return kind(
            shapes(model, batch),
            model.banks,
            ranges(model),
            streams=[part.data for part in parts],
            hashes=[part.check for part in parts],
            keys=keys,
            strict=False,
            embedded=getattr(walk, "embedded", False),
        )

    return reader


def grid_of(header: Header, model: Model, limits: Limits | None = None) -> Grid:
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


def shapes(model: Model, batch: Batch) -> dict[str, tuple[int, int, int, int]]:
    """[b, c, h, w] of every coded name of a batch."""
    return {
        name: (len(batch.tiles), latent.channels, -(-batch.height // latent.stride), -(-batch.width // latent.stride))
        for name, latent in model.manifest.latents.items()
        if latent.coded
    }


def ranges(model: Model) -> dict[str, tuple[int, int]]:
    """The least and the greatest value of every coded name."""
    return {name: (latent.low, latent.high) for name, latent in model.manifest.latents.items() if latent.coded}


def tradeoffs(model: Model, rate: int) -> Mapping[str, np.ndarray]:
    """What a squared step of distortion is worth in bits, [1, c, 1, 1], for names that the model has it for."""
    named = [name for name in ranges(model) if f"anchors/log_tradeoff.{name}" in model.encoder_floats]
    return {name: np.exp(model.floats(f"log_tradeoff.{name}", rate))[None, :, None, None] for name in named}


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

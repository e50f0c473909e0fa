"""Tiles that a model codes and exact samples replace: text beside a photograph. Which they are, and both ways of coding.

The model's part of such a tile is a smooth continuation of what is around it, a few hundred bytes: so windows of synthesis
know nothing of tiles that differ, and no seam comes from them. Whole pictures without a model are planes.py's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np

from calotype import container, lossless, planes, windows
from calotype.container import Header, Mode, PictureFile, Segment, Tile
from calotype.tiles import Region

__all__ = ["beneath", "choose", "continued", "decode", "laid", "numbers", "read_tile"]

FEWEST_BPP = 0.25  # of the model's stream: below, nothing much is to be won
MOST_COLOURS = (
    64,
    0.05,
)  # and this share of a tile's pixels, in a sample: text has fewer, photographs several times that
_EVERY_PX = 4  # row and column belongs to that sample
_IN_FLIGHT = 4


def numbers(file: PictureFile) -> tuple[int, ...]:
    """The tiles that have exact samples over the model's."""
    return tuple(tile.number for tile in file.tiles if tile.mode is Mode.OVERLAID)


def beneath(file: PictureFile) -> PictureFile:
    """The same file as the model wrote it: without what lies over its tiles. For decoding alone: keys stay valid."""
    if not numbers(file):
        return file
    tiles = [
        replace(tile, mode=Mode.MODEL, segments=tile.segments[:-1]) if tile.mode is Mode.OVERLAID else tile
        for tile in file.tiles
    ]
    return replace(file, tiles=tuple(tiles))


def read_tile(file: PictureFile, said: bytes, number: int) -> np.ndarray:
    """The exact samples of a tile of mode OVERLAID, integers [planes, h, w]; CorruptError, TruncatedError.

    said   `container.header_bytes` of the file's header
    """
    segments, place = file.tiles[number].segments, file.header.place(number)
    entry, _ = file.header.group(place.group)
    key = container.tile_key(said, number, len(segments) - 1, file.shared)
    shape = entry.planes, place.height_px, place.width_px
    return lossless.decode_tile(segments[-1].data, segments[-1].check, shape, entry.depth, key)


def decode(file: PictureFile, area: Region, out: np.ndarray, *, pool: Executor | None) -> None:
    """Write the exact samples that an area touches over `out`, [area's height, width, planes of the colours]."""
    wanted = [number for number in numbers(file) if _within(file.header, number, area)]
    one = partial(read_tile, file, container.header_bytes(file.header))
    for number, samples in windows.run(one, wanted, pool=pool, in_flight=_IN_FLIGHT):
        whole = planes.region_of(file.header, number)
        part = whole.clipped(area)
        inner, outer = part.within(whole), part.within(area)
        out[outer.rows, outer.cols] = samples[:, inner.rows, inner.cols].transpose(1, 2, 0)


def choose(
    samples: np.ndarray, tiles: Iterable[Tile], header: Header, known: dict[int, bytes], *, pool: Executor | None
) -> dict[int, bytes]:
    """Tiles of few colours that take fewer bytes exactly than from the model: {number: lossless stream}.

    samples  uint8 [h, w, planes], of the colours
    tiles    of the colours, as the model wrote them
    known    streams by number, from an earlier call, and filled by this one
    """
    asked = []
    for tile in tiles:
        place = planes.region_of(header, tile.number)
        spent = len(tile.segments[0].data)
        if 8 * spent >= FEWEST_BPP * place.height * place.width and _few_colours(samples[place.rows, place.cols]):
            asked.append((tile.number, spent))

    def stream(item: tuple[int, int]) -> bytes:
        number, _ = item
        if number not in known:
            tile = _tile(samples, header, number)
            data, seal = lossless.encode_tile(tile, 8, b"")
            same = np.array_equal(lossless.decode_tile(data, seal, tile.shape, 8, b""), tile)
            known[number] = data if same else b""
        return known[number]

    found = windows.run(stream, asked, pool=pool, in_flight=_IN_FLIGHT)
    return {number: data for (number, spent), data in found if 0 < len(data) < spent}


def continued(colours: np.ndarray, header: Header, over: Iterable[int]) -> np.ndarray:
    """Colours, uint8 [h, w, 3], with a smooth continuation of the others where exact samples will lie."""
    shown = np.ones(colours.shape[:2], np.uint8)
    for number in over:
        place = planes.region_of(header, number)
        shown[place.rows, place.cols] = 0
    return planes.smoothed(colours, shown)


def laid(
    samples: np.ndarray, tiles: list[Tile], over: Mapping[int, bytes], header: Header, shared: tuple[Segment, ...]
) -> list[Tile]:
    """The tiles with the chosen streams over those of the model."""
    said, found = container.header_bytes(header), list(tiles)
    for number, stream in over.items():
        under = found[number]
        key = container.tile_key(said, number, len(under.segments), shared)
        seal = lossless.check_of(_tile(samples, header, number), 8, key)
        found[number] = replace(under, mode=Mode.OVERLAID, segments=(*under.segments, Segment(stream, seal)))
    return found


def _few_colours(pixels: np.ndarray) -> bool:
    sample = pixels[::_EVERY_PX, ::_EVERY_PX].astype(np.uint32)
    packed = sum(sample[..., plane] << 8 * plane for plane in range(sample.shape[2]))
    few, share = MOST_COLOURS
    return len(np.unique(packed)) <= few + share * sample.shape[0] * sample.shape[1]


def _tile(samples: np.ndarray, header: Header, number: int) -> np.ndarray:
    place = planes.region_of(header, number)
    return np.ascontiguousarray(samples[place.rows, place.cols].transpose(2, 0, 1))


def _within(header: Header, number: int, area: Region) -> bool:
    part = planes.region_of(header, number).clipped(area)
    return part.height > 0 and part.width > 0

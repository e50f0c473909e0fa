"""Planes coded exactly, tile by tile: LOSSLESS, or RAW where that is not longer; and which plane groups a picture has.

No model is needed for anything here. Colour planes that a model codes are codec.py's business.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial

import numpy as np

from calotype import container, lossless, windows
from calotype.container import Colour, Header, Mode, PictureFile, PlaneGroup, SampleType, Segment, Tile
from calotype.container.layout import MAX_TILE_PX
from calotype.errors import CorruptError, UnsupportedError
from calotype.limits import Limits
from calotype.picture import Picture
from calotype.tiles import Region

__all__ = [
    "check",
    "decode",
    "encode",
    "groups_of",
    "one_grey",
    "read_tile",
    "region_of",
    "samples_of",
    "smoothed",
    "spend",
    "tile_px",
]

TILE_PX = 512
_IN_FLIGHT = 4


def groups_of(picture: Picture) -> tuple[PlaneGroup, ...]:
    """The plane groups of a picture's header: colour, then alpha."""
    depth = picture.depth_bits
    if picture.mode in ("RGB", "RGBA"):
        colour = PlaneGroup(planes=3, depth=depth, colour=Colour.SRGB)
    else:
        colour = PlaneGroup(planes=1, depth=depth, colour=Colour.GREY)
    alpha = PlaneGroup(planes=1, depth=depth, colour=Colour.ALPHA)
    return (colour, alpha) if picture.has_alpha else (colour,)


def check(header: Header) -> None:
    """Raise UnsupportedError unless a Picture can hold what the header describes."""
    colour, *others = header.plane_groups
    known = all(group.sample_type is SampleType.UNSIGNED and group.repeats == 1 for group in header.plane_groups)
    known = known and colour.colour in (Colour.SRGB, Colour.GREY) and colour.depth in (1, 8, 16)
    known = known and (colour.depth > 1 or (colour.colour is Colour.GREY and not others))
    known = known and [(group.colour, group.depth) for group in others] in ([], [(Colour.ALPHA, colour.depth)])
    if not known:
        supported = "grey or RGB of 8 or 16 bits, with or without alpha, and black and white"
        raise UnsupportedError("planes", found=header.plane_groups, supported=supported)


def tile_px(height: int, width: int) -> int:
    """The tile side of a picture without a model: 512, and larger ones for thin pictures, whose tiles would be tiny."""
    side, area = TILE_PX, TILE_PX**2
    while side < min(max(height, width), MAX_TILE_PX) and 2 * side * min(2 * side, height, width) <= area:
        side *= 2
    return side


def spend(header: Header, limits: Limits) -> None:
    """Raise LimitError if a tile has more pixels than a square of the side that the limits allow."""
    width, height = min(header.tile_px, header.width_px), min(header.tile_px, header.height_px)
    limits.spend("max_tile_px", math.isqrt(width * height - 1) + 1, "pixels of a tile's side")


def samples_of(picture: Picture, group: int) -> np.ndarray:
    """The samples of a plane group as the file means them, [h, w, planes]: black and white are 0 and 1."""
    colours = picture.planes - picture.has_alpha
    part = picture.pixels[..., :colours] if group == 0 else picture.pixels[..., colours:]
    return part >> 7 if picture.bilevel else part


def encode(
    samples: np.ndarray,
    header: Header,
    group: int,
    *,
    check: bool,
    pool: Executor | None,
    known: dict[int, bytes] | None = None,
    shared: tuple[Segment, ...] = (),
) -> list[Tile]:
    """The tiles of a plane group, each as short as it comes.

    samples  unsigned integers [h, w, planes]
    check    decode each stream and compare; what does not come back is stored raw
    known    streams of these samples by tile, from an earlier call, and filled by this one: only keys differ
    shared   the picture's own payload, where it has one: tiles are bound to it
    """
    first = group * header.rows * header.columns
    numbers = range(first, first + header.rows * header.columns)
    said = container.header_bytes(header)
    one = partial(_encode_tile, samples, header, said, shared, check, {} if known is None else known)
    return [tile for _, tile in windows.run(one, numbers, pool=pool, in_flight=_IN_FLIGHT)]


def decode(file: PictureFile, group: int, area: Region, out: np.ndarray, *, pool: Executor | None) -> None:
    """Decode the tiles of a plane group that an area touches into `out`, [area's height, width, planes].

    raises   CorruptError, TruncatedError
    """
    header = file.header
    one = partial(read_tile, file, container.header_bytes(header))
    for number, samples in windows.run(one, _touched(header, group, area), pool=pool, in_flight=_IN_FLIGHT):
        whole = region_of(header, number)
        part = whole.clipped(area)
        inner, outer = part.within(whole), part.within(area)
        out[outer.rows, outer.cols] = samples[:, inner.rows, inner.cols].transpose(1, 2, 0)


def read_tile(file: PictureFile, said: bytes, number: int) -> np.ndarray:
    """The samples of a tile of mode LOSSLESS or RAW, integers [planes, h, w].

    said     `container.header_bytes` of the file's header
    raises   CorruptError, TruncatedError
    """
    tile, place = file.tiles[number], file.header.place(number)
    entry, _ = file.header.group(place.group)
    segment, key = tile.segments[0], container.tile_key(said, number, shared=file.shared)
    shape = entry.planes, place.height_px, place.width_px
    if tile.mode is not Mode.RAW:
        return lossless.decode_tile(segment.data, segment.check, shape, entry.depth, key)
    if container.raw_check(key, segment.data) != segment.check:
        raise CorruptError(f"raw tile {number}", found=segment.check, expected="the hash of its data")
    samples = np.frombuffer(segment.data, f"<u{entry.sample_bytes}").reshape(shape)
    if samples.max() >> entry.depth:
        raise CorruptError(f"samples of raw tile {number}", found=int(samples.max()), expected=f"{entry.depth} bits")
    return samples


def one_grey(colours: np.ndarray) -> np.ndarray:
    """The rounded mean of three planes, uint8 [h, w, 1]."""
    return ((colours.astype(np.uint16).sum(2, keepdims=True, dtype=np.uint16) + 1) // 3).astype(np.uint8)


def smoothed(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The same picture with colours that cost little where nobody sees them: where alpha is 0.

    They are averages of what is seen around, from half sizes of the picture, of quarter sizes where there is nothing,
    and so on.

    colours  uint8 [h, w, planes]; returned itself where nothing is hidden
    alpha    uint8 [h, w]
    """
    hidden = alpha == 0
    if not hidden.any() or hidden.all():
        return colours if not hidden.any() else np.full_like(colours, 128)
    filled = _filled(colours.astype(np.float32), ~hidden)
    return np.where(hidden[..., None], np.rint(filled).astype(colours.dtype), colours)


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values with the unknown ones taken from the half-size picture; at least one is known."""
    if known.all():
        return values
    height, width = known.shape
    padding = ((0, height % 2), (0, width % 2))
    weights = np.pad(known, padding).astype(np.float32)
    sums = np.pad(values * known[..., None], (*padding, (0, 0)))
    count = weights.reshape(weights.shape[0] // 2, 2, -1, 2).sum((1, 3))
    total = sums.reshape(sums.shape[0] // 2, 2, sums.shape[1] // 2, 2, -1).sum((1, 3))
    coarse = _filled(total / np.maximum(count, 1)[..., None], count > 0)
    return np.where(known[..., None], values, coarse.repeat(2, 0).repeat(2, 1)[:height, :width])


def _encode_tile(
    samples: np.ndarray,
    header: Header,
    said: bytes,
    shared: tuple[Segment, ...],
    check: bool,
    known: dict[int, bytes],
    number: int,
) -> Tile:
    place = region_of(header, number)
    depth = header.group(header.place(number).group)[0].depth
    tile = np.ascontiguousarray(samples[place.rows, place.cols].transpose(2, 0, 1))
    key = container.tile_key(said, number, shared=shared)
    if number in known:
        stream, seal = known[number], lossless.check_of(tile, depth, key)
    else:
        stream, seal = lossless.encode_tile(tile.astype(np.int32), depth, key)
        if check and not np.array_equal(lossless.decode_tile(stream, seal, tile.shape, depth, key), tile):
            stream = b""
        known[number] = stream
    if 0 < len(stream) < header.raw_bytes(number):
        return Tile(number=number, segments=(Segment(stream, seal),), mode=Mode.LOSSLESS)
    raw = tile.astype(f"<u{-(-depth // 8)}").tobytes()
    return Tile(number=number, segments=(Segment(raw, container.raw_check(key, raw)),), mode=Mode.RAW)


def _touched(header: Header, group: int, area: Region) -> Iterable[int]:
    """Numbers of the tiles of a group that an area touches, in order."""
    cells = area.over(header.tile_px)
    return [
        header.tile_number(group, row, column)
        for row in range(cells.top, cells.bottom)
        for column in range(cells.left, cells.right)
    ]


def region_of(header: Header, number: int) -> Region:
    """Where a tile lies in the picture, pixels."""
    place = header.place(number)
    return Region(place.top_px, place.top_px + place.height_px, place.left_px, place.left_px + place.width_px)

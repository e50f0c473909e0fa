"""`inspect`: where the bytes of a .calo file went: chunks, tiles, latents, places of the picture. It decodes no pixels.

Tables give every value a code length; a tile's code lengths are scaled to the bytes that its stream really has, which
are at most 16 bytes and 1 % more (docs/format-entropy.md).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from calotype import codec, container, lossless, modelled, overlays, sharing, walks
from calotype.codec import Info
from calotype.coding.measuring import MeasuringReader
from calotype.coding.segments import Segments
from calotype.container import Mode, PictureFile, Tile, chunks
from calotype.container.header import read_header
from calotype.container.tiles import sequence
from calotype.errors import CorruptError
from calotype.limits import DEFAULT, Limits
from calotype.model import store
from calotype.model.bundle import Model
from calotype.tiles import Batch

__all__ = ["BLOCK_PX", "Inspection", "Spent", "TileSpent", "inspect"]

BLOCK_PX = 16  # side of what the map tells apart
TOGETHER = 4  # tiles in lock-step


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """How many bytes of the file one thing takes: of `count` chunks, or a fraction of several streams."""

    name: str
    bytes: float
    share: float
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TileSpent:
    """One tile: its place in pixels, how it is coded, and its chunk with all that frames it.

    check   the hash of its values, hexadecimal
    """

    number: int
    group: int
    left_px: int
    top_px: int
    width_px: int
    height_px: int
    mode: str
    rate_index: int
    bytes: int
    bpp: float
    check: str


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Where the bytes went. `chunks` add up to the file; so do `parts`.

    chunks         by type, with their frames: HEAD has the magic, too
    parts          framing, metadata, and what the streams of tiles hold: "latents l1", "exact samples", "alpha", ...
    map_bits       float32 [rows, columns] of blocks of BLOCK_PX pixels: bits of all tiles there
    sha256         of the whole file
    file_hash      the hash at the end of the file, which covers everything before it, hexadecimal
    """

    info: Info
    file_bytes: int
    chunks: tuple[Spent, ...]
    parts: tuple[Spent, ...]
    tiles: tuple[TileSpent, ...]
    map_bits: np.ndarray
    sha256: str
    file_hash: str


def inspect(data: bytes, *, limits: Limits = DEFAULT, model: Model | None = None) -> Inspection:
    """Take a file apart, and count what each of its values costs.

    model    instead of looking the file's model up in the store
    raises   as `codec.verify`: every tile is decoded, so damage shows
    """
    codec.verify(data, limits=limits, model=model)
    file = container.parse(data, limits)
    frames = _frames(data, limits)
    parts: defaultdict[str, float] = defaultdict(float)
    for kind, sizes in frames.items():
        if kind != "TILE":
            parts["metadata" if kind[0].islower() else "picture payload" if kind == "PICT" else "framing"] += sum(sizes)
    heat = np.zeros([-(-side // BLOCK_PX) for side in (file.header.height_px, file.header.width_px)], np.float64)
    _exact(file, parts, heat)
    if any(tile.mode in (Mode.MODEL, Mode.OVERLAID) for tile in file.tiles):
        _modelled(
            overlays.beneath(file),
            store.by_identity(file.header.model_id) if model is None else model,
            limits,
            parts,
            heat,
        )
    sizes = [0] * len(file.tiles)
    for (number, _), size in zip(sequence(file.order, file.segment_counts), frames["TILE"], strict=True):
        sizes[number] += size
    tiles = tuple(_tile(file, number, size) for number, size in enumerate(sizes))
    streams = sum(_stream_bytes(tile) for tile in file.tiles)
    parts["framing"] += sum(frames["TILE"]) - streams
    return Inspection(
        info=codec.info(data, limits),
        file_bytes=len(data),
        chunks=tuple(_spent(kind, sum(sizes), len(data), len(sizes)) for kind, sizes in frames.items()),
        parts=tuple(_spent(name, size, len(data)) for name, size in parts.items() if size),
        tiles=tiles,
        map_bits=heat.astype(np.float32),
        sha256=sha256(data).hexdigest(),
        file_hash=data[-4:].hex(),
    )


def _spent(name: str, size: float, whole: int, count: int = 1) -> Spent:
    return Spent(name=name, bytes=size, share=size / whole, count=count)


def _frames(data: bytes, limits: Limits) -> dict[str, list[int]]:
    """Bytes of the chunks of each type, with length, type and check; in the order of the file."""
    _, at = read_header(memoryview(data), limits)
    found: dict[str, list[int]] = {"HEAD": [at]}
    for frame in chunks.walk(memoryview(data), at, limits, seen=1):
        found.setdefault(frame.type, []).append(frame.end - frame.start)
    return {**found, "DONE": [len(data) - sum(map(sum, found.values()))]}


def _tile(file: PictureFile, number: int, size: int) -> TileSpent:
    tile, place = file.tiles[number], file.header.place(number)
    return TileSpent(
        number=number,
        group=place.group,
        left_px=place.left_px,
        top_px=place.top_px,
        width_px=place.width_px,
        height_px=place.height_px,
        mode=tile.mode.name.lower(),
        rate_index=tile.rate_index,
        bytes=size,
        bpp=8 * size / (place.width_px * place.height_px),
        check=tile.segments[0].check.hex(),
    )


def _stream_bytes(tile: Tile) -> int:
    return sum(len(segment.data) for segment in tile.segments)


def _exact(file: PictureFile, parts: defaultdict[str, float], heat: np.ndarray) -> None:
    """Count the tiles that are coded exactly, all planes of a group together."""
    for number, tile in enumerate(file.tiles):
        if tile.mode is Mode.MODEL:
            continue
        place, stream = file.header.place(number), tile.segments[-1].data
        entry, _ = file.header.group(place.group)
        name = "alpha" if place.group else "exact samples"
        parts[f"{name}, raw" if tile.mode is Mode.RAW else name] += len(stream)
        shape = entry.planes, place.height_px, place.width_px
        spent = lossless.spent_in(stream, shape, entry.depth) if tile.mode is not Mode.RAW else None
        if spent is None:
            spent = np.ones(shape[1:], np.float32)
        _warm(heat, place.top_px, place.left_px, _blocks(spent, 1), 8 * len(stream))


def _modelled(
    file: PictureFile, model: Model, limits: Limits, parts: defaultdict[str, float], heat: np.ndarray
) -> None:
    """Count the latents of the tiles that the model codes."""
    grid = modelled.grid_of(file.header, model, limits)
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    prepared = sharing.decode(file.shared, file.header, model, file.tiles[0].rate_index)
    for batch in grid.batches(TOGETHER):
        tiles = [file.tiles[number] for number in batch.tiles]
        port, ports = _measuring(file, model, walk, batch)
        walk(model.nets(np.array([tile.rate_index for tile in tiles]), shared=prepared), port)
        if np.any(port.finish()):
            raise CorruptError("latents", found="a tile whose hash differs now", expected="what was just verified")
        for row, tile in enumerate(tiles):
            place, size = grid[tile.number], _stream_bytes(tile)
            bits: defaultdict[str, float] = defaultdict(float)
            for one in ports:
                for name, spent in (*one.bits.items(), *one.strings.items()):
                    bits[name] += float(spent[row].sum(dtype=np.float64))
            whole = sum(bits.values())
            for name, part in bits.items():
                parts[f"latents {name}"] += size * part / whole if whole else 0
            if not whole:
                parts["framing"] += size
            warm = np.zeros((-(-batch.height // BLOCK_PX), -(-batch.width // BLOCK_PX)))
            for name, spent in [item for one in ports for item in one.bits.items()]:
                found = _blocks(spent[row].sum(0), model.manifest.latents[name].stride)
                warm += found[: warm.shape[0], : warm.shape[1]]
            _warm(heat, place.top, place.left, warm, 8 * size)


def _measuring(file: PictureFile, model: Model, walk: Any, batch: Batch) -> tuple[Any, list[MeasuringReader]]:
    """The port that reads some tiles, and the readers behind it, one a segment, as they come to be."""
    begin = modelled.readers_of(file, model, walk, batch, MeasuringReader)
    ports: list[Any] = []

    def reader(segment: int) -> Any:
        ports.append(begin(segment))
        return ports[-1]

    return Segments(reader) if modelled.segmented(walk, file.header) else reader(0), ports


def _blocks(spent: np.ndarray, stride: int) -> np.ndarray:
    """Bits of blocks of BLOCK_PX pixels, [rows, columns], from those of values that lie `stride` pixels apart."""
    if stride > BLOCK_PX:
        times = stride // BLOCK_PX
        return (spent / times**2).repeat(times, 0).repeat(times, 1)
    side = BLOCK_PX // stride
    padded = np.pad(spent, [(0, -length % side) for length in spent.shape])
    return padded.reshape(padded.shape[0] // side, side, -1, side).sum((1, 3), dtype=np.float64)


def _warm(heat: np.ndarray, top_px: int, left_px: int, found: np.ndarray, bits: int) -> None:
    """Add the blocks of a tile, so many bits in all; what lies beyond the picture's edge counts where it is."""
    place = heat[top_px // BLOCK_PX :, left_px // BLOCK_PX :][: found.shape[0], : found.shape[1]]
    found = found[: place.shape[0], : place.shape[1]]
    total = found.sum()
    place += found * (bits / total) if total else bits / place.size

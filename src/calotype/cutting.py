"""Embedded files made shorter: cut to a size, or mended where a transfer ended early. Every result is a legal file.

Which walks are embedded, and what a stream holds that ends early, is docs/format.md, section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from calotype import container, modelled, walks
from calotype.coding import stream
from calotype.coding.reader import Reader
from calotype.coding.segments import Segments
from calotype.container import Header, Mode, PictureFile, Segment, Tile
from calotype.container.tiles import sequence
from calotype.errors import TruncatedError, UnsupportedError, UsageError
from calotype.limits import DEFAULT, Limits
from calotype.model import store
from calotype.model.bundle import Model

__all__ = ["cut", "embedded", "mended"]

_NOTHING = Segment(b"", bytes(4))  # its check is made when it is known where it stands


def embedded(model: Model) -> bool:
    """Whether files of a model may be cut."""
    return getattr(walks.get(model.manifest.walk, dict(model.manifest.walk_parameters)), "embedded", False)


def cut(data: bytes, size_bytes: int, *, limits: Limits = DEFAULT, model: Model | None = None) -> bytes:
    """The beginning of an embedded file as a legal file of at most so many bytes, and at most three fewer.

    Dropped is what comes last in the file: the least significant bits of the last tiles first.

    model    instead of looking the file's model up in the store
    raises   UnsupportedError for a file that is not embedded, UsageError below the least size; those of container.parse
    """
    file = container.parse(data, limits)
    model = _model_of(file.header, model)
    if len(data) <= size_bytes:
        return data
    low, high = 0, sum(len(segment.data) for tile in file.tiles if _coded(tile) for segment in tile.segments)
    least = len(container.build(_kept(file, low)[0]))
    if least > size_bytes:
        raise UsageError("size", value=size_bytes, allowed=f"{least} bytes or more: so much is not pixels of this file")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(container.build(_kept(file, middle)[0])) <= size_bytes else (low, middle)
    return container.build(_checked(*_kept(file, low), model, limits))


def _kept(file: PictureFile, payload_bytes: int) -> tuple[PictureFile, set[int]]:
    """The first so many bytes of the streams, in the order of the file, and the tiles whose checks must be made anew."""
    left, changed = payload_bytes, set()
    segments: dict[int, list[Segment]] = {number: [] for number in range(len(file.tiles))}
    for number, part in sequence(file.order, file.segment_counts):
        whole = file.tiles[number].segments[part]
        if not _coded(file.tiles[number]):
            segments[number].append(whole)
        elif left >= len(whole.data):
            segments[number].append(whole)
            left -= len(whole.data)
        else:  # and after it, of every tile, nothing
            shorter = stream.cut(whole.data, left)
            if shorter or not segments[number]:
                segments[number].append(Segment(shorter, bytes(4)))
                changed.add(number)
            left = -1
    tiles = tuple(replace(tile, segments=tuple(segments[tile.number])) for tile in file.tiles)
    return replace(file, tiles=tiles), changed


def mended(data: bytes, *, limits: Limits = DEFAULT, model: Model | None = None) -> bytes:
    """What there is of an embedded file that ends early, as a legal file; a file that is whole, as it is.

    Whole segments rest on their checksums, as always; the one in which the file ends rests on nothing.

    raises   what container.parse raises for a file that is not embedded, or damaged otherwise than by its end
    """
    try:
        container.parse(data, limits)
        return data
    except TruncatedError as error:
        found, broken = container.parse(data, limits, partial=True), error
    header, each = found.header, found.header.rows * found.header.columns
    if not any(header.model_id) or not embedded(model := _named(header, model)):
        raise broken
    lost, report = found.report.lost_bytes, found.report
    if len(lost) > 1 or (lost and lost[0][1] != len(data)):
        raise broken
    tail = container.unfinished(data, lost[0][0], header, limits) if lost else None
    rates = [tile.rate_index for tile in found.tiles[:each] if tile] + ([tail.rate_index] if tail else [])
    if tail is None and not (report.shared_intact and report.metadata_intact):
        raise broken
    if not rates or any(tile is None for tile in found.tiles[each:]):
        raise broken
    tiles: list[Tile] = []
    changed: set[int] = set()
    for number, left in enumerate(found.tiles):
        segments = left.segments if left else ()
        if tail is not None and tail.tile == number and tail.segment == len(segments):
            segments = (*segments, Segment(stream.cut(tail.data.data, len(tail.data.data)), bytes(4)))
            changed.add(number)
        elif not segments:
            segments = (_NOTHING,)
            changed.add(number)
        tiles.append(
            left if left and segments == left.segments else Tile(number=number, segments=segments, rate_index=rates[0])
        )
    order = container.Order.BY_SEGMENT
    file = PictureFile(header=header, tiles=tuple(tiles), shared=found.shared, ancillary=found.ancillary, order=order)
    return container.build(_checked(file, changed, model, limits))


def _coded(tile: Tile) -> bool:
    return tile.mode is Mode.MODEL


def _named(header: Header, model: Model | None) -> Model:
    return store.by_identity(header.model_id) if model is None else model


def _model_of(header: Header, model: Model | None) -> Model:
    """The model of a file that is embedded; UnsupportedError for any other."""
    if not any(header.model_id):
        raise UnsupportedError("cutting of", found="a file that is coded exactly", supported="embedded files")
    model = _named(header, model)
    if not embedded(model):
        raise UnsupportedError(
            "cutting of", found=f"a file of the model {model.name}", supported="embedded files, as of `spiht`"
        )
    return model


def _checked(file: PictureFile, changed: set[int], model: Model, limits: Limits) -> PictureFile:
    """The file with the checks of what its changed tiles hold now: they are read for that."""
    grid = modelled.grid_of(file.header, model, limits)
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    tiles = list(file.tiles)
    for number in sorted(changed):
        (batch,) = grid.batches(1, (number,))
        begin, read = _remembering(modelled.readers_of(file, model, walk, batch))
        port = Segments(begin) if modelled.segmented(walk, file.header) else begin(0)
        walk(model.nets(np.array([tiles[number].rate_index])), port)
        segments = tiles[number].segments
        checks = [read[place].digests()[0] for place in range(len(segments))]
        whole = tuple(Segment(one.data, check) for one, check in zip(segments, checks, strict=True))
        tiles[number] = replace(tiles[number], segments=whole)
    return replace(file, tiles=tuple(tiles))


def _remembering(begin: Callable[[int], Reader]) -> tuple[Callable[[int], Reader], Mapping[int, Reader]]:
    """The same function, and the readers that it gave, by segment."""
    given: dict[int, Reader] = {}

    def remembered(segment: int) -> Reader:
        given[segment] = begin(segment)
        return given[segment]

    return remembered, given

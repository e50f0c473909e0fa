"""The picture's own payload: what a walk prepares once for all tiles (a codebook), as a stream of its own, and back.

Tiles are coded in modelled.py; a walk without `prepare` needs nothing of this.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from calotype import container, transforms, walks
from calotype.coding.reader import Reader
from calotype.coding.writer import Writer
from calotype.container import Header, Segment
from calotype.errors import UnsupportedError
from calotype.model.bundle import Model
from calotype.tiles import Grid, Region

__all__ = ["decode", "encode"]

_SHAPES = {"shared": (1, 1, 1, 1)}  # one row; arrays, where a walk codes some besides byte strings, are its own


def encode(
    colours: np.ndarray, header: Header, model: Model, rate: int, fitted: transforms.Fitted | None = None
) -> tuple[Segment, ...]:
    """The payload of a picture, uint8 [h, w, 3], at a rate index: one segment, or none where the walk needs none.

    fitted   networks of the picture, for walks that have `shared_shapes`; without them these send nothing
    """
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    if not hasattr(walk, "prepare"):
        return ()
    if hasattr(walk, "shared_shapes"):
        return () if fitted is None else _written(walk, header, model, rate, fitted.weights)
    grid = Grid(header.height_px, header.width_px, header.tile_px, model.manifest.align_px)
    whole = Region(0, grid.shape[0], 0, grid.shape[1])
    samples = transforms.of(model).analysis(colours, grid, rate, None).latents(whole)["samples"]
    return _written(walk, header, model, rate, samples)


def decode(shared: tuple[Segment, ...], header: Header, model: Model, rate: int) -> bytes:
    """What `prepare` returned when the payload was written, for `Model.nets`; raises CorruptError, UnsupportedError."""
    if len(shared) == 0:
        return b""
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    if not hasattr(walk, "prepare") or len(shared) > 1:
        found = f"{len(shared)} segments with the walk {model.manifest.walk}"
        raise UnsupportedError("picture payload", found=found, supported="one segment of a walk that prepares it")
    (segment,) = shared
    key = container.shared_key(container.header_bytes(header))
    port = Reader(_shapes(walk), model.banks, streams=[segment.data], hashes=[segment.check], keys=[key])
    data = walk.prepare(model.nets(np.array([rate])), port)
    port.finish()
    return data


def _written(walk: Any, header: Header, model: Model, rate: int, given: Any) -> tuple[Segment, ...]:
    port = Writer(_shapes(walk), model.banks, keys=[container.shared_key(container.header_bytes(header))])
    walk.prepare(model.nets(np.array([rate])), port, given)
    ((stream, check),) = port.finish()
    return (Segment(stream, check),) if stream else ()


def _shapes(walk: Any) -> dict[str, tuple[int, int, int, int]]:
    return _SHAPES | getattr(walk, "shared_shapes", {})

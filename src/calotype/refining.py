"""Latents that an encoder chooses again after it has seen what a decoder makes of them. No file is written here.

    latents -> walk, which rounds them -> synthesis -> error of the picture -> its part along each synthesis vector
       ^                                                                                      |
       +------ a quarter of the way to the value that would be best, were all others right <--+

A coefficient is rounded as if its error were the picture's, and a tile's walk can't know better: vectors of the 9/7 are
not quite orthogonal, and a post-filter, where there is one, mends part of it. Each pass here takes the errors as they came
out, all at once; so a step goes only part of the way (Jacobi's iteration, damped; with whole steps it diverges). Files
become about 1.4 % smaller at equal PSNR with one pass, 2.1 with two, 2.8 with six (docs/speed.md), decoders notice
nothing, and each pass costs about as much as encoding does.

The idea is that of refining a learned encoder's latents (Campos et al. 2019, arXiv:1906.01223); here in closed form, without
gradients of networks: a post-filter's derivative is taken to be one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from calotype import adjoint, container, modelled, synthesis, transforms, walks, windows
from calotype.coding.writer import Writer
from calotype.container import Header
from calotype.errors import UsageError
from calotype.model.bundle import Model
from calotype.synthesis import Windows
from calotype.tiles import Batch, Region, windows_of
from calotype.workers import working

__all__ = ["MOST", "Refined", "refined", "takes"]

MOST = 9  # passes
_TILES, _WALKS = 4, 2  # tiles in lock-step, and batches of them side by side, as modelled.py has it
# How far a pass goes. 0.4 diverges at low rates; the last ones settle what the first stirred up.
_STEPS = (0.25, 0.25, 0.2, 0.2, 0.15)
# A large picture is refined by pieces of so many tiles a side, with tiles around that are thrown away: what happens
# farther off is not felt. About 60 bytes a pixel of a piece are in memory, and 12 of the picture.
_PIECE_TILES, _AROUND_TILES = 4, 1


class Refined:
    """Latents of a picture, {name: float32 [c, h, w]} for all of it: a transforms.Analysis."""

    def __init__(self, bands: dict[str, np.ndarray], model: Model) -> None:
        self._bands = bands
        self._strides = {name: model.manifest.latents[name].stride for name in bands}

    def latents(self, tile: Region) -> dict[str, np.ndarray]:
        """See transforms.Analysis.latents."""
        places = {name: tile.over(stride) for name, stride in self._strides.items()}
        return {name: band[:, places[name].rows, places[name].cols] for name, band in self._bands.items()}


def takes(model: Model) -> bool:
    """Whether latents of this model can be refined: those of a 9/7 pyramid, real numbers before they are rounded."""
    return model.manifest.transform.get("kind") == "pyramid97"


def refined(colours: np.ndarray, header: Header, model: Model, rate: int, passes: int, threads: int | None) -> Refined:
    """Latents of a picture, refined; for `modelled.encode`. They don't depend on `threads`.

    colours  uint8 [h, w, 3]
    header   of the file that is going to be written
    passes   1 to 9
    raises   UsageError for other numbers, and for a model whose latents can't be refined
    """
    if not takes(model):
        raise UsageError("effort", value=passes, allowed="0: latents of this model are not refined, those of swift are")
    if not 1 <= passes <= MOST:
        raise UsageError("effort", value=passes, allowed=f"0 to {MOST}")
    grid = modelled.grid_of(header, model)
    whole = Region(0, grid.shape[0], 0, grid.shape[1])
    if max(grid.rows, grid.columns) <= _PIECE_TILES + 2 * _AROUND_TILES:
        return _refined(colours, header, model, rate, passes, threads)
    found: dict[str, np.ndarray] = {}
    for piece in windows_of(whole, _PIECE_TILES * grid.side_px, _PIECE_TILES * grid.side_px):
        wide = piece.grown(_AROUND_TILES * grid.side_px, *grid.shape)
        part = np.ascontiguousarray(colours[wide.rows, wide.cols])
        sizes = replace(header, width_px=part.shape[1], height_px=part.shape[0])
        inner = _refined(part, sizes, model, rate, passes, threads).latents(piece.within(wide))
        for name, band in inner.items():
            stride = model.manifest.latents[name].stride
            if name not in found:
                found[name] = np.empty((len(band), whole.height // stride, whole.width // stride), np.float32)
            place = piece.over(stride)
            found[name][:, place.rows, place.cols] = band
    return Refined(found, model)


def _refined(colours: np.ndarray, header: Header, model: Model, rate: int, passes: int, threads: int | None) -> Refined:
    """Refine a whole picture at once."""
    grid, transform = modelled.grid_of(header, model), model.manifest.transform
    levels, rotation = int(transform["levels"]), model.floats("rotation") / np.float32(transform["unit"])
    whole = Region(0, grid.shape[0], 0, grid.shape[1])
    bands = transforms.of(model).analysis(colours, grid, rate, None).latents(whole)
    targets = {name: np.array(band, np.float32) for name, band in bands.items()}
    # What a part along a synthesis vector is in quantizer steps: bands are multiplied by the inverse gain first.
    scales = {
        name: 1 / (np.exp(model.floats(f"inverse.{name}", rate))[:, None, None] * norms)
        for name, norms in adjoint.squared_norms(levels, *grid.shape).items()
    }
    errors = np.zeros((3, *grid.shape), np.float32)

    def take(window: Region, found: np.ndarray) -> None:
        wrong = colours[window.rows, window.cols].astype(np.float32) - found
        errors[:, window.rows, window.cols] = np.einsum("hwk,kp->phw", wrong, rotation)

    for count in range(passes):
        step = _STEPS[min(count, len(_STEPS) - 1)]

        def keep(batch: Batch, values: Mapping[str, Any], step: float = step) -> None:
            """Go a part of the way to the value that was coded; what is best is added below."""
            for row, tile in enumerate(batch.tiles):
                for name, target in targets.items():
                    place = grid[tile].over(model.manifest.latents[name].stride)
                    part = target[:, place.rows, place.cols]
                    part += step * (values[name][row] - part)

        _rehearse(header, model, rate, threads, Refined(targets, model), take, keep)
        for name, part in adjoint.transposed(errors, levels).items():
            targets[name] += step * scales[name] * part
    return Refined(targets, model)


def _rehearse(
    header: Header,
    model: Model,
    rate: int,
    threads: int | None,
    latents: Refined,
    take: Callable[[Region, np.ndarray], None],
    keep: Callable[[Batch, Mapping[str, Any]], None],
) -> None:
    """Walk over all tiles as an encoder does, and decode what came of it; nothing is written.

    take   is handed every window's colours, uint8 [h, w, 3]       keep   what the walk returned for some tiles
    """
    grid, said = modelled.grid_of(header, model), container.header_bytes(header)
    walk = walks.get(model.manifest.walk, dict(model.manifest.walk_parameters))
    worth, whole = modelled.tradeoffs(model, rate), Region(0, grid.height, 0, grid.width)
    jobs = windows_of(whole, modelled.WINDOW_PX, modelled.WINDOW_HEIGHT_PX)
    seen = Windows(model, grid, np.full(len(grid), rate), jobs, take)
    with working(threads, _WALKS) as (pool, walker):

        def walked(batch: Batch) -> None:
            pieces = transforms.stacked([latents.latents(grid[tile]) for tile in batch.tiles])
            keys = [container.tile_key(said, tile) for tile in batch.tiles]
            port = Writer(modelled.shapes(model, batch), model.banks, modelled.ranges(model), worth, keys=keys)
            values = walk(model.nets(np.full(len(batch.tiles), rate), pool), port, pieces)
            seen.write(batch, values)
            keep(batch, values)

        def ready() -> Generator[Region, None, None]:
            with closing(windows.run(walked, grid.batches(_TILES), pool=walker, in_flight=1 + _WALKS)) as done:
                for batch, _ in done:
                    yield from seen.ready(batch)

        synthesis.finish(ready(), seen, pool)

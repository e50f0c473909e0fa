"""Walks: the way the latents of tiles are coded, one file per coding scheme; torch-free. `get(name)` finds one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from calotype.errors import UsageError

__all__ = ["get", "names"]

_WALKS = {
    "allocated": ("calotype.walks.allocated", "Allocated"),
    "attended": ("calotype.walks.attended", "Attended"),
    "bespoke": ("calotype.walks.bespoke", "Bespoke"),
    "blocks": ("calotype.walks.blocks", "Blocks"),
    "clustered": ("calotype.walks.clustered", "Clustered"),
    "checkerboard": ("calotype.walks.checkerboard", "Checkerboard"),
    "coarse-to-fine": ("calotype.walks.coarse_to_fine", "CoarseToFine"),
    "competing": ("calotype.walks.competing", "Competing"),
    "consulted": ("calotype.walks.consulted", "Consulted"),
    "dithered": ("calotype.walks.dithered", "Dithered"),
    "drawn": ("calotype.walks.drawn", "Drawn"),
    "factorized": ("calotype.walks.factorized", "Factorized"),
    "fractal": ("calotype.walks.fractal", "Fractal"),
    "grids": ("calotype.walks.grids", "Grids"),
    "hyperprior": ("calotype.walks.hyperprior", "Hyperprior"),
    "measurements": ("calotype.walks.measurements", "Measurements"),
    "laplacians": ("calotype.walks.laplacians", "Laplacians"),
    "layers": ("calotype.walks.layers", "Layers"),
    "learned-trees": ("calotype.walks.learned_trees", "LearnedTrees"),
    "lifted": ("calotype.walks.lifted", "Lifted"),
    "neighbours": ("calotype.walks.neighbours", "Neighbours"),
    "predictive": ("calotype.walks.predictive", "Predictive"),
    "joint": ("calotype.walks.joint", "Joint"),
    "masked": ("calotype.walks.masked", "Masked"),
    "modes": ("calotype.walks.modes", "Modes"),
    "pyramid": ("calotype.walks.pyramid", "Pyramid"),
    "recalled": ("calotype.walks.recalled", "Recalled"),
    "referred": ("calotype.walks.referred", "Referred"),
    "slices": ("calotype.walks.slices", "Slices"),
    "staged": ("calotype.walks.staged", "Staged"),
    "trees": ("calotype.walks.trees", "Trees"),
    "truncated": ("calotype.walks.truncated", "Truncated"),
    "surfaces": ("calotype.walks.surfaces", "Surfaces"),
    "tiled": ("calotype.walks.tiled", "Tiled"),
    "vectors": ("calotype.walks.vectors", "Vectors"),
    "volume": ("calotype.walks.volume", "Volume"),
    "winners": ("calotype.walks.winners", "Winners"),
    "whole-integer": ("calotype.walks.whole_integer", "WholeInteger"),
}


def names() -> tuple[str, ...]:
    """The walks there are."""
    return tuple(_WALKS)


def get(name: str, parameters: dict[str, Any]) -> Any:
    """The walk of that name with its parameters from a model's manifest.

    Raises UsageError for a name that isn't there, or for parameters that the walk doesn't take.
    """
    if name not in _WALKS:
        raise UsageError("walk", value=name, allowed=", ".join(_WALKS))
    module, attribute = _WALKS[name]
    try:
        return getattr(import_module(module), attribute)(**parameters)
    except TypeError as error:
        raise UsageError(f"parameters of walk {name}", value=parameters, allowed=str(error)) from error

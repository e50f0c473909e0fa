"""The walk of blocks whose colours turn: which axes each block takes, then its coefficients as in walks/blocks.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calotype.coding.densities import Factorized
from calotype.walks.blocks import Blocks

__all__ = ["Clustered"]


class Clustered(Blocks):
    """Blocks, and before them "map" [b, 1, h, w], the cluster of each, with the one table of the bank "map"."""

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        given = None if latents is None else latents["map"]
        cluster = port.code("map", given, Factorized(nets.table("map.index")[None, :, :, None], "map"))
        return super().__call__(nets, port, latents) | {"map": cluster}

"""A port whose walk says where a segment of a tile may begin: each one is a stream of its own, with a port of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from calotype.coding.lattice import FULL, Lattice
from calotype.coding.port import Distribution

__all__ = ["Segments"]


class Segments:
    """Hands everything to the port of the segment at hand.

    begin   (number of the segment) -> its port, a writer or a reader
    """

    calls = None  # as a writer's that keeps none: rereading.py knows one stream

    def __init__(self, begin: Callable[[int], Any]) -> None:
        self._begin, self._finished = begin, []
        self._port = begin(0)

    def shape(self, name: str) -> tuple[int, int, int, int]:
        return self._port.shape(name)

    def code(
        self, name: str, values: Any, distribution: Distribution, lattice: Lattice = FULL, onto: Any = None
    ) -> np.ndarray:
        return self._port.code(name, values, distribution, lattice, onto)

    def run(
        self, name: str, symbols: np.ndarray | None, bank: str, tables: np.ndarray, ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._port.run(name, symbols, bank, tables, ends)

    def opaque(self, name: str, data: list[bytes] | None) -> list[bytes]:
        return self._port.opaque(name, data)

    def segment(self) -> None:
        self._finished.append(self._port.finish())
        self._port = self._begin(len(self._finished))

    def finish(self) -> list[Any]:
        """What the port of each segment says in the end."""
        return [*self._finished, self._port.finish()]

"""What a walk may ask of a port, and what a port asks of a distribution; no implementation."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from calotype.coding.lattice import FULL, Lattice

__all__ = ["Distribution", "Port", "Taker"]


class Taker(Protocol):
    """What `Distribution.take` is handed: a lattice bound to a shape."""

    def take(self, array: np.ndarray) -> np.ndarray:
        """[b, n]: the positions of the lattice, after broadcasting to the shape of the call."""
        ...


class Distribution(Protocol):
    """How values of one call are rounded and which table codes them. Owns its mathematics; ports order and code.

    bank     name of the TableBank
    table    table indices, integer-valued, any real dtype; [b, n] after `take`
    mean16   optional attribute: means in sixteenths, integer-valued, [b, n] after `take`; None for zero. A distribution
             that has it promises restore(symbols) == symbols + mean16 / 16, and ports then work in integers
    """

    bank: str

    @property
    def table(self) -> Any: ...

    def take(self, lattice: Any) -> Distribution:
        """The same with arrays [b, n]: every array through `lattice.take`, which also broadcasts."""
        ...

    def quantize(self, values: np.ndarray, tradeoff: np.ndarray | None) -> np.ndarray:
        """Integer-valued symbols of [b, n] values; what stands at certain positions is ignored."""
        ...

    def restore(self, symbols: np.ndarray) -> np.ndarray:
        """float32 values of [b, n] symbols, multiples of 1/16."""
        ...


class Port(Protocol):
    """Counter, writer, reader and the training port: a walk talks to any of them and never asks to which."""

    def shape(self, name: str) -> tuple[int, int, int, int]:
        """[b, c, h, w] of a name, known before any value is."""
        ...

    def code(
        self, name: str, values: Any, distribution: Distribution, lattice: Lattice = FULL, onto: Any = None
    ) -> Any:
        """Code the positions of `lattice`, write the restored values there into `onto` and return it.

        values    [b, c, h, w] before rounding; None when reading
        onto      [b, c, h, w], changed in place under NumPy; None: zeros
        returns   what every side of the walk goes on with
        """
        ...

    def run(
        self, name: str, symbols: np.ndarray | None, bank: str, tables: np.ndarray, ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Code a list of symbols, as long as what is known says: for methods that decide what is coded as they go.

        symbols   int [n], row after row; None when reading
        bank      name of the TableBank; no symbol may lie outside its table
        tables    int [n], the table of each symbol
        ends      int64 [b + 1]: row r has symbols[ends[r]:ends[r + 1]]
        returns   symbols, and how many of each row are known, int64 [b]: all, or fewer where an embedded stream was cut
        """
        ...

    def segment(self) -> None:
        """Another segment may begin here: a file that is cut behind it has whatever was coded so far."""
        ...

    def opaque(self, name: str, data: list[bytes] | None) -> list[bytes]:
        """Carry bytes that a method codes its own way, one byte string a row; None when reading."""
        ...

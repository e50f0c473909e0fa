"""Orders in which walks code positions: the lattices of coding/lattice.py, whose order of symbols is normative there."""

from __future__ import annotations

from calotype.coding.lattice import FULL, Lattice, Listed

__all__ = ["FULL", "Lattice", "Listed"]

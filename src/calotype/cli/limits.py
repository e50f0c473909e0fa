"""How the command line's --max-pixels becomes `Limits`."""

from __future__ import annotations

from calotype.batch.one import limits_of

__all__ = ["limits_of"]

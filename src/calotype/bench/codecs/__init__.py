"""Every codec the benchmark knows: `names()`, `available()`, `expand(words)`, `get(name)`; no codec lives here."""

from __future__ import annotations

from calotype.bench.codecs.protocol import Codec
from calotype.bench.codecs.registry import GROUPS, available, expand, get, missing, names

__all__ = ["GROUPS", "Codec", "available", "expand", "get", "missing", "names"]

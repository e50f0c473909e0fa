"""What a writer wrote, read again with the tables that it wrote with: entropy coding and hashes, no walk, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from calotype.coding.counter import Shape
from calotype.coding.positions import Call
from calotype.coding.reader import Reader
from calotype.coding.tables import TableBank

__all__ = ["reread"]


def reread(
    calls: Sequence[Call],
    shapes: Mapping[str, Shape],
    banks: Mapping[str, TableBank],
    written: Sequence[tuple[bytes, bytes]],
    keys: Sequence[bytes],
) -> np.ndarray:
    """Decode each stream call by call and compare the hash of its values: bool [b], rows that don't come back.

    A reader that finds these tables by itself, which is what exact networks are for, reads the same.

    calls      `Writer.calls` of a writer that was told to keep them, and did
    shapes, banks, keys   as the writer had them
    written    what its `finish` gave: a stream and a hash a row
    """
    streams, hashes = zip(*written, strict=True)
    port = Reader(shapes, banks, streams=streams, hashes=hashes, keys=keys, strict=False)
    for call in calls:
        port.read(call)
    return port.finish()

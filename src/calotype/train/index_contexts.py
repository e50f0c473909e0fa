"""With which tables indices of codebooks are coded, from what they are on pictures. NumPy only; nothing runs when coding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calotype import codebooks
from calotype.train.block_contexts import Counts, Probe, spread_tables
from calotype.walks import interlaced
from calotype.walks.vectors import Books, blocks_of, chroma_blocks

__all__ = ["scales"]

_MOST_PX = 1_000_000


def scales(sample: Sequence[np.ndarray], books: Books, place: int) -> dict[str, np.ndarray]:
    """The rows "luma.<place>.scale" and "chroma.<place>.scale".

    sample   Y, Co, Cg int32 [3, h, w] of pictures, sides multiples of 32
    """
    found: dict[str, np.ndarray] = {}
    classes = np.arange(interlaced.PASSES * interlaced.CLASSES).reshape(interlaced.PASSES, -1)
    for kind, entries, factor in (("luma", books.luma, 1), ("chroma", books.chroma, 2)):
        seen: dict[str, Counts] = {}
        looked = 0
        for planes in sample:
            vectors = blocks_of(planes[:1], books.side) if factor == 1 else chroma_blocks(planes[1:], books.side)
            height, width = (side // (factor * books.side) for side in planes.shape[1:])
            plane = codebooks.nearest(vectors, entries).reshape(1, 1, height, width)
            shape = (1, interlaced.CELL**2, height // interlaced.CELL, width // interlaced.CELL)
            interlaced.code(Probe({kind: shape}, seen), kind, plane, classes, first=len(entries) // 2)
            looked += planes[0].size
            if looked >= _MOST_PX:
                break
        found[f"{kind}.{place}.scale"] = spread_tables(seen[kind], interlaced.PASSES)
    return found

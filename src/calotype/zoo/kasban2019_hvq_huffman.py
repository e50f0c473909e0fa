"""Hierarchical vector quantization by block activity, indices in Huffman codes.

    picture -> Y Co Cg -> means of blocks, interpolated -> residual of 4x4 samples -> quiet: no index
                                                                                  \\-> active: one; more active: two
    numbers of indices, and indices -> Huffman codes by context --> strings of bytes in the file
    picture <- R G B <- interpolated means + sums of entries <- indices

Kasban and Hashima 2019, on radiographs: flat blocks are cheap, active ones get finer codebooks, and the indices are
Huffman coded. Which level of the hierarchy a block is on is decided by error + worth(rate) * bits.

The survey only names the paper; this is a faithful reading of its title. Differs: photographs, colour, a dial. The
codebooks are those of `vq-hybrid` with two stages; what Huffman codes lose to rANS is measured in
docs/systems/vector-quantization.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe
from calotype.zoo.brifcani2010_msvq_dwt import TINY

if TYPE_CHECKING:
    import numpy as np


def design(crops: Sequence[np.ndarray], **size: Any) -> Any:
    """The model from pictures uint8 [h, w, 3]; the sizes' arguments are those of `brifcani2010_msvq_dwt.design`."""
    from calotype.zoo import brifcani2010_msvq_dwt

    settings: dict[str, Any] = {"split": "means", "stages": 2, "indices": "huffman"} | size
    return brifcani2010_msvq_dwt.design(crops, **settings)


RECIPE = Recipe(
    name="kasban2019-hvq-huffman",
    title="vector quantization by block activity in two levels, indices in Huffman codes",
    paper="Kasban, Hashima 2019",
    rows=("kasban2019-hvq-huffman",),
    walk="staged",
    design=design,
    sizes={"entropy": {"indices": "entropy"}, "tiny": TINY},
)

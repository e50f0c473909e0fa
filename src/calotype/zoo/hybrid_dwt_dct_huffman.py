"""The classic hybrid: one level of wavelet, cosines of its coarse band alone; details stay as they are.

    picture -> Y Cb Cr (4:4:4) -> 16x16 blocks -> Haar -+-> LL: DCT of 8x8 ------+-> / step(rate) -> means, others -> tables
                                                        +-> HL LH HH, as they are +
    picture <- R G B <- inverse Haar <- inverse DCT of LL <- * step(rate) <-

A reading of a family of papers that the surveys cite without saying more than "DWT, then DCT of the coarse band, Huffman".
Beside `poolakkachalil2017-dctdwt` it shows what the cosines of the detail bands are worth.
Differs: contexts and rANS in place of Huffman; rate and distortion, not a rule, decide which details are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def coarse_cosines(side: int) -> np.ndarray:
    """The orthonormal basis, float32 [n, n], n = side * side: cosines of LL by zigzag, then HL, LH, HH place by place."""
    import numpy as np

    from calotype import blocks

    half = side // 2
    low, high = np.zeros((2, half, side))
    for k in range(half):
        low[k, 2 * k : 2 * k + 2], high[k, 2 * k : 2 * k + 2] = (1, 1), (1, -1)
    bands = [
        np.einsum("uy,vx->uvyx", down, across).reshape(half**2, -1) / 2
        for down, across in ((low, low), (low, high), (high, low), (high, high))
    ]
    details = np.stack(bands[1:], 1).reshape(-1, side**2)  # the three of each place together
    return np.concatenate([blocks.cosines(half).astype(np.float64) @ bands[0], details]).astype(np.float32)


def design(crops: Sequence[np.ndarray], *, side: int = 16, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, anchors=anchors, basis=coarse_cosines(side))


RECIPE = Recipe(
    name="hybrid-dwt-dct-huffman",
    title="Haar wavelet of blocks, cosines of its coarse band",
    walk="blocks",
    design=design,
    sizes={"tiny": {"side": 8, "anchors": 3}},
)

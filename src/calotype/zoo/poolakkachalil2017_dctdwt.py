"""Hybrid of wavelet and cosines: one level of Haar in each block, then the DCT of each of the four bands.

    picture -> Y Cb Cr (4:4:4) -> 8x8 blocks -> Haar: LL HL LH HH of 4x4 -> DCT of 4x4 of each -> / step(rate)
            -> means --> tables
            -> others, by frequency --> tables
    picture <- R G B <- inverse Haar <- inverse DCT <- * step(rate) <-

Poolakkachalil and others 2017 compare the DCT and the hybrid, each with arithmetic coding.
Both steps are orthonormal, so together they are a basis of the block, and all else is `dct-threshold`: what the hybrid is
worth is what the tables of docs/systems/block-transforms.md say.

Differs from the paper, whose text was not at hand: Haar, since the filter is not known; bands above the first turn the
order of their frequencies round, which the order of coding undoes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def hybrid(side: int) -> np.ndarray:
    """The orthonormal basis, float32 [n, n], n = side * side: a zigzag of frequencies."""
    import numpy as np

    from calotype import blocks

    half = side // 2
    haar = np.zeros((side, side))
    for k in range(half):
        haar[k, 2 * k : 2 * k + 2], haar[half + k, 2 * k : 2 * k + 2] = (1, 1), (1, -1)
    u, x = np.mgrid[0:half, 0:half]
    one = np.sqrt(np.where(u == 0, 1, 2) / half) * np.cos((2 * x + 1) * u * np.pi / (2 * half))
    both = np.kron(np.eye(2), one) @ haar / np.sqrt(2)
    both[half:] = both[half:][::-1]  # the high band's lowest frequency is the block's highest
    order = blocks.zigzag(side)
    return np.einsum("uy,vx->uvyx", both, both)[order[:, 0], order[:, 1]].reshape(side**2, -1).astype(np.float32)


def design(crops: Sequence[np.ndarray], *, side: int = 8, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, anchors=anchors, basis=hybrid(side))


RECIPE = Recipe(
    name="poolakkachalil2017-dctdwt",
    title="Haar wavelet of blocks, then cosines of its bands",
    paper="Poolakkachalil and others 2017",
    walk="blocks",
    design=design,
    sizes={"sixteen": {"side": 16}, "tiny": {"anchors": 3}},
)

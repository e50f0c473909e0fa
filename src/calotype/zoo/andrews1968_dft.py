"""Fourier transform coding: the block coder of `dct-threshold` with plane waves in place of products of cosines.

    picture -> Y Cb Cr (4:4:4) -> discrete Fourier transform of 8x8 blocks: real and imaginary parts -> / step(rate)
            -> means --> tables
            -> others, by frequency --> tables
    picture <- R G B <- inverse transform <- * step(rate) <-

Andrews and Pratt 1968. Of a real block the coefficients of (u, v) and (-u, -v) are conjugate, so that one of each pair is
kept: n real numbers for n pixels. A block is taken as one period: where its opposite edges differ, there is a jump, and
its energy goes into all frequencies. That is what the cosine transform, which mirrors the block, was found to mend.

Differs from the paper: blocks of 8x8 in place of whole pictures, contexts and rANS in place of samples of fixed length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def waves(side: int) -> np.ndarray:
    """The orthonormal basis of real and imaginary parts, float32 [n, n], n = side * side, by |u| + |v|, mean first."""
    import numpy as np

    y, x = np.mgrid[0:side, 0:side]
    rows = []
    for u in range(side):
        for v in range(side):
            opposite = (-u % side, -v % side)
            if (u, v) > opposite:
                continue
            fold = min(u, side - u) + min(v, side - v), min(u, side - u)
            angle = 2 * np.pi * (u * y + v * x) / side
            scale = (1.0 if (u, v) == opposite else np.sqrt(2)) / side
            rows.append((*fold, u, v, 0, scale * np.cos(angle)))
            if (u, v) != opposite:
                rows.append((*fold, u, v, 1, scale * np.sin(angle)))
    rows.sort(key=lambda row: row[:5])
    return np.stack([row[5].ravel() for row in rows]).astype(np.float32)


def design(crops: Sequence[np.ndarray], *, side: int = 8, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, anchors=anchors, basis=waves(side))


RECIPE = Recipe(
    name="andrews1968-dft",
    title="Fourier transform of blocks, contexts from magnitudes around",
    paper="Andrews, Pratt 1968, Hawaii International Conference on System Sciences",
    walk="blocks",
    design=design,
    sizes={"sixteen": {"side": 16}, "tiny": {"anchors": 3}},
)

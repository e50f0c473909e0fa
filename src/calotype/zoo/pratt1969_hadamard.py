"""Walsh-Hadamard transform coding: the block coder of `dct-threshold` with a basis of +1 and -1.

    picture -> Y Cb Cr (4:4:4) -> Walsh functions of 8x8 blocks, by sequency -> / step(rate) -> means --> tables
                                                                                        \\-> others ----> tables
    picture <- R G B <- the same functions <- * step(rate) <-

Pratt, Kane, Andrews 1969. A transform of additions alone, which is why it was first: the multiplications of the textbook
are one for each coefficient, the step. Sequency, the number of changes of sign, takes the place of frequency.

Differs from the paper: contexts and rANS behind it in place of samples of fixed length, blocks in place of whole pictures,
and the arithmetic is that of all block transforms here, float multiplications by a matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def walsh(side: int) -> np.ndarray:
    """The orthonormal two-dimensional Walsh-Hadamard basis, float32 [n, n], n = side * side: a zigzag of sequencies.

    side   a power of two
    """
    import numpy as np

    from calotype import blocks

    one = np.ones((1, 1))
    while len(one) < side:
        one = np.block([[one, one], [one, -one]])
    one = one[np.argsort(np.count_nonzero(np.diff(one), axis=1))] / np.sqrt(side)
    order = blocks.zigzag(side)
    return np.einsum("uy,vx->uvyx", one, one)[order[:, 0], order[:, 1]].reshape(side**2, -1).astype(np.float32)


def design(crops: Sequence[np.ndarray], *, side: int = 8, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, anchors=anchors, basis=walsh(side))


RECIPE = Recipe(
    name="pratt1969-hadamard",
    title="Walsh-Hadamard transform of blocks, contexts from magnitudes around",
    paper="Pratt, Kane, Andrews 1969, doi:10.1109/PROC.1969.6869",
    walk="blocks",
    design=design,
    sizes={"sixteen": {"side": 16}, "tiny": {"anchors": 3}},
)

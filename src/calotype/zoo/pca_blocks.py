"""Principal components of blocks (Karhunen-Loeve): the basis that packs most variance into few coefficients, from pictures.

    pictures -> Y Cb Cr -> 8x8 blocks -> second moments of each plane -> eigenvectors, largest first -> basis -> model
    picture -> Y Cb Cr -> blocks -> basis -> / step(rate) -> first components: interlaced, predicted --> tables
                                                          \\-> others: |magnitudes| around ------------> tables
    picture <- R G B <- transposed basis <- * step(rate) <-

The row abbas2018-pca of the catalogue with an entropy coder behind it. Everything but the basis is that of
`dct-threshold`, so the two show what a basis that is fitted is worth.

Differs from the textbook: nothing is dropped beforehand; rate and distortion decide which components are coded. Moments
are not centred, as the coder sends no mean: the first component is nearly the mean of the block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def principal(crops: Sequence[np.ndarray], side: int) -> np.ndarray:
    """Eigenvectors of the second moments of blocks, float32 [3, n, n]: rows, largest eigenvalue first, sums not negative."""
    import numpy as np

    from calotype import blocks
    from calotype.train.block_contexts import coefficients

    n = side * side
    parts = coefficients(crops, np.eye(n, dtype=np.float32), blocks.LUMA_CHROMA, side)
    vectors = np.concatenate([part.reshape(3, n, -1) for part in parts], 2).astype(np.float64)
    moments = vectors @ vectors.transpose(0, 2, 1) / vectors.shape[2]
    _, columns = np.linalg.eigh(moments)
    rows = columns.transpose(0, 2, 1)[:, ::-1]
    signs = np.where(rows.sum(2, keepdims=True) < 0, -1.0, 1.0)  # a solver may return either sign
    return np.ascontiguousarray(rows * signs, np.float32)


def design(crops: Sequence[np.ndarray], *, side: int = 8, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, anchors=anchors, basis=principal(crops, side))


RECIPE = Recipe(
    name="pca-blocks",
    title="principal components of blocks, contexts from magnitudes around",
    paper="Hotelling 1933, doi:10.1037/h0071325",
    rows=("abbas2018-pca",),
    walk="blocks",
    design=design,
    sizes={"tiny": {"anchors": 3}},
)

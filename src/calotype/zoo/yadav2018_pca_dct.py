"""Principal components along the bands, cosines along space: for colour pictures, three components of R, G and B.

    pictures -> second moments of (R, G, B) - mean -> eigenvectors, largest first -> model
    picture -> components -> DCT of 8x8 blocks -> / step(rate) -> means, others -> tables
    picture <- R G B <- transposed eigenvectors <- inverse DCT <- * step(rate) <-

Yadav and Nagmode 2018 code hyperspectral cubes so. Of a colour picture all three components are kept; the eigenvectors are
those of the pictures of the design, where a cube brings its own. Beside `dct-threshold` it shows what decorrelated colours
are worth against those of television.

Differs from the paper: three bands; contexts and rANS behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def axes(crops: Sequence[np.ndarray], *, rarity: bool = False) -> np.ndarray:
    """Principal axes of the colours of pictures, float64 [3, 3], columns, largest first; the sums not negative.

    rarity   colours count by how far they lie from the mean, in Mahalanobis' distance squared: the rare ones for more
    """
    import numpy as np

    colours = np.concatenate([crop.reshape(-1, 3)[::7] for crop in crops]).astype(np.float64)
    colours -= colours.mean(0)
    moments = colours.T @ colours / len(colours)
    if rarity:
        far = np.einsum("nk,kl,nl->n", colours, np.linalg.inv(moments + np.eye(3)), colours)
        moments = (colours * far[:, None]).T @ colours / far.sum()
    columns = np.linalg.eigh(moments)[1][:, ::-1]
    return columns * np.where(columns.sum(0) < 0, -1.0, 1.0)


def design(crops: Sequence[np.ndarray], *, side: int = 8, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, anchors=anchors, colours=axes(crops))


RECIPE = Recipe(
    name="yadav2018-pca-dct",
    title="principal components of colours, block DCT",
    paper="Yadav, Nagmode 2018",
    walk="blocks",
    design=design,
    sizes={"tiny": {"anchors": 3}},
)

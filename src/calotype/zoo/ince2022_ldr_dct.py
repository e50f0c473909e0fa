"""Low-dynamic-range DCT: coefficients are divided by a weight of their frequency level before one step quantizes all.

    picture -> Y Cb Cr (4:4:4) -> DCT of 8x8 blocks -> / weight(u + v) -> / step(rate) -> means --> tables
                                                                                       \\-> others -> tables
    picture <- R G B <- inverse DCT <- * weight(u + v) <- * step(rate) <-

Ince et al. 2022 weight the coefficients of a JPEG chain by frequency level so that their range shrinks, and report a
quarter more of compression ratio times PSNR. A weight before a uniform quantizer is a quantization matrix: here the
levels' standard deviations over the pictures of the design, to the power POWER, which shrinks the range by that share.

Differs from the paper, whose weights are not at hand: these; contexts and rANS behind it. Beside `dct-threshold`, whose
steps are all alike, it shows what such weights do at equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

POWER = 0.25


def level_weights(crops: Sequence[np.ndarray], side: int) -> np.ndarray:
    """The weights by rank, float64 [side * side], their geometric mean 1."""
    import numpy as np

    from calotype import blocks
    from calotype.train.block_contexts import coefficients

    found = coefficients(crops, blocks.cosines(side), blocks.LUMA_CHROMA, side)
    squares = np.sum([np.square(part[0], dtype=np.float64).sum((1, 2)) for part in found], 0)
    level = blocks.zigzag(side).sum(1)
    mean = np.bincount(level, squares) / np.bincount(level)
    weights = np.maximum(mean[level], 1e-9) ** (POWER / 2)
    return weights / np.exp(np.log(weights).mean())


def design(crops: Sequence[np.ndarray], *, side: int = 8, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, anchors=anchors, weights=level_weights(crops, side))


RECIPE = Recipe(
    name="ince2022-ldr-dct",
    title="block DCT with weights by frequency level",
    paper="Ince, Bulut, Kilic, Yildirim, Ince 2022, doi:10.1007/s00371-022-02418-0",
    walk="blocks",
    design=design,
    sizes={"tiny": {"anchors": 3}},
)

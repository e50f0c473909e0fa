"""Block DCT with threshold coding: the classical transform coder, with contexts in place of run lengths and Huffman.

    picture -> Y Cb Cr (4:4:4) -> DCT of 8x8 blocks -> / step(rate) -> means ------ interlaced, predicted --> tables
                                                                  \\-> others ------ |magnitudes| around -----> tables
    picture <- R G B <- inverse DCT <- * step(rate) <-

Threshold coding keeps the coefficients that are large, wherever they are: here rate-distortion-optimised rounding
decides which, and the tables' contexts say where. Ahmed, Natarajan, Rao 1974; Wallace 1992 (JPEG).
Differs from JPEG: one step for all coefficients (best in PSNR; no matrix for the eye), no chroma subsampling, integer
context tables and rANS; blocks of 16x16 in the size "sixteen".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

GROUPS = {8: (2, 3, 4, 5, 6, 7, 8, 13, 15), 16: (2, 3, 4, 5, 6, 7, 8, 9, 21, 34, 48, 108)}
STEPS = (200.0, 3.0)  # of the quantizer at the first and the last rate
TRADEOFF = 6.5  # bits that a squared step of distortion is worth; 6 / ln 2 at high rates
CHROMA = 1.15  # steps of chroma: an error of Cb or Cr weighs 3.3 and 2.5 in R G B, one of Y three


def design(
    crops: Sequence[np.ndarray],
    *,
    side: int = 8,
    zone: int = 0,
    tradeoff: float = TRADEOFF,
    anchors: int = 9,
    basis: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    colours: np.ndarray | None = None,
    sample: Sequence[np.ndarray] | None = None,
) -> Any:
    """The model from pictures uint8 [h, w, 3].

    zone    as in walks/blocks.py      tradeoff   bits that a squared step of distortion is worth
    basis   another orthonormal one than cosines, float32 [n, n] or [3, n, n], rank by rank
    colours orthonormal axes of colour in place of Y Cb Cr, float [3, 3], columns
    sample  coefficients to design from, [3, n, h, w] each, in place of those of the pictures
    weights relative steps of the coefficients of a block, [n], rank by rank; None: all alike
    """
    import numpy as np

    from calotype import blocks
    from calotype.model.manifest import Latent
    from calotype.train.block_contexts import coefficients, designed_rows, laplace
    from calotype.train.design import Design

    n, planes = side * side, 3
    steps = np.geomspace(*STEPS, anchors)
    chroma = CHROMA if colours is None else 1.0
    factor = np.repeat([1.0, chroma, chroma], n) * np.tile(np.ones(n) if weights is None else weights, planes)
    axes, back = blocks.LUMA_CHROMA, blocks.CHROMA_BACK
    if colours is not None:  # an error of such a plane weighs one in R G B; one of Y weighs three
        axes, back = colours / np.sqrt(3), colours * np.sqrt(3)
    if sample is None:
        sample = coefficients(crops, blocks.cosines(side) if basis is None else basis, axes, 4 * side)
    sample = [part / factor.reshape(planes, n, 1, 1) for part in sample]
    inverse = np.log(steps[[0, -1], None] * factor)
    return Design(
        walk="blocks",
        walk_parameters={"planes": planes, "groups": GROUPS[side], "zone": zone},
        latents={
            "y": Latent(planes * n, side, -2047, 2047, coded=False),
            "dc": Latent(planes * 16, 4 * side, -2047, 2047),
            "ac": Latent(planes * (n - 1), side, -2047, 2047),
        },
        transform={"kind": "blocks", "side": side, "basis": "dct" if basis is None else "basis"},
        align_px=4 * side,
        rate_anchors=anchors,
        banks={"laplace": laplace()},
        rows=designed_rows(sample, GROUPS[side], steps[1::2], steps),
        floats={
            "colours": back.astype(np.float32),
            "anchors/inverse.y": inverse.astype(np.float32),
            **({} if basis is None else {"basis": basis}),
        },
        encoder={
            "planes": axes.astype(np.float32),
            "anchors/gain.y": -inverse.astype(np.float32),
            "anchors/log_tradeoff.ac": np.full((2, planes * (n - 1)), np.log(tradeoff), np.float32),
        },
    )


RECIPE = Recipe(
    name="dct-threshold",
    title="block DCT, coefficients kept by rate and distortion, contexts from magnitudes around",
    paper="Ahmed, Natarajan, Rao 1974, doi:10.1109/T-C.1974.223784",
    rows=("ahmed1974-dct",),
    walk="blocks",
    design=design,
    sizes={"sixteen": {"side": 16}, "tiny": {"anchors": 3}},
)

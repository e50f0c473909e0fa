"""SPIHT: a wavelet pyramid coded by bit planes of trees of coefficients; the file can be cut anywhere.

    picture -> Y Cb Cr (4:4:4) -> CDF 9/7, six levels -> / step(rate) -> bit planes, the most significant first:
        listed coefficients, sets of descendants from coarse to fine, refinements -> tables by context -> rANS
    picture <- R G B <- inverse 9/7 <- * step(rate) <- magnitudes, each as far down as its bits came

Said and Pearlman 1996. A set that holds nothing significant costs one decision; what comes first in the file is what
lowers the error most. Colour is coded in the same planes: Y, then Cb, then Cr at each level.
Differs from the paper: order within a pass (walks/trees.py), static tables by context in place of adaptive ones for
groups of four; in the size "binary" every decision takes a bit, as in the paper's coder without arithmetic coding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

STEPS = (160.0, 2.0)  # of the quantizer at the first and the last rate


def design(
    crops: Sequence[np.ndarray],
    *,
    levels: int = 6,
    bits: int = 15,
    steps: Sequence[float] = STEPS,
    coded: bool = True,
    counted: int = 3,
    colours: np.ndarray | None = None,
) -> Any:
    """The model from pictures uint8 [h, w, 3].

    bits      of a magnitude, at most
    steps     of the quantizer at the first and the last rate
    coded     tables by context; else one bit for every decision
    counted   at how many steps decisions are counted
    colours   float [3, 3], orthonormal columns, in place of Y Cb Cr
    """
    from calotype.train.embedded_tables import bands_of, embedded

    return embedded(
        lambda planes: list(bands_of(crops, planes, levels)),
        transform={"kind": "wavelet97", "levels": levels},
        strides={"ll": 1 << levels} | {f"l{level}": 1 << level for level in range(1, levels + 1)},
        orientations=3,
        bits=bits,
        steps=steps,
        coded=coded,
        counted=counted,
        colours=colours,
    )


RECIPE = Recipe(
    name="spiht",
    title="set partitioning in hierarchical trees, an embedded stream",
    paper="Said, Pearlman 1996, doi:10.1109/76.499834",
    walk="trees",
    design=design,
    sizes={"binary": {"coded": False}, "tiny": {"levels": 2, "bits": 7, "steps": (160.0, 6.0), "counted": 2}},
)

"""Block DCT with zonal coding: a fixed zone of coefficients for each rate, chosen by their variance; all others are zero.

    picture -> Y Cb Cr -> DCT of 8x8 blocks -> / step(rate) --> inside the zone of this rate --> round --> tables
                                                            \\-> outside: not coded
    picture <- R G B <- inverse DCT <- * step(rate) <-

The zone is made of the coefficients whose mean magnitude, in steps of this rate, was at least ZONE on the pictures of the
design: the rule of maximum variance (Jayant and Noll 1984, chapter 12). Beside `dct-threshold` this is the other
classical choice: it needs no positions, and misses what is rare and large.

Differs from the textbook: no bit allocation by formula, since an entropy coder follows; the same walk and tables as
`dct-threshold`, without rate-distortion-optimised rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

ZONE = 0.02  # steps; coefficients below it are zero in 98 of 100 blocks
PLAIN = 1e6  # bits that a squared step is worth: so much that rounding is to the nearest


def design(crops: Sequence[np.ndarray], *, side: int = 8, anchors: int = 9) -> Any:
    """The model from pictures uint8 [h, w, 3]."""
    from calotype.walks.blocks import UNIT
    from calotype.zoo import dct_threshold

    return dct_threshold.design(crops, side=side, zone=round(ZONE * UNIT), tradeoff=PLAIN, anchors=anchors)


RECIPE = Recipe(
    name="dct-zonal",
    title="block DCT, a fixed zone of coefficients for each rate",
    paper="Ahmed, Natarajan, Rao 1974, doi:10.1109/T-C.1974.223784",
    walk="blocks",
    design=design,
    sizes={"sixteen": {"side": 16}, "tiny": {"anchors": 3}},
)

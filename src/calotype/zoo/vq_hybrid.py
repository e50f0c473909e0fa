"""Vector quantization of a prediction's residual: means of blocks predict, codebooks correct where it pays.

    picture -> Y Co Cg -> means of 4x4 (chroma: 8x8) / step(rate) -- interlaced, predicted --> port
                       \\-> minus the interpolated means -> 4x4 samples -> 0 to 4 indices ---> port
    picture <- R G B <- interpolated means + sums of entries <- indices

Hybrids of prediction or transform with vector quantization: Gray 1984, section V. Beside `vq-lbg`, whose codebooks must
code brightness, edges and texture at once, codebooks here only code what interpolation does not know.

Differs from the textbook: interpolation between known means in place of prediction from the left and above, so whole
tiles are coded at once; several stages, and as many as pay. The rest is that of `brifcani2010-msvq-dwt`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe
from calotype.zoo.brifcani2010_msvq_dwt import TINY

if TYPE_CHECKING:
    import numpy as np


def design(crops: Sequence[np.ndarray], **size: Any) -> Any:
    """The model from pictures uint8 [h, w, 3]; the sizes' arguments are those of `brifcani2010_msvq_dwt.design`."""
    from calotype.zoo import brifcani2010_msvq_dwt

    settings: dict[str, Any] = {"split": "means"} | size
    return brifcani2010_msvq_dwt.design(crops, **settings)


RECIPE = Recipe(
    name="vq-hybrid",
    title="vector quantization of what interpolated block means leave, in up to four stages",
    paper="Gray 1984, doi:10.1109/MASSP.1984.1162229",
    rows=("vq-hybrid",),
    walk="staged",
    design=design,
    sizes={"tiny": TINY},
)

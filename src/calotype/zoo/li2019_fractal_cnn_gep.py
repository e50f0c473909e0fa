"""Fractal coding whose encoder searches among blocks of one class only: `fractal-pifs`, faster.

    blocks and domains -> class: the order of their quadrants by brightness, 24 of them
    each range -> the best domain and turn of its class, or of its negative's -> as `fractal-pifs`

Li et al. 2019 let a convolutional network put blocks into classes, an adaptive quad tree cut them, and gene-expression
programming search a class for the domain. The quad tree is that of `fractal-pifs`; the decoder cannot tell who searched.

Differs from the paper: classes are Fisher's, known without training, in place of a network's; within a class everything is
compared, in place of evolution, for a product of matrices takes a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def design(crops: Sequence[np.ndarray], **size: Any) -> Any:
    """The model from pictures uint8 [h, w, 3]; the parameters are those of `fractal-pifs`."""
    from calotype.zoo import fractal_pifs

    return fractal_pifs.design(crops, **size, classes=True)


RECIPE = Recipe(
    name="li2019-fractal-cnn-gep",
    title="fractal coding, domains searched within classes of blocks",
    paper="Li et al. 2019",
    walk="fractal",
    design=design,
    sizes={"tiny": {"largest": 16, "anchors": 3, "grid": {4: 16, 8: 16, 16: 32}}},
)

"""Weighted principal components along the bands, then a wavelet coder: rare colours keep an axis of their own.

    pictures -> moments of (R, G, B), each pixel weighted by how far it lies from the mean -> eigenvectors -> model
    picture -> components -> CDF 9/7 -> bit planes of trees, as `spiht` -> tables by context -> rANS
    picture <- R G B <- transposed eigenvectors <- inverse 9/7 <-

Karaca and Gullu 2018 weight the covariance of hyperspectral pixels so that targets of few pixels survive the reduction of
bands, and code components by JPEG 2000. Here the weight is Mahalanobis' distance squared, which detectors of anomalies
use; all three components are kept, so nothing rare is lost, and what the weights cost is seen beside `spiht`.

Differs from the paper: three bands, none dropped; the wavelet coder is that of `spiht`. The file is embedded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np


def design(crops: Sequence[np.ndarray], **size: Any) -> Any:
    """The model from pictures uint8 [h, w, 3]; the parameters are those of `spiht`."""
    from calotype.zoo import spiht, yadav2018_pca_dct

    return spiht.design(crops, **size, colours=yadav2018_pca_dct.axes(crops, rarity=True))


RECIPE = Recipe(
    name="karaca2018-wpca",
    title="weighted principal components of colours, wavelets by bit planes",
    paper="Karaca, Gullu 2018",
    walk="trees",
    design=design,
    sizes={"tiny": {"levels": 2, "bits": 7, "steps": (160.0, 6.0), "counted": 2}},
)

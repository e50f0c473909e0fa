"""Coefficients of oriented bands as sums of kernels: support vector regression finds few weights, and those are coded.

    picture -> Y Cb Cr (4:4:4) -> CDF 9/7, six levels -> / step(rate) -> bands of the three finest levels: blocks of 8x8,
        support vector regression with a Gaussian kernel, longer along edges than across -> weights, most of them zero
    weights and coarse bands -> bit planes of trees, as `spiht` -> tables by context -> rANS
    picture <- R G B <- inverse 9/7 <- * step(rate) <- sums of kernels <- weights

After the schemes of curvelets and support vector machines that survey 002 tells of (Li, Yang, Jiao 2010, "Image
compression scheme based on curvelet transform and support vector machine"): few support vectors stand for the
coefficients of a block, and vectors are coded. A weight's place is its vector's, so places cost what the trees' decisions
cost.

Differs: bands of a separable wavelet, of three orientations and no redundancy, in place of curvelets; what makes a
curvelet long and thin is left to the kernels. No offset; weights by coordinates in turn, in encoding only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

STEPS = (160.0, 2.0)  # of the quantizer at the first and the last rate
WIDTHS = (0.7, 0.4)  # of the kernel along and across edges, in coefficients
TUBE = 0.2  # of the regression, in steps
_COUNTED_PX = 700_000  # that tables are counted on: each step of the quantizer is a regression


def design(
    crops: Sequence[np.ndarray],
    *,
    levels: int = 6,
    fine: int = 3,
    bits: int = 15,
    steps: Sequence[float] = STEPS,
    counted: int = 3,
    widths: tuple[float, float] = WIDTHS,
    tube: float = TUBE,
) -> Any:
    """The model from pictures uint8 [h, w, 3].

    fine     levels whose bands are sums of kernels, at most levels - 3      widths   of the kernel along and across edges
    tube     of the regression, in steps                 others   as for `spiht`
    """
    import numpy as np

    from calotype.train.embedded_tables import bands_of, embedded, in_steps
    from calotype.wavelets import weighted

    taken = np.cumsum([crop.shape[0] * crop.shape[1] for crop in crops])
    some = [crop for crop, total in zip(crops, taken, strict=True) if total <= max(taken[0], _COUNTED_PX)]
    along, across = widths
    of = ((along, across), (across, along), (across, across))

    def units(bands: Mapping[str, np.ndarray], step: float) -> dict[str, np.ndarray]:
        found = in_steps(bands, step)
        return found | {f"l{k}": weighted(found[f"l{k}"][0], of, tube)[None] for k in range(1, fine + 1)}

    return embedded(
        lambda planes: list(bands_of(some, planes, levels)),
        transform={"kind": "kernels", "levels": levels, "fine": fine, "widths": list(widths), "tube": tube},
        strides={"ll": 1 << levels} | {f"l{level}": 1 << level for level in range(1, levels + 1)},
        orientations=3,
        bits=bits,
        steps=steps,
        counted=counted,
        units=units,
    )


RECIPE = Recipe(
    name="curvelet-svm",
    title="bands as sums of kernels by support vector regression, weights by bit planes",
    paper="Li, Yang, Jiao 2010",
    walk="trees",
    design=design,
    sizes={"tiny": {"levels": 4, "fine": 1, "bits": 7, "steps": (160.0, 6.0), "counted": 2}},
)

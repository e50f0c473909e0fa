"""The pyramid of Burt and Adelson: differences between a picture and its blurred, halved versions, coded by bit planes.

    picture -> Y Cb Cr -> blur and halve, five times -> each scale - the next one expanded -> * norm / step(rate)
            -> trees of differences, most significant planes first (as `spiht`) -> tables by context -> rANS
    picture <- R G B <- sum of all, each expanded <- * step(rate) / norm <-

Burt and Adelson 1983, "The Laplacian pyramid as a compact image code". A third more samples than pixels, and each picks up
rounding of its own: what wavelets, which have no more samples than pixels, were found to mend.

Differs from the paper: steps follow from what an error of each scale does to the picture; significance trees in place of
the entropy of each scale. The file is embedded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

STEPS = (160.0, 3.0)  # of the quantizer at the first and the last rate


def design(
    crops: Sequence[np.ndarray],
    *,
    levels: int = 5,
    bits: int = 15,
    steps: Sequence[float] = STEPS,
    counted: int = 3,
) -> Any:
    """The model from pictures uint8 [h, w, 3]; the parameters are those of `spiht`."""
    import numpy as np

    from calotype import colour, laplacian
    from calotype.tiles import Region
    from calotype.train.embedded_tables import embedded

    weight = laplacian.norms(levels)

    def pyramids(planes: np.ndarray) -> list[dict[str, np.ndarray]]:
        found = []
        for crop in crops:
            height, width = (-(-side >> levels) << levels for side in crop.shape[:2])
            whole = np.empty((3, height, width), np.float32)
            colour.planes_of(crop, planes, unit=1)(Region(0, height, 0, width), whole)
            bands = laplacian.analyse(whole, levels)
            found.append({name: (band * np.float32(weight[name]))[None] for name, band in bands.items()})
        return found

    return embedded(
        pyramids,
        transform={"kind": "laplacian", "levels": levels},
        strides={"ll": 1 << levels} | {f"l{level}": 1 << (level - 1) for level in range(1, levels + 1)},
        orientations=1,
        bits=bits,
        steps=steps,
        counted=counted,
        floats={
            "norms": np.array([weight[f"l{level}"] for level in range(1, levels + 1)] + [weight["ll"]], np.float32)
        },
    )


RECIPE = Recipe(
    name="gaussian-pyramid",
    title="Laplacian pyramid, differences between scales by bit planes",
    paper="Burt, Adelson 1983, doi:10.1109/TCOM.1983.1095851",
    walk="trees",
    design=design,
    sizes={"tiny": {"levels": 2, "bits": 7, "steps": (160.0, 6.0), "counted": 2}},
)

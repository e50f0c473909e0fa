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
CHROMA = 1.15  # steps of chroma, as in dct-threshold


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
    import numpy as np

    from calotype import blocks
    from calotype.model.manifest import Latent
    from calotype.train.design import Design
    from calotype.train.embedded_tables import bands_of, banks, designed

    factor, largest = np.array([1.0, CHROMA, CHROMA]), 1 << bits
    planes, back = blocks.LUMA_CHROMA / factor, blocks.CHROMA_BACK * factor
    if colours is not None:  # an error of any plane weighs one in R G B; of Y it weighs three
        planes, back = colours / np.sqrt(3), colours * np.sqrt(3)
    inverse = np.log(np.array(steps, np.float32))[:, None] * np.ones(3, np.float32)
    sample = list(bands_of(crops, planes, levels))
    names = {f"l{level}": Latent(9, 1 << level, -largest, largest) for level in range(1, levels + 1)}
    return Design(
        walk="trees",
        walk_parameters={"levels": levels, "planes": bits, "coded": coded},
        latents={**names, "ll": Latent(3, 1 << levels, -largest, largest)},
        transform={"kind": "wavelet97", "levels": levels},
        align_px=1 << levels,
        tile_px=1024,
        banks=banks(coded),
        rows={
            "octave": np.round(16 * np.log2(steps)).astype(np.int64)[:, None],
            **designed(sample, np.geomspace(*steps, counted), levels),
        },
        floats={
            "colours": back.astype(np.float32),
            "anchors/inverse": inverse,
        },
        encoder={"planes": planes.astype(np.float32), "anchors/gain": -inverse},
    )


RECIPE = Recipe(
    name="spiht",
    title="set partitioning in hierarchical trees, an embedded stream",
    paper="Said, Pearlman 1996, doi:10.1109/76.499834",
    walk="trees",
    design=design,
    sizes={"binary": {"coded": False}, "tiny": {"levels": 2, "bits": 7, "steps": (160.0, 6.0), "counted": 2}},
)

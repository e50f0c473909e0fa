"""Block compressive sensing: random projections of blocks instead of samples, and recovery by sparse iteration.

    picture -> Y Cb Cr -> blocks of 32x32 -> first rows of a random orthonormal matrix -> measurements / step(rate)
        means: interlaced, predicted --> tables      others: mean magnitude so far in the block --> normal tables
    picture <- R G B <- recovery of tiles with their margins (projection, thresholds, projection ...) <- * step(rate) <-

Gan 2007 (block sampling); Mun and Fowler 2009 (smoothed projected Landweber). The matrix is made of hashed counters and
costs the file nothing. The dial goes along pairs of sampling ratio and step; in sizes "ratio10", "ratio25", "ratio50" the
share of samples of luma stays and the step alone changes. Decoding is an optimisation of some seconds a megapixel.
Differs from the papers: thresholds on shifted cosine blocks in place of the Wiener filter and bivariate shrinkage of
wavelets (size "wiener" has the filter); the mean of a block is measured as such; measurements are quantized and entropy
coded, so that the file is a file; chroma has a quarter of the samples of luma.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

SIDE = 32
# Share of samples of luma, step of the quantizer: chosen along the hull on held-out pictures.
DIAL = ((0.02, 90.0), (0.05, 45.0), (0.10, 30.0), (0.20, 18.0), (0.35, 11.0), (0.50, 8.0), (0.65, 4.5))
STEPS = (90.0, 50.0, 30.0, 18.0, 11.0, 6.0, 3.0)  # at a fixed ratio
CHROMA = 0.25  # measurements of a chroma plane for one of luma


def design(
    crops: Sequence[np.ndarray],
    *,
    ratio: float | None = None,
    side: int = SIDE,
    sensing: str = "gaussian",
    recovery: str = "spl",
    iterations: int = 60,
) -> Any:
    """The model from pictures uint8 [h, w, 3].

    ratio                  share of samples, or None: along the dial
    side                   of blocks, in pixels
    sensing                "gaussian" or "dct": which projections
    recovery, iterations   as in recovery.py
    """
    import numpy as np

    from calotype import blocks
    from calotype import sensing as sense
    from calotype.model.manifest import Latent
    from calotype.train.block_contexts import laplace, planes_of
    from calotype.train.design import Design
    from calotype.train.measurement_contexts import measurement_rows, normal
    from calotype.walks.interlaced import CELL

    dial = DIAL if ratio is None else tuple((ratio, step) for step in STEPS)
    n, align = side * side, CELL * side
    count = np.array([[max(2, round(share * part * n)) for part in (1, CHROMA)] for share, _ in dial])
    most = count.max(0).tolist()
    counts = [most[0], most[1], most[1]]
    step = np.array([step for _, step in dial])
    sample = [np.concatenate([sense.measured(plane, sense.matrix(sensing, side, number))
                              for plane, number in zip(planes, counts, strict=True)])
              for planes in planes_of(crops, blocks.LUMA_CHROMA, align)]  # fmt: skip
    return Design(
        walk="measurements",
        walk_parameters={"counts": counts},
        latents={
            "m": Latent(sum(counts), side, -65535, 65535, coded=False),
            "dc": Latent(3 * CELL**2, align, -8191, 8191),
            "ac": Latent(sum(counts) - 3, side, -8191, 8191),
        },
        transform={"kind": "sensing", "side": side, "sensing": sensing, "counts": counts, "recovery": recovery,
                   "iterations": iterations},
        align_px=align,
        rate_anchors=len(dial),
        banks={"laplace": laplace(), "normal": normal()},
        rows={"count": count} | measurement_rows(sample, counts, count, step),
        floats={
            "colours": blocks.CHROMA_BACK.astype(np.float32),
            "anchors/inverse.m": np.log(step)[:, None].astype(np.float32),
        },
        encoder={"planes": blocks.LUMA_CHROMA.astype(np.float32)},
    )  # fmt: skip


RECIPE = Recipe(
    name="bcs-spl",
    title="block compressive sensing, smoothed projected Landweber recovery",
    paper="Mun, Fowler 2009, doi:10.1109/ICIP.2009.5414429",
    walk="measurements",
    design=design,
    sizes={
        "ratio10": {"ratio": 0.10},
        "ratio25": {"ratio": 0.25},
        "ratio50": {"ratio": 0.50},
        "wiener": {"recovery": "wiener"},
        "tiny": {"side": 8, "iterations": 4},
    },
)

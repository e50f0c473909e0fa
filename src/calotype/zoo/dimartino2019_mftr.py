"""Multilevel fuzzy transform: means of a picture under a fuzzy partition; what they leave over, under a finer one.

    picture -> Y Cb Cr -> F-transform, nodes 8 px apart -> / step(rate) -> interlaced, predicted ----------> tables
                    \\-> what is left -> nodes 4 px apart -> 2 -> 1 -----> magnitudes before and around --> tables
    picture <- R G B <- sum over levels of F_kl A_k B_l <- * step(rate) <-

Di Martino, Perfilieva, Sessa 2019, "A fast multilevel fuzzy transform image compression method": another level is coded
until the quality asked for is reached. Here the dial, or `--psnr`, says how fine the steps are, and levels that a rate
does not need are zeros, which cost next to nothing.
Differs from the paper: the partition is that of the picture and not of blocks, so there is no size that it cannot have
and no border between blocks; components are quantized and entropy coded; means are brought near to least squares
(`rounds`). Sizes: "cosine" (partition), "published" (weighted means as they are), "one" (a single level, the distance
of nodes from the rate), "fast" (two levels, the row dimartino2019-fast).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

DISTANCES = (8, 4, 2, 1)  # of nodes, in pixels
STEPS = (160.0, 3.0)  # of the finest level, at the first and the last rate
COARSER = 0.55  # a level's step, relative to that of the next finer one
CHROMA = 1.15  # steps of chroma, as in dct-threshold
DEAD = 0.4  # what magnitudes are rounded with; less makes more zeros
ONE_STEP = 6.0  # of the only level, where there is one


def design(
    crops: Sequence[np.ndarray],
    *,
    distances: Sequence[int] = DISTANCES,
    partition: str = "triangular",
    rounds: int = 2,
    single: bool = False,
    anchors: int = 9,
) -> Any:
    """The model from pictures uint8 [h, w, 3].

    distances   of nodes, coarse to fine       partition   "triangular" or "cosine"
    rounds      of correction of the means     single      one level a picture, finer ones at higher rates
    """
    import numpy as np

    from calotype import blocks, fuzzy
    from calotype.model.manifest import Latent
    from calotype.train.block_contexts import laplace, planes_of
    from calotype.train.design import Design
    from calotype.train.grid_contexts import designed_rows, single_rows
    from calotype.walks.interlaced import CELL

    align, count = CELL * distances[0], len(distances)
    if single:
        anchors = count
        steps, used = np.full((anchors, count), ONE_STEP), np.eye(count, dtype=bool)
    else:
        steps = np.geomspace(*STEPS, anchors)[:, None] * COARSER ** np.arange(count - 1, -1, -1)
        used = np.ones((anchors, count), bool)
    factor = np.array([1.0, CHROMA, CHROMA])
    sample = planes_of(crops, blocks.LUMA_CHROMA, align)
    quantized = [
        [fuzzy.levels_of(planes, distances, partition, np.where(kept[:, None], step[:, None] * factor, np.inf), DEAD, rounds)
         for planes in sample]
        for step, kept in zip(steps, used, strict=True)
    ]  # fmt: skip
    fine = range(count if single else 1)  # those that are coded as packed
    return Design(
        walk="grids",
        walk_parameters={"distances": distances, "planes": 3, "single": single},
        latents={
            **{f"c{distances[k]}": Latent(3 * CELL**2, CELL * distances[k], -2047, 2047) for k in fine},
            **{f"f{d}": Latent(3, d, -2047, 2047, coded=k not in fine) for k, d in enumerate(distances)},
        },
        transform={"kind": "fuzzy", "distances": distances, "partition": partition, "dead": DEAD, "rounds": rounds},
        align_px=align,
        halo=distances[0],
        rate_anchors=anchors,
        quality_map=((1.0, 0), (100.0, 1023)),
        banks={"laplace": laplace()},
        rows=single_rows(quantized, used, distances) if single
        else designed_rows(quantized[1::2], quantized, distances),
        floats={
            "colours": blocks.CHROMA_BACK.astype(np.float32),
            **{f"anchors/inverse.f{d}": np.log(steps[:, k, None] * factor).astype(np.float32)
               for k, d in enumerate(distances)},
        },
        encoder={
            "planes": blocks.LUMA_CHROMA.astype(np.float32),
            "anchors/used": used.astype(np.float32),
        },
    )  # fmt: skip


RECIPE = Recipe(
    name="dimartino2019-mftr",
    title="multilevel fuzzy transform, nodes from eight pixels to one apart",
    paper="Di Martino, Perfilieva, Sessa 2019, doi:10.3390/axioms8040135",
    rows=("dimartino2019-fast",),
    walk="grids",
    design=design,
    sizes={
        "cosine": {"partition": "cosine"},
        "published": {"rounds": 0},
        "one": {"single": True, "distances": (16, 8, 4, 2, 1)},
        "fast": {"distances": (4, 1)},
        "tiny": {"anchors": 3},
        "tiny-one": {"single": True},
    },
)

"""Multistage vector quantization of wavelet bands: each codebook codes what the ones before it leave.

    picture -> Y Co Cg -> 5/3 wavelet, 3 levels -> low band / step(rate) -- interlaced, predicted --> port
                                               \\-> 2x2 places of three bands, 12 numbers -> 0 to 4 indices --> port
    picture <- R G B <- inverse wavelet <- sums of entries <- indices

Brifcani and Al-Bamerny 2010; multistage: Juang and Gray 1982. How many stages a vector gets, and which entries, is
chosen by error + worth(rate) * bits, so one set of codebooks serves the whole dial; the number of stages of the same
place one level coarser chooses the table.

The survey only names the paper; this is a faithful reading of its title. Differs: reversible 5/3 wavelet, so that both
ends have the same integers; costs in place of nearest entries; rANS in place of fixed lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

STEPS, WORTH = (20, 14, 9, 5, 3, 2, 1), (2600.0, 900.0, 300.0, 100.0, 33.0, 11.0, 4.0)
TINY: dict[str, Any] = {"entries": 16, "stages": 2, "steps": (16, 2), "worth": (600.0, 10.0)}


def design(
    crops: Sequence[np.ndarray],
    *,
    split: str = "wavelet",
    stages: int = 4,
    entries: int = 256,
    steps: Sequence[int] = STEPS,
    worth: Sequence[float] = WORTH,
    indices: str = "entropy",
) -> Any:
    """The model from pictures uint8 [h, w, 3]; `entries` of each codebook, others as walks/staged.py has them."""
    from calotype.model.manifest import Latent
    from calotype.train.block_contexts import laplace
    from calotype.train.design import Design
    from calotype.train.staged_codebooks import banks_and_rows
    from calotype.walks.interlaced import CELL
    from calotype.walks.staged import Staged

    parameters = {"split": split, "stages": stages, "steps": tuple(steps), "worth": tuple(worth), "indices": indices}
    walk = Staged(**parameters)
    banks, rows = banks_and_rows(crops, walk, entries)
    latents = {"samples": Latent(3, 1, 0, 255, coded=False)}
    for kind, planes in (("luma", 1), ("chroma", 2)):
        latents[f"coarse.{kind}"] = Latent(planes * CELL**2, CELL * walk.split.strides[kind], -1023, 1023)
    for group in walk.split.groups:
        planes = 1 if group.kind == "luma" else 2
        latents[f"{group.name}.class"] = Latent(planes, group.stride, 0, stages)
        latents |= {f"{group.name}.{stage}": Latent(planes, group.stride, 0, entries - 1) for stage in range(stages)}
    return Design(
        walk="staged",
        walk_parameters=parameters,
        latents=latents,
        transform={"kind": "samples"},
        align_px=32,
        rate_anchors=len(steps),
        banks=banks | {"laplace": laplace()},
        rows=rows,
    )


RECIPE = Recipe(
    name="brifcani2010-msvq-dwt",
    title="multistage vector quantization of wavelet bands, stages by rate and distortion",
    paper="Brifcani, Al-Bamerny 2010; Juang, Gray 1982, ICASSP",
    rows=("brifcani2010-msvq-dwt",),
    walk="staged",
    design=design,
    sizes={"tiny": TINY},
)

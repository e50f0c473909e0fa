"""Predictive lossless coding: each sample minus what its neighbours say, and the errors by contexts or any classical coder.

    picture -> / step(rate) -> Y Co Cg, exact -> median of left, above and their plane -> errors --+--> tables by context
                                                                                                  +--> Golomb, Huffman,
    picture <- * step <- R G B <- samples, along lines x + 2 y <- errors <------------------------+    LZW, runs, ...

Weinberger, Seroussi, Sapiro 2000 (LOCO-I, JPEG-LS). Sizes name predictor and coder, so that all coders can be compared
on the same errors: docs/systems/lossless-coders.md. At quality 100 nothing is lost; below it samples are quantized
first, and none is further away than half a step.

Differs from JPEG-LS: contexts are the magnitudes of errors around, in interlaced passes, so that whole passes are coded
at once; no bias cancellation, no run mode; tables of the model and rANS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

STEPS = (31, 21, 15, 11, 7, 5, 3, 1)
TINY = (9, 1)


def design(
    crops: Sequence[np.ndarray],
    *,
    predictor: str = "med",
    coder: str = "context",
    steps: Sequence[int] = STEPS,
    hidden: int = 16,
    training: int = 6000,
) -> Any:
    """The model from pictures uint8 [h, w, 3]; predictor, coder and steps as walks/predictive.py has them.

    hidden, training   of the predictors "mlp" and "cnn": units, and steps of back-propagation
    """
    import numpy as np

    from calotype.model.manifest import Latent
    from calotype.train import predictive_tables
    from calotype.train.block_contexts import laplace, table_of
    from calotype.train.design import Design
    from calotype.walks.interlaced import CELL
    from calotype.walks.predictive import BLOCK, Predictive

    walk = Predictive(predictor, coder, steps)
    rows: dict[str, np.ndarray] = {}
    if predictor == "mlp":
        rows |= predictive_tables.network(crops, hidden=hidden, steps=training)
    if predictor == "cnn":
        from calotype.train import causal_layers

        rows |= causal_layers.layers(crops, hidden=hidden, steps=training)
    if coder == "context":
        rows |= predictive_tables.error_tables(crops, walk, rows)
    latents = {
        "samples": Latent(3, 1, 0, 255, coded=False),
        "step": Latent(1, 8 * CELL, 0, 255),
        "errors": Latent(3 * CELL**2, CELL, -1023, 1023),
    }
    if predictor == "block":
        rows["modes.scale"] = table_of(np.array([[1.0]])).astype(np.int64)
        latents["modes"] = Latent(3, BLOCK, 0, 3)
    return Design(
        walk="predictive",
        walk_parameters={"predictor": predictor, "coder": coder, "steps": tuple(steps)},
        latents=latents,
        transform={"kind": "samples"},
        align_px=8 * CELL,
        rate_anchors=len(steps),
        banks={"laplace": laplace()},
        rows=rows,
    )


RECIPE = Recipe(
    name="predictive-lossless",
    title="predictive coding, exact or nearly, errors by contexts or by any of six classical coders",
    paper="Weinberger, Seroussi, Sapiro 2000, doi:10.1109/83.855427",
    rows=("predictive-lossless",),
    walk="predictive",
    design=design,
    sizes={
        **{coder: {"coder": coder} for coder in ("golomb", "huffman", "lzw", "rle", "deflate", "arithmetic")},
        **{predictor: {"predictor": predictor} for predictor in ("left", "paeth", "gradient", "block", "mlp")},
        "tiny": {"steps": TINY},
    },
)

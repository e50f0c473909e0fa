"""Bespoke: a small decoder and its latents are fitted to one picture, and both travel in the file.

    picture -> colour rotation -> CDF 9/7, 6 levels -> gains -> latents --+-- fitted together: latents, context networks,
    picture <- post-filter <- inverse 9/7 <- inverse gains <- latents <---+   gains and post-filter, for this picture

    file: PICT = what differs from the model's start, in steps that pay (tables)
          TILE = ll -> l6 -> ... -> l1, four passes a level, tables by the picture's own integer context networks

The model holds only where fitting starts: closed forms, and networks that were fitted to many pictures at once
(fit/start.py). Without fitting (no torch at hand) a file is made from the start alone.

The family of COOL-CHIC (Ladune et al. 2023, arXiv:2212.05458; Leguay et al. 2023; Blard et al. 2024) and C3 (Kim et al.
2023, arXiv:2312.02753). Differs from them: the context network is integer-exact, so the file decodes alike everywhere; it
codes in 28 passes for pictures of any size, not position by position; latents are bands of a wavelet, critically sampled, and
start in closed form, where theirs are a redundant pyramid with learned upsampling that starts at zero; networks are sent
as differences to a start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

LAMBDAS = (0.00093, 0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800, 0.3475)  # as swift has them
# Squared norms of the synthesis vectors of levels 1 to 6: HL and LH, HH; and of LL.
NORMS = ((1.023, 0.997, 1.094, 1.138, 1.151, 1.155), (1.083, 0.936, 1.081, 1.156, 1.179, 1.185))
LOW_NORM = 1.125
UNIFORM = 26.0  # squared quantizer step times lambda, docs/training.md "Rates"
RELUCTANCE = 0.8  # of the worth of distortion, when a symbol is rounded without fitting


def design(
    crops: Sequence[np.ndarray], *, width: int = 16, state: int = 12, filters: int = 24, live: float = 0.0
) -> Any:
    """The closed form from pictures uint8 [h, w, 3], before its start is learned.

    live   spread of the weights that the start leaves at zero: for tests, which must see that they matter
    """
    import numpy as np

    from calotype import colour, pyramid
    from calotype.bespoke import UNIT
    from calotype.model.manifest import Latent
    from calotype.tiles import Region
    from calotype.train.block_contexts import laplace
    from calotype.train.design import Design
    from calotype.walks.bespoke import Bespoke

    layout = Bespoke(width, state, filters).layout
    flat = np.concatenate([crop.reshape(-1, 3)[::7] for crop in crops]).astype(np.float64) - 128
    _, vectors = np.linalg.eigh(flat.T @ flat)
    rotation = (vectors[:, ::-1] * np.sign(vectors[1, ::-1] + 1e-12)).astype(np.float32)
    bands: dict[str, list[np.ndarray]] = {}
    for crop in crops:
        height, width_px = (-(-side // 64) * 64 for side in crop.shape[:2])
        planes = np.empty((3, height, width_px), np.float32)
        colour.planes_of(crop, rotation, unit=UNIT)(Region(0, height, 0, width_px), planes)
        for name, band in pyramid.analyse(planes, layout.levels).items():
            bands.setdefault(name, []).append(band)
    lambdas, floats, encoder, rows = np.array(LAMBDAS), {}, {}, {}
    steps = np.sqrt(UNIFORM / lambdas)[:, None]
    for name in bands:
        level = layout.levels if name == "ll" else int(name[1:])
        square = np.full(3, LOW_NORM) if name == "ll" else np.repeat([NORMS[k // 2][level - 1] for k in range(3)], 3)
        log_gain = np.log(UNIT / steps) + 0.5 * np.log(square)
        floats[f"anchors/inverse.{name}"] = (-log_gain).astype(np.float32)
        encoder[f"anchors/gain.{name}"] = log_gain.astype(np.float32)
        worth = lambdas[:, None] / 3 * (UNIT * np.exp(-log_gain)) ** 2 * square * RELUCTANCE
        encoder[f"anchors/log_tradeoff.{name}"] = np.log(worth).astype(np.float32)
        rows[f"{name}.base"] = np.stack([_tables(bands[name], np.exp(gain)) for gain in log_gain])
    rows["start"] = _start(layout, live)[None]
    return Design(
        walk="bespoke",
        walk_parameters={"width": width, "state": state, "filters": filters},
        latents={f"l{k}": Latent(9, 1 << k, -2047, 2047) for k in range(1, 7)} | {"ll": Latent(3, 64, -2047, 2047)},
        transform={"kind": "bespoke"},
        align_px=64,
        tile_px=1024,
        rate_anchors=len(LAMBDAS),
        banks={"laplace": laplace()},
        rows=rows,
        floats={"rotation": rotation, **floats},
        encoder={"anchors/log_lambda": np.log(lambdas).astype(np.float32)[:, None], **encoder},
    )


def _tables(parts: Sequence[np.ndarray], gain: np.ndarray) -> np.ndarray:
    """Table indices in sixteenths for the channels of a band; of the low-pass, for values and for their differences."""
    import numpy as np

    from calotype.train.block_contexts import table_of
    from calotype.walks.fitted import FINE

    scaled = [part * gain[:, None, None] for part in parts]
    found = [np.concatenate([np.floor(np.abs(part) + 0.4).reshape(len(part), -1) for part in scaled], 1)]
    if len(gain) == 3:
        away = [np.abs(np.diff(part, axis=2)).reshape(3, -1) for part in scaled]
        found.append(np.concatenate([part for part in away if part.size] or [np.abs(scaled[0].reshape(3, -1))], 1))
    return np.concatenate([table_of(np.maximum(part.mean(1), 1e-3)) for part in found]) * FINE


def _start(layout: Any, live: float) -> np.ndarray:
    """Networks that say nothing yet: features of their surroundings, and no use of them."""
    import numpy as np

    from calotype.walks.fitted import ONE

    random, vector = np.random.default_rng(0), np.zeros(layout.size)
    for tensor in layout.tensors:
        kind = tensor.name.rpartition(".")[2]
        if kind in ("see", "lift", "carry", "first", "last"):
            spread = tensor.scale / np.sqrt(tensor.size / tensor.shape[0])
            found = random.normal(0, 1, tensor.size) * spread * (0.0 if kind == "last" else 1.0)
            if kind == "first":  # blind to brightness, which is a hundred times what there is to correct
                planes = found.reshape(tensor.shape[0], 3, -1)
                found = (planes - planes.mean(2, keepdims=True)).ravel()
            vector[tensor.part] = found
        if kind in ("mix", "carry_mix"):
            vector[tensor.part] = (ONE * np.eye(*tensor.shape[:2])).ravel()
        if live and kind in ("out", "base", "last", "gains"):
            vector[tensor.part] += random.normal(0, live, tensor.size)
    return np.round(vector).astype(np.int64)


RECIPE = Recipe(
    name="bespoke",
    title="a pyramid, its context networks and a post-filter fitted to each picture; needs [train] to encode well",
    paper="after COOL-CHIC (Ladune et al. 2023, arXiv:2212.05458) and C3 (Kim et al. 2023, arXiv:2312.02753)",
    walk="bespoke",
    design=design,
    sizes={"tiny": {"width": 4, "state": 3, "filters": 4, "live": 12.0}},
)

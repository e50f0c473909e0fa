"""Bespoke in layers: planes of falling resolution, their contexts and a synthesis, all fitted to one picture.

    fit:     layers p6 (1/64) ... p0 (1/1), chroma c6 ... c2, contexts and synthesis descend together, thousands of iterations
    file:    PICT = what the networks differ from the model's start     TILE = p6 -> c6 -> ... -> p0, 16 to 64 passes a layer
    picture: p6 -> up by two, beside p5 -> ... -> beside p0, and the sum of c6 ... c2 brought up
             -> 1x1 to f channels -> max(., 0) -> 1x1 to colours -> two 3x3

The model holds only where a fit starts: networks that were fitted to many crops at once (fit/layers_start.py).

COOL-CHIC (Ladune et al. 2023, arXiv:2212.05458; Leguay et al. 2023; Blard et al. 2024) with the optimisation of C3 (Kim et al.
2023, arXiv:2312.02753). Differs from them: contexts are integer-exact, run on diagonals, 368 for pictures of any size, where
theirs go from place to place, and see the next coarser layer; there are planes of chroma, from a quarter of the resolution
on; networks are sent as differences to a start, each tensor with the step that pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe
from calotype.zoo.bespoke import LAMBDAS, UNIFORM

if TYPE_CHECKING:
    import numpy as np

OTHERS = 0.3  # of the weights that mix filters drawn at random into colours
STEP = 0.45  # of the quantizer step that high-rate theory gives; a fit scales its layers as it likes
UP = (-0.0234375, -0.0703125, 0.2265625, 0.8671875)  # bicubic, the half of it, twice for the zeros in between


def design(
    crops: Sequence[np.ndarray],
    *,
    width: int = 12,
    filters: int = 48,
    chroma: int = 2,
    chroma_width: int = 6,
    diagonals: int = 64,
    live: float = 0.0,
) -> Any:
    """Where fits start: networks drawn at random, and a synthesis that shows the sums of the layers.

    crops       pictures uint8 [h, w, 3]: how large values of their pyramids are, from which tables begin
    diagonals   passes of a fine layer; 0: four, by places of 2x2 cells
    live        spread of the weights that the start leaves at zero: for tests, which must see that they matter
    """
    import numpy as np

    from calotype.coding.frequencies import shifted_laplace_bank
    from calotype.model.manifest import Latent
    from calotype.train.block_contexts import laplace
    from calotype.train.design import Design
    from calotype.walks.layers import Layers
    from calotype.walks.layers_networks import BANK, FRACTIONS, LOW, PER_LOG, SCALES, UP_ONE

    networks = {"width": width, "filters": filters, "chroma": chroma, "chroma_width": chroma_width}
    walk_parameters = {**networks, "diagonals": diagonals}
    layout = Layers(**walk_parameters).layout
    vector = _start(layout, live)
    steps = STEP * np.sqrt(UNIFORM / np.array(LAMBDAS)) / 255
    return Design(
        walk="layers",
        walk_parameters=walk_parameters,
        latents={name: Latent(2 if name[0] == "c" else 1, 1 << int(name[1:]), -2047, 2047) for name in layout.names},
        transform={"kind": "layers"},
        align_px=64,
        tile_px=1024,
        rate_anchors=len(LAMBDAS),
        banks={"laplace": laplace(), BANK: shifted_laplace_bank(SCALES, PER_LOG, LOW, FRACTIONS)},
        rows={
            "start": vector[None],
            "base": _bases(crops, layout.named(vector)["up"] / UP_ONE, steps, layout),
        },
        floats={"anchors/log_step": np.log(steps).astype(np.float32)[:, None]},
        encoder={"anchors/log_lambda": np.log(LAMBDAS).astype(np.float32)[:, None]},
    )


def _bases(crops: Sequence[np.ndarray], taps: np.ndarray, steps: np.ndarray, layout: Any) -> np.ndarray:
    """What is added to the scales of each layer at each rate, sixteenths: int32 [rates, layers of all networks]."""
    import numpy as np

    from calotype.layers import laplacians
    from calotype.walks.layers_networks import PER_LOG

    nets, coarsest = layout.contexts, layout.coarsest
    places = {f"{net.letter}{k}": net.row + k for net in nets for k in range(net.finest, coarsest + 1)}
    sums, counts = np.zeros((len(steps), len(places))), np.zeros(len(places))
    for crop in crops:
        height, width = (max(64, side // 64 * 64) for side in crop.shape[:2])
        pad = ((0, max(0, height - crop.shape[0])), (0, max(0, width - crop.shape[1])), (0, 0))
        padded = np.pad(crop, pad, mode="edge")[:height, :width]
        for at, step in enumerate(steps):
            for name, values in laplacians(padded, taps, np.float32(step), layout).items():
                sums[at, places[name]] += np.abs(values).sum()
                counts[places[name]] += values.size if at == 0 else 0
    return np.round(16 * PER_LOG * np.log(np.maximum(sums / counts, 1.0))).astype(np.int32)


def _start(layout: Any, live: float) -> np.ndarray:
    """Uniform weights by the number of inputs, as torch draws them; what tells means and scales is zero."""
    import numpy as np

    from calotype.layers import PLANES
    from calotype.walks.layers_networks import CHROMA

    layers = layout.coarsest + 1
    channels_of = [slice(0, layers), *range(layers, layout.held)][: layout.filters // 2]  # both signs of each
    shown = list(zip(np.linalg.inv(PLANES).T, channels_of, strict=False))
    random, vector = np.random.default_rng(0), np.zeros(layout.size)
    for tensor in layout.tensors:
        name = tensor.name.removeprefix(CHROMA).partition(".")[0]
        found, inputs = np.zeros(tensor.shape), tensor.size / tensor.shape[0]
        if name in ("known", "coarse", "beside", "mix", "first", "last", "third"):
            found = random.uniform(-1, 1, tensor.shape) / np.sqrt(inputs)
        if name == "first":
            for place, channels in enumerate(channels_of):
                found[2 * place : 2 * place + 2] = 0
                found[2 * place, channels], found[2 * place + 1, channels] = 1, -1
        if name == "last":
            found *= OTHERS
            for place, (colour, _) in enumerate(shown):
                found[:, 2 * place], found[:, 2 * place + 1] = colour, -colour
        if name in ("last_bias", "up"):
            found[:] = 0.5 if name == "last_bias" else UP
        if live and name in ("mean", "index", "last", "fourth"):
            found += random.normal(0, live, tensor.shape)
        vector[tensor.part] = found.ravel() * tensor.scale
    return np.clip(np.round(vector), -layout.limits, layout.limits).astype(np.int64)


RECIPE = Recipe(
    name="bespoke-layers",
    title="layers of seven resolutions, contexts and synthesis fitted to each picture; minutes to hours, needs [train]",
    paper="after COOL-CHIC (Ladune et al. 2023, arXiv:2212.05458) and C3 (Kim et al. 2023, arXiv:2312.02753)",
    walk="layers",
    design=design,
    sizes={"tiny": {"width": 4, "filters": 8, "chroma_width": 4, "diagonals": 16, "live": 0.1}},
)

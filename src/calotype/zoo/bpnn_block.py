"""A network with a bottleneck for blocks of 8x8 pixels, trained by back-propagation: the neural coders of the 1990s.

    picture -> Y Cb Cr (4:4:4) -> 8x8 blocks -+-> mean ----------------------------- / step(rate) --> interlaced --> tables
                                              \\-> rest -> 64-24, tanh -> hidden units / step(rate) -> |units| around -> tables
    picture <- R G B <- mean + 24-64 of hidden units, integers <-

Cottrell, Munro and Zipser 1987; Jiang 1999 calls the class direct neural compression. Luma has a network of its own,
chroma another. Hidden units are quantized by the dial and coded with contexts, as coefficients of `dct-threshold` are:
beside it this shows what a learned bottleneck is worth.

Differs from the papers: the mean is coded beside the network; steps for all rates in place of fixed bits; colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

GROUPS = {8: (2, 2, 4), 16: (2, 3, 5, 6), 24: (2, 3, 4, 6, 9)}
STEPS = (200.0, 8.0)
TINY: dict[str, Any] = {"units": 8, "anchors": 3, "blocks": 2000}


def design(
    crops: Sequence[np.ndarray],
    *,
    trainer: str = "backpropagation",
    units: int = 24,
    blocks: int = 20_000,
    anchors: int = 7,
    ladder: bool = False,
    **training: Any,
) -> Any:
    """The model from pictures uint8 [h, w, 3].

    trainer   one of `train.bottlenecks.TRAINERS`; `training` are its arguments
    units     hidden units beside the mean: 8, 16 or 24         blocks   of each kind of plane that it is trained on
    ladder    steps of units by Blahut and Arimoto's rates in place of one step for all (train/blahut.py)
    """
    import numpy as np

    from calotype import dense
    from calotype.blocks import LUMA_CHROMA
    from calotype.model.manifest import Latent
    from calotype.train import blahut, bottlenecks
    from calotype.train.block_contexts import coefficients, designed_rows, laplace
    from calotype.train.design import Design
    from calotype.zoo.dct_threshold import CHROMA, TRADEOFF

    side, n = 8, units + 1
    planes = coefficients(crops, np.eye(64, dtype=np.float32), LUMA_CHROMA, 4 * side)
    flat = np.concatenate([part.reshape(3, 64, -1) for part in planes], 2)
    means = flat.mean(1, keepdims=True)
    random, nets, sizes = np.random.default_rng(0), [], []
    for kind in (slice(0, 1), slice(1, 3)):
        rest = ((flat - means)[kind] / dense.SCALE).transpose(1, 0, 2).reshape(64, -1)
        some = rest[:, random.integers(0, rest.shape[1], blocks)].astype(np.float64)
        net = bottlenecks.kept(bottlenecks.TRAINERS[trainer](some, units, **training), some)
        nets.append(net)
        effect = bottlenecks.effects(net, some) * dense.SCALE
        if ladder:
            effect = effect * blahut.finer(dense.encoded(net.encoder, net.activations, some), effect)
        sizes.append(np.concatenate([[1.0], effect]))
    steps = np.geomspace(*STEPS, anchors)
    factor = np.concatenate([1 / sizes[0], *(CHROMA / sizes[1] for _ in range(2))])
    sample = []
    for part in planes:
        rest = part.reshape(3, 64, -1)
        middle = rest.mean(1, keepdims=True)
        found = [np.concatenate([middle[k] * side, dense.encoded(nets[min(k, 1)].encoder, nets[0].activations,
                                                                 (rest[k] - middle[k]) / dense.SCALE)])
                 for k in range(3)]  # fmt: skip
        scaled = np.stack(found) / factor.reshape(3, n, 1)
        sample.append(scaled.reshape(3, n, *part.shape[2:]).astype(np.float32))
    inverse = np.log(steps[[0, -1], None] * factor)
    depth = len(nets[0].decoder)
    return Design(
        walk="blocks",
        walk_parameters={"planes": 3, "groups": GROUPS[units], "zone": 0},
        latents={
            "y": Latent(3 * n, side, -2047, 2047, coded=False),
            "dc": Latent(3 * 16, 4 * side, -2047, 2047),
            "ac": Latent(3 * units, side, -2047, 2047),
        },
        transform={"kind": "dense", "side": side, "encoder": nets[0].activations, "decoder": depth,
                   "between": nets[0].between},
        align_px=4 * side,
        rate_anchors=anchors,
        banks={"laplace": laplace()},
        rows=designed_rows(sample, GROUPS[units], steps[1::2], steps),
        floats={"anchors/inverse.y": inverse.astype(np.float32)} | _stacked("decoder", nets, depth),
        encoder={
            "planes": LUMA_CHROMA.astype(np.float32),
            "anchors/gain.y": -inverse.astype(np.float32),
            "anchors/log_tradeoff.ac": np.full((2, 3 * units), np.log(TRADEOFF), np.float32),
        } | _stacked("encoder", nets, len(nets[0].encoder)),
    )  # fmt: skip


def _stacked(part: str, nets: Sequence[Any], count: int) -> dict[str, np.ndarray]:
    """The layers of both networks as arrays; those of the decoder as integers."""
    import numpy as np

    from calotype.dense import ONE, WEIGHT

    scales = {"decoder": (WEIGHT, ONE), "encoder": (0, 0)}[part]
    found = {}
    for k in range(count):
        for place, name in enumerate(("matrix", "bias")):
            array = np.stack([getattr(net, part)[k][place] for net in nets])
            found[f"{part}.{k}.{name}"] = (np.rint(array * scales[place]) if scales[place] else array).astype(
                np.float32
            )
    return found


RECIPE = Recipe(
    name="bpnn-block",
    title="a bottleneck network for blocks, by back-propagation, units coded with contexts",
    paper="Cottrell, Munro, Zipser 1987; Jiang 1999, doi:10.1016/S0923-5965(98)00041-1",
    rows=("bpnn-block",),
    walk="blocks",
    design=design,
    sizes={"tiny": {**TINY, "steps": 200}},
)

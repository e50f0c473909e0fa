"""A trained filter bank, its bands coded by bit planes of trees, contexts learned from all bands.

    pictures -> taps of four lifting steps a level that lower the bits of the bands; weights of neighbours; tables -> model
    picture -> Y Cb Cr (4:4:4) -> filter bank, six levels -> * norm / step(rate) -> bit planes of trees, as `spiht`:
        each decision <- table (magnitudes around in the band, magnitudes of parent, other orientations, other plane)
    picture <- R G B <- inverse bank <- * step(rate) / norm <- magnitudes

Li et al. 2019 train a convolutional filter bank, code its bands like SPIHT, and let a network estimate the contexts of the
arithmetic coder, as the bands of a place know of each other. The file is embedded, and can be cut.

Differs from the paper, of which the survey tells two sentences: filters are lifting steps, so the bank is invertible
whatever the taps; training starts from the 9/7 wavelet and takes seconds; in place of the network stand weights by least
squares, of which none is negative, and a table for each pair of sums. Integers decide tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calotype.zoo import Recipe

if TYPE_CHECKING:
    import numpy as np

STEPS = (160.0, 2.0)  # of the quantizer at the first and the last rate
_TRAINED_PX = 400_000  # of luma that the taps are trained on
_COUNTED_PX = 2_000_000  # that tables are counted on


def design(
    crops: Sequence[np.ndarray],
    *,
    levels: int = 6,
    bits: int = 15,
    steps: Sequence[float] = STEPS,
    counted: int = 3,
    rounds: int = 4,
) -> Any:
    """The model from pictures uint8 [h, w, 3]: rounds of training the taps, 0 for the 9/7 wavelet; else as `spiht`."""
    import numpy as np

    from calotype import filterbank
    from calotype.train.embedded_tables import embedded, padded_planes
    from calotype.train.filter_bank import trained

    taken = np.cumsum([crop.shape[0] * crop.shape[1] for crop in crops])
    luma = np.array([[0.299], [0.587], [0.114]])
    few = [crop for crop, total in zip(crops, taken, strict=True) if total <= max(taken[0], _TRAINED_PX)]
    more = [crop for crop, total in zip(crops, taken, strict=True) if total <= max(taken[0], _COUNTED_PX)]
    taps = trained(list(padded_planes(few, luma, levels)), levels, rounds=rounds)
    norms = filterbank.norms(taps)

    def pyramids(planes: np.ndarray) -> list[dict[str, np.ndarray]]:
        found = []
        for whole in padded_planes(more, planes, levels):
            bands = filterbank.analyse(whole, taps.astype(np.float32))
            for level in range(1, levels + 1):
                side, corner = norms[2 * level - 2 : 2 * level]
                bands[f"l{level}"] *= np.repeat([side, side, corner], len(whole)).astype(np.float32)[:, None, None]
            bands["ll"] = bands["ll"] * np.float32(norms[-1])
            found.append({name: band[None] for name, band in bands.items()})
        return found

    return embedded(
        pyramids,
        transform={"kind": "filterbank"},
        strides={"ll": 1 << levels} | {f"l{level}": 1 << level for level in range(1, levels + 1)},
        orientations=3,
        bits=bits,
        steps=steps,
        counted=counted,
        learned=True,
        floats={"taps": taps.astype(np.float32), "norms": norms.astype(np.float32)},
    )


RECIPE = Recipe(
    name="li2019-subband-spiht",
    title="trained filter bank, bit planes of trees, contexts from all bands",
    paper="Li et al. 2019",
    walk="learned-trees",
    design=design,
    sizes={
        "nine-seven": {"rounds": 0},
        "tiny": {"levels": 2, "bits": 7, "steps": (160.0, 6.0), "counted": 2, "rounds": 1},
    },
)

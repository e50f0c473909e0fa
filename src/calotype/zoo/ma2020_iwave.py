"""Ma, Liu, Yan, Li, Wu 2020, "iWave++" (doi:10.1109/TPAMI.2020.3026003): learned lifting, lossy and lossless in one model.

    picture -> Y Co Cg -> 4 levels of: across, down; each  odd += predict(even), even += update(odd)    integers, or sixteenths
                             |
      LL (1/16) -> l4 -> l3 -> l2 -> l1 (1/2): / step(rate) -> coded, each band sees the coarser ones and its own steps
                             |
    picture <- Y Co Cg <- the same steps backwards, subtracted <- round(band * step)      pixels are exact

A step adds a filter of two taps (reversible 5/3) and a network of two layers, rounded: whatever networks say, the way back
subtracts it. At the last rate all steps are one, and the picture comes back bit for bit; below, coarser steps lose, and what
lifting adds is rounded to sixteenths.
Differs from the paper: 5/3 with one pair of steps where it has 9/7 with two; networks of 8-bit integers, one hidden layer;
no filter after the synthesis, which would end losslessness; contexts are those of `swift`, in two or four passes a band
instead of one position after the other; colours decorrelate in integers; one model for all rates.
"""

from __future__ import annotations

from typing import Any

from calotype.train.phases import Phase
from calotype.zoo import Recipe

LAMBDAS = (0.0018, 0.0067, 0.0250, 0.0932, 0.3475, 1.3000, 5.0000)  # the last one loses nothing
TYPICAL_BPP = (0.18, 0.40, 0.85, 1.70, 3.00, 5.00, 9.50)


def system(
    widths: tuple[int, ...] = (24, 32, 48, 48), steps: tuple[int, ...] = (2, 2, 4, 4), low: int = 4, lifting: int = 16
) -> Any:
    """The trainable system; widths and steps of levels 1 (finest) upwards and of LL, hidden channels of a lifting step."""
    from calotype.train.methods.lifted import LiftedSystem

    return LiftedSystem(lambdas=LAMBDAS, typical=TYPICAL_BPP, widths=widths, steps=steps, low=low, lifting=lifting)


RECIPE = Recipe(
    name="ma2020-iwave",
    title="learned reversible lifting in integers; lossy, and lossless at the top of the dial",
    paper="Ma et al. 2020, doi:10.1109/TPAMI.2020.3026003",
    walk="lifted",
    build=system,
    sizes={"tiny": {"widths": (24,), "steps": (2,), "low": 2, "lifting": 4}},
    phases=(
        Phase(name="everything", share=0.7, schedule="constant_then_linear", hold=0.7, final=0.3),
        Phase(name="integers", share=0.3, rate_scale=0.3, schedule="linear", options={"exact": True}),
    ),
)

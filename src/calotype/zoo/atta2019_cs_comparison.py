"""Compressive sensing compared: other recoveries, and another choice of projections, with the same measurements' coder.

    picture -> blocks -> projections / step -> tables      picture <- recovery <- projections

Atta and others 2019 compare recoveries and sensing bases; the catalogue knows the title and what cites it, so this is a
faithful reading of those. Everything but the recovery and the rows is that of `bcs-spl`. Default: orthogonal matching
pursuit in cosines, block by block. Sizes: "l1" (soft thresholds, least absolute sums), "linear" (least squares without
iteration), "dct" (the lowest frequencies are measured in place of random ones, and recovered like them).
"""

from __future__ import annotations

from calotype.zoo import Recipe, bcs_spl

RECIPE = Recipe(
    name="atta2019-cs-comparison",
    title="compressive sensing with matching pursuit, least absolute sums, linear recovery, or low frequencies",
    paper="Tropp, Gilbert 2007, doi:10.1109/TIT.2007.909108",
    walk="measurements",
    design=lambda crops, **size: bcs_spl.design(crops, **{"recovery": "omp", **size}),
    sizes={
        "l1": {"recovery": "l1"},
        "linear": {"recovery": "linear"},
        "dct": {"recovery": "linear", "sensing": "dct"},
        "tiny": {"side": 8},
    },
)

"""Which distribution a walk makes of the arrays that its networks predict; the distributions are coding's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calotype.coding.densities import Laplace
from calotype.coding.shapes import Shaped

__all__ = ["distribution"]


def distribution(nets: Any, name: str, family: Mapping[str, Any], arrays: Any) -> Laplace | Shaped:
    """The distribution of the latents `name`.

    family   {"outputs": what the arrays are, of mean16, index, shape; "shapes": 0 for Laplace tables, else how many
             shapes the family has, whose tables are the bank called like the latents}
    arrays   one array, or as many as there are outputs
    """
    outputs = family.get("outputs", ("mean16", "index"))
    shapes = int(family.get("shapes", 0))
    found = dict(zip(outputs, arrays if isinstance(arrays, tuple) else (arrays,), strict=True))
    if not shapes:
        return Laplace(found.get("mean16"), found["index"])
    shape = found.get("shape")
    return Shaped(found.get("mean16"), found["index"], shape, name, shapes, nets.density(name))

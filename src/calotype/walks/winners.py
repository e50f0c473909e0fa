"""The walk of sparse codes: where the largest values of a tile stand is coded first, then those values alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from calotype.coding.densities import constant, namespace

__all__ = ["Winners", "won"]

WHOLE = 4096  # of these parts of a tile's values the row "y.kept" says how many may remain


def won(y: Any, share: Any, dense: int) -> Any:
    """1 where values are among the largest of all channels and places, and not rounded to zero; [b, c, h, w] of y's kind.

    share   of the values that may win, in parts of WHOLE, [b, 1, 1, 1]
    dense   so many first channels are kept everywhere and take no part
    """
    xp, b = namespace(y), y.shape[0]
    size = xp.abs(constant(y))
    rest = size[:, dense:].reshape(b, -1)
    count = rest.shape[1]
    ordered = np.sort(rest, 1) if isinstance(rest, np.ndarray) else xp.sort(rest, 1).values
    found = 1.0 * (size >= 0.5)
    for row, part in enumerate(constant(share).reshape(-1).tolist()):
        few = max(1, min(count, int(part * count / WHOLE)))
        found[row] = found[row] * (size[row] >= ordered[row, count - few])
    found[:, :dense] = 1
    return found


class Winners:
    """Winner-take-all sparse codes (Dumas, Roumy, Guillemot 2017, figure 2), one competition for a whole tile.

        largest |y| of all channels and places, as many as the rate allows -> places --port--> y at these places --port--> y

    One decision for all places, so that what is rich gets many and what is flat gets none; the encoder's alone.

    dense   channels that are coded everywhere, before the sparse ones
    """

    domain = "latents"

    def __init__(self, dense: int) -> None:
        self.dense = int(dense)

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        y = (latents or {}).get("y")
        places = None if y is None else won(y, nets.rows("y.kept"), self.dense)[:, self.dense :]
        places = constant(port.code("places", places, nets.prior("places")))
        every = [places[:, :1] * 0 + 1] * self.dense + [places]
        kept = np.concatenate(every, 1) if isinstance(places, np.ndarray) else namespace(places).cat(every, 1)
        return {"places": places, "y": port.code("y", y, replace(nets.prior("y"), kept=kept))}

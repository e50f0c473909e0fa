"""The walk of latents whose number is the rate: channels in order of importance, the first of them are coded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["Truncated"]


@lru_cache(maxsize=16)
def _order(channels: int) -> np.ndarray:
    return np.arange(channels, dtype=np.float32).reshape(1, channels, 1, 1)


class Truncated:
    """Factorized prior over the first channels only; the row "y.kept" says how many at each rate.

    What is not coded is zero. Channels keep their tables at all rates that have them, so a higher rate adds channels
    and changes none.
    """

    domain = "latents"

    def __call__(self, nets: Any, port: Any, latents: Mapping[str, Any] | None = None) -> dict[str, Any]:
        _, channels, _, _ = port.shape("y")
        count = nets.rows("y.kept")
        kept = 1.0 * (_like(_order(channels), count) < count)
        return {"y": port.code("y", (latents or {}).get("y"), replace(nets.prior("y"), kept=kept))}


def _like(array: np.ndarray, like: Any) -> Any:
    """The array in the world of `like`: as it is, or as a tensor on its device."""
    return array if isinstance(like, np.ndarray) else like.new_tensor(array)

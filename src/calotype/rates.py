"""The user's dial: quality 1 to 100 -> rate index 0 to 1023, as a model's manifest maps it. Searches come later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calotype.errors import UsageError

if TYPE_CHECKING:
    from calotype.model.manifest import Manifest

__all__ = ["index"]


def index(quality: float, manifest: Manifest) -> int:
    """The rate index of a quality: piecewise linear between the manifest's pairs, so monotone.

    Raises UsageError for a quality outside 1..100.
    """
    if not 1 <= quality <= 100:  # also refuses NaN
        raise UsageError("quality", value=quality, allowed="1 to 100")
    qualities, rates = zip(*manifest.quality_map, strict=True)
    return int(np.interp(quality, qualities, rates) + 0.5)

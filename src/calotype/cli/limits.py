"""How the command line's --max-pixels becomes `Limits`."""

from __future__ import annotations

from calotype.limits import DEFAULT, Limits

__all__ = ["limits_of"]


def limits_of(max_pixels: int | None) -> Limits:
    """The default limits, with another bound on pixels (and, four planes each, on samples) if one is given."""
    if max_pixels is None:
        return DEFAULT
    return Limits(max_pixels=max_pixels, max_samples=max(DEFAULT.max_samples, 4 * max_pixels))

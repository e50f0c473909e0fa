"""`PlaneGroup`: planes that are coded together, their samples and their colour; the list of them is in header.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from calotype.container.layout import COLOUR_PLANES, FLOAT_DEPTHS, MAX_DEPTH, MAX_PLANES, Colour, SampleType
from calotype.errors import UsageError

__all__ = ["PlaneGroup", "check"]


def check(argument: str, value: int, low: int, high: int) -> None:
    """Raise UsageError unless the value lies in low..high."""
    if not low <= value <= high:
        raise UsageError(argument, value=value, allowed=f"{low:_} to {high:_}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneGroup:
    """Planes that are coded together, in the same tiles.

    planes    how many planes one group has
    repeats   how many such groups follow each other (200 bands in groups of 4 are `planes=4, repeats=50`)
    depth     bits a sample, 1 to 32; 16 or 32 where samples are floats
    """

    planes: int = 3
    depth: int = 8
    sample_type: SampleType = SampleType.UNSIGNED
    colour: Colour = Colour.SRGB
    repeats: int = 1

    def __post_init__(self) -> None:
        check("planes", self.planes, 1, MAX_PLANES)
        check("repeats", self.repeats, 1, MAX_PLANES)
        check("depth", self.depth, 1, MAX_DEPTH)
        # Always the enumerations, whatever integer came, so that equal headers print alike.
        object.__setattr__(self, "sample_type", _member(SampleType, "sample type", self.sample_type))
        object.__setattr__(self, "colour", _member(Colour, "colour", self.colour))
        if self.sample_type is SampleType.FLOAT and self.depth not in FLOAT_DEPTHS:
            raise UsageError("depth of float samples", value=self.depth, allowed=FLOAT_DEPTHS)
        if self.planes != COLOUR_PLANES.get(self.colour, self.planes):
            raise UsageError(f"planes of {self.colour.name}", value=self.planes, allowed=COLOUR_PLANES[self.colour])

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample in a raw tile."""
        return -(-self.depth // 8)


def _member(kind: type[IntEnum], argument: str, value: int) -> IntEnum:
    try:
        return kind(value)
    except ValueError:
        raise UsageError(argument, value=value, allowed=", ".join(f"{int(m)} ({m.name})" for m in kind)) from None

"""`Metadata`: what ancillary chunks of known types say, to and from chunks; payloads are kept byte-identical."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calotype.container.chunks import Chunk
from calotype.container.layout import ANCILLARY, CRITICAL
from calotype.errors import UsageError

__all__ = ["Metadata", "Resolution", "check_ancillary"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """Pixels per inch as two fractions (numerator, denominator), so that no spelling is lost."""

    x: tuple[int, int]
    y: tuple[int, int]

    def __post_init__(self) -> None:
        for number in (*self.x, *self.y):
            if not 0 <= number < 2**32:
                raise UsageError("resolution", value=number, allowed="0 to 2**32 - 1")
        if not (self.x[1] and self.y[1]):
            raise UsageError("resolution", value=0, allowed="denominators above 0")

    @classmethod
    def from_dpi(cls, x: float, y: float) -> Resolution:
        """From numbers as Pillow gives them."""
        from fractions import Fraction  # costs 10 ms, and few pictures need it

        if not all(0 <= side < 2**18 for side in (x, y)):
            raise UsageError("resolution", value=(x, y), allowed="0 to 2**18 pixels per inch")
        sides = [Fraction(float(side)).limit_denominator(10_000) for side in (x, y)]
        return cls((sides[0].numerator, sides[0].denominator), (sides[1].numerator, sides[1].denominator))

    @property
    def dpi(self) -> tuple[float, float]:
        """As Pillow takes them."""
        return self.x[0] / self.x[1], self.y[0] / self.y[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Metadata of a picture; None where the file says nothing.

    modified_ns   nanoseconds since 1970-01-01 UTC, may be negative
    orientation   1 to 8, as Exif counts them
    """

    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    modified_ns: int | None = None
    resolution: Resolution | None = None
    orientation: int | None = None
    comments: tuple[str, ...] = ()

    def chunks(self) -> tuple[Chunk, ...]:
        """As chunks, in the order of the table in docs/format.md."""
        said = []
        for kind, payload in (("eXIf", self.exif), ("iCCP", self.icc), ("xMPp", self.xmp)):
            if payload is not None:
                said.append(Chunk(kind, bytes(payload)))
        if self.modified_ns is not None:
            if not -(2**63) <= self.modified_ns < 2**63:
                raise UsageError("modified_ns", value=self.modified_ns, allowed="64 bits, signed")
            said.append(Chunk("mTIM", self.modified_ns.to_bytes(8, "little", signed=True)))
        if self.resolution is not None:
            numbers = (*self.resolution.x, *self.resolution.y)
            said.append(Chunk("dPIs", b"".join(number.to_bytes(4, "little") for number in numbers)))
        if self.orientation is not None:
            if not 1 <= self.orientation <= 8:
                raise UsageError("orientation", value=self.orientation, allowed="1 to 8")
            said.append(Chunk("oRIe", bytes((self.orientation,))))
        said += [Chunk("cOMm", comment.encode("utf-8")) for comment in self.comments]
        return tuple(said)

    @classmethod
    def of(cls, chunks: Sequence[Chunk]) -> Metadata:
        """From chunks that `check_ancillary` has passed; unknown types are passed over."""
        found = {chunk.type: chunk.payload for chunk in chunks if chunk.type != "cOMm"}
        comments = tuple(chunk.payload.decode("utf-8", "replace") for chunk in chunks if chunk.type == "cOMm")
        time, places, side = found.get("mTIM"), found.get("dPIs"), found.get("oRIe")
        numbers = [int.from_bytes(places[at : at + 4], "little") for at in range(0, 16, 4)] if places else []
        return cls(
            exif=found.get("eXIf"),
            icc=found.get("iCCP"),
            xmp=found.get("xMPp"),
            modified_ns=None if time is None else int.from_bytes(time, "little", signed=True),
            resolution=Resolution((numbers[0], numbers[1]), (numbers[2], numbers[3])) if numbers else None,
            orientation=None if side is None else side[0],
            comments=comments,
        )


def check_ancillary(chunks: Sequence[Chunk], *, trailing: bool = False) -> None:
    """Raise UsageError unless these chunks may stand together before the tiles (or, trailing, after them)."""
    seen: set[str] = set()
    for chunk in chunks:
        if chunk.critical or chunk.type in CRITICAL:
            raise UsageError("ancillary chunk", value=chunk.type, allowed="types that begin with a small letter")
        if chunk.type not in ANCILLARY:
            continue
        if trailing:
            raise UsageError(
                "chunk after the tiles", value=chunk.type, allowed="types that docs/format.md does not define"
            )
        meaning, length, several = ANCILLARY[chunk.type]
        if chunk.type in seen and not several:
            raise UsageError("ancillary chunk", value=f"a second {chunk.type}", allowed=f"one {meaning}")
        seen.add(chunk.type)
        if length is not None and len(chunk.payload) != length:
            raise UsageError(f"bytes of {chunk.type}", value=len(chunk.payload), allowed=length)
        if chunk.type == "oRIe" and not 1 <= chunk.payload[0] <= 8:
            raise UsageError("orientation", value=chunk.payload[0], allowed="1 to 8")
        if chunk.type == "dPIs" and (not any(chunk.payload[4:8]) or not any(chunk.payload[12:16])):
            raise UsageError("resolution", value=0, allowed="denominators above 0")

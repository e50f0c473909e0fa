"""`Header`: what a picture file says of itself in its first 64 bytes, to and from bytes; payloads are elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.container import chunks, varint
from calotype.container.fields import Fields
from calotype.container.layout import (
    CHECK_BYTES,
    GROUP_FOLLOWS,
    GROUP_REPEATED,
    HEADER_END_BYTES,
    MAGIC,
    MAJOR,
    MAX_GROUP_ENTRIES,
    MAX_PLANES,
    MAX_QUALITY_100THS,
    MAX_SIDE_PX,
    MAX_TILE_PX,
    MAX_TILES,
    MINOR,
    MODEL_ID_BYTES,
    QUALITY_LOSSLESS,
    TILE_UNIT_PX,
    Colour,
    SampleType,
)
from calotype.container.planes import PlaneGroup, check
from calotype.errors import CorruptError, FormatError, TruncatedError, UnsupportedError, UsageError
from calotype.limits import DEFAULT, Limits

__all__ = ["Header", "Place", "PlaneGroup", "header_bytes", "is_calotype", "parse_header", "read_header"]

_KIND = "HEAD"
_MAX_PAYLOAD = HEADER_END_BYTES - len(MAGIC) - 1 - 4 - CHECK_BYTES


@dataclass(frozen=True, slots=True)
class Place:
    """A tile's rectangle in the picture, clipped at its right and lower edge, and its plane group."""

    group: int
    row: int
    column: int
    left_px: int
    top_px: int
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Everything that must be known before any tile is coded, because tiles are keyed with it.

    model_id         first 8 bytes of the model's identity; zeros where no tile needs a model
    quality_100ths   the user's dial times 100, 1 to 10000; 0 not stated; 10001 (QUALITY_LOSSLESS) every tile exact
    tile_px          side of a tile, a multiple of 16
    minor            of the format; readers of the same major version read every minor version
    """

    width_px: int
    height_px: int
    model_id: bytes
    plane_groups: tuple[PlaneGroup, ...] = (PlaneGroup(),)
    quality_100ths: int = 0
    tile_px: int = 512
    minor: int = MINOR

    def __post_init__(self) -> None:
        check("width_px", self.width_px, 1, MAX_SIDE_PX)
        check("height_px", self.height_px, 1, MAX_SIDE_PX)
        check("quality_100ths", self.quality_100ths, 0, QUALITY_LOSSLESS)
        check("tile_px", self.tile_px, TILE_UNIT_PX, MAX_TILE_PX)
        check("minor", self.minor, 0, 255)
        check("number of plane groups", len(self.plane_groups), 1, MAX_GROUP_ENTRIES)
        check("planes", self.planes, 1, MAX_PLANES)
        check("tiles", self.tiles, 1, MAX_TILES)
        if self.tile_px % TILE_UNIT_PX:
            raise UsageError("tile_px", value=self.tile_px, allowed=f"multiples of {TILE_UNIT_PX}")
        if len(self.model_id) != MODEL_ID_BYTES:
            raise UsageError("model_id", value=f"{len(self.model_id)} bytes", allowed=f"{MODEL_ID_BYTES} bytes")

    @property
    def quality(self) -> float | None:
        """The user's dial, 0.01 to 100, or None where it is not stated or the picture is lossless."""
        return self.quality_100ths / 100 if 1 <= self.quality_100ths <= MAX_QUALITY_100THS else None

    @property
    def lossless(self) -> bool:
        """Whether the file promises that every sample comes back exactly."""
        return self.quality_100ths == QUALITY_LOSSLESS

    @property
    def planes(self) -> int:
        """Planes of the picture, over all groups."""
        return sum(entry.planes * entry.repeats for entry in self.plane_groups)

    @property
    def groups(self) -> int:
        """Plane groups, repetitions counted."""
        return sum(entry.repeats for entry in self.plane_groups)

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return -(-self.width_px // self.tile_px)

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-self.height_px // self.tile_px)

    @property
    def tiles(self) -> int:
        """Tiles of the picture, over all plane groups."""
        return self.groups * self.rows * self.columns

    def group(self, number: int) -> tuple[PlaneGroup, int]:
        """Plane group `number` (repetitions counted) and the number of its first plane."""
        first = 0
        for entry in self.plane_groups:
            if number < entry.repeats:
                return entry, first + number * entry.planes
            number -= entry.repeats
            first += entry.repeats * entry.planes
        raise UsageError("plane group", value=number, allowed=f"below {self.groups}")

    def place(self, tile: int) -> Place:
        """Where tile number `tile` lies. Tiles are numbered group by group, row by row, from left to right."""
        check("tile", tile, 0, self.tiles - 1)
        group, rest = divmod(tile, self.rows * self.columns)
        row, column = divmod(rest, self.columns)
        left, top = column * self.tile_px, row * self.tile_px
        width, height = min(self.tile_px, self.width_px - left), min(self.tile_px, self.height_px - top)
        return Place(group, row, column, left, top, width, height)

    def tile_number(self, group: int, row: int, column: int) -> int:
        """The number of a tile from its place."""
        return (group * self.rows + row) * self.columns + column

    def raw_bytes(self, tile: int) -> int:
        """How long the data of this tile are in mode RAW."""
        place = self.place(tile)
        entry, _ = self.group(place.group)
        return place.width_px * place.height_px * entry.planes * entry.sample_bytes


def header_bytes(header: Header) -> bytes:
    """Magic and header chunk: how every file begins, and what tiles are keyed with."""
    payload = bytearray((MAJOR, header.minor))
    payload += varint.write(header.width_px) + varint.write(header.height_px)
    for number, entry in enumerate(header.plane_groups, 1):
        follows = GROUP_FOLLOWS if number < len(header.plane_groups) else 0
        payload.append(entry.depth - 1 | entry.sample_type << 5 | follows)
        payload.append(entry.colour | (GROUP_REPEATED if entry.repeats > 1 else 0))
        payload += varint.write(entry.planes)
        if entry.repeats > 1:
            payload += varint.write(entry.repeats)
    payload += header.model_id
    payload += varint.write(header.quality_100ths) + varint.write(header.tile_px // TILE_UNIT_PX)
    return MAGIC + chunks.frame(_KIND, bytes(payload))


def is_calotype(first_bytes: bytes) -> bool:
    """Whether a file that begins so is a Calotype picture of any version; 16 bytes decide."""
    return bytes(first_bytes[:8]) == MAGIC and bytes(first_bytes[9:13]) == b"HEAD"


def parse_header(first_bytes: bytes | bytearray | memoryview, limits: Limits = DEFAULT) -> Header:
    """The header alone; the first 64 bytes of a file are always enough, more are not looked at.

    Raises FormatError (TruncatedError, CorruptError), UnsupportedError for a newer major version, LimitError.
    """
    return read_header(memoryview(first_bytes)[:HEADER_END_BYTES], limits)[0]


def read_header(data: bytes | memoryview, limits: Limits) -> tuple[Header, int]:
    """The header, checked against `limits`, and the position after its chunk."""
    _check_magic(bytes(data[: len(MAGIC)]))
    length, _ = varint.read(data, len(MAGIC), "HEAD length")
    if length > _MAX_PAYLOAD:
        raise CorruptError("HEAD length", offset=len(MAGIC), found=length, expected=f"at most {_MAX_PAYLOAD}")
    found = chunks.read_frame(data, len(MAGIC), limits)
    if found.type != _KIND:
        raise CorruptError("first chunk", offset=found.start, found=found.type, expected=_KIND)
    chunks.verify(data, found)
    fields = Fields(data[found.payload : found.check], _KIND, found.payload)
    major = fields.byte("major version")
    if major > MAJOR:
        raise UnsupportedError("format version", found=major, supported=MAJOR, hint="a newer release reads this file")
    if major < MAJOR:
        raise fields.error("major version", found=major, expected=MAJOR)
    try:
        header = _read_fields(fields, limits)
    except UsageError as error:
        raise FormatError(
            f"HEAD {error.argument}", found=error.value, expected=error.allowed, offset=found.payload
        ) from error
    limits.spend("max_tiles", header.tiles, "tiles")
    return header, found.end


def _read_fields(fields: Fields, limits: Limits) -> Header:
    """The fields after the major version."""
    minor = fields.byte("minor version")
    width = fields.varint("width", 1, MAX_SIDE_PX)
    height = fields.varint("height", 1, MAX_SIDE_PX)
    pixels = limits.spend("max_pixels", width * height, "pixels")
    entries: list[PlaneGroup] = []
    more = True
    while more:
        if len(entries) == MAX_GROUP_ENTRIES:
            raise fields.error("plane groups", found="more", expected=f"at most {MAX_GROUP_ENTRIES}")
        entry, more = _read_group(fields)
        entries.append(entry)
    limits.spend("max_samples", pixels * sum(entry.planes * entry.repeats for entry in entries), "samples")
    model_id = fields.take("model", MODEL_ID_BYTES)
    quality = fields.varint("quality", 0, QUALITY_LOSSLESS)
    tile_px = fields.varint("tile side", 1, MAX_TILE_PX // TILE_UNIT_PX) * TILE_UNIT_PX
    fields.done()
    return Header(
        width_px=width,
        height_px=height,
        model_id=model_id,
        plane_groups=tuple(entries),
        quality_100ths=quality,
        tile_px=tile_px,
        minor=minor,
    )


def _read_group(fields: Fields) -> tuple[PlaneGroup, bool]:
    """One entry of the list of plane groups, and whether another follows."""
    samples, colour = fields.byte("samples"), fields.byte("colour")
    if colour & 0x80:
        raise fields.error("colour", found=colour, expected="bit 7 zero")
    if (samples >> 5 & 3) not in set(SampleType):
        raise UnsupportedError(
            "sample type", found=samples >> 5 & 3, supported="0 to 2", hint="a newer release may read it"
        )
    if (colour & 0x3F) not in set(Colour):
        raise UnsupportedError("colour", found=colour & 0x3F, supported="0 to 9", hint="a newer release may read it")
    planes = fields.varint("planes", 1, MAX_PLANES)
    repeats = fields.varint("repeats", 2, MAX_PLANES) if colour & GROUP_REPEATED else 1
    entry = PlaneGroup(
        planes=planes,
        depth=(samples & 0x1F) + 1,
        sample_type=SampleType(samples >> 5 & 3),
        colour=Colour(colour & 0x3F),
        repeats=repeats,
    )
    return entry, bool(samples & GROUP_FOLLOWS)


def _check_magic(found: bytes) -> None:
    if found == MAGIC:
        return
    if len(found) < len(MAGIC) and MAGIC.startswith(found):
        raise TruncatedError("magic", offset=0, found=found, expected=MAGIC)
    if found[1:4] == MAGIC[1:4] and found[0] in (MAGIC[0], MAGIC[0] & 0x7F):
        raise CorruptError("magic", offset=0, found=found, expected=MAGIC, hint="the file was transferred as text")
    raise FormatError("magic", offset=0, found=found, expected=MAGIC, hint="this is not a Calotype picture")

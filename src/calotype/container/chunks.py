"""Chunks: length, type, payload, check, and how they are walked; what payloads mean is said elsewhere."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

from calotype.container import varint
from calotype.container.layout import CHECK_BYTES, CRITICAL, MAX_PAYLOAD_BYTES, RESERVED
from calotype.errors import CorruptError, LimitError, TruncatedError, UnsupportedError, UsageError
from calotype.limits import Limits

__all__ = [
    "Chunk",
    "Frame",
    "crc",
    "end",
    "frame",
    "is_type",
    "read_frame",
    "refuse_unknown",
    "size_bytes",
    "verify",
    "walk",
]

END = "DONE"


def is_type(text: str) -> bool:
    """Four ASCII letters of which the third is a capital (a small one is kept for a later format)."""
    return len(text) == 4 and text.isascii() and text.isalpha() and text[2].isupper()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk that the container keeps without reading it: metadata, or something of a later release.

    type      four letters; the case of each says something, as in PNG
    payload   kept byte-identical
    """

    type: str
    payload: bytes

    def __post_init__(self) -> None:
        if not is_type(self.type):
            raise UsageError("chunk type", value=self.type, allowed="four ASCII letters, the third a capital")

    @property
    def critical(self) -> bool:
        """A reader that does not know it must refuse the file."""
        return self.type[0].isupper()

    @property
    def private(self) -> bool:
        """Somebody's own type, never assigned by docs/format.md."""
        return self.type[1].islower()

    @property
    def safe_to_copy(self) -> bool:
        """A program that changes the picture may keep the chunk although it does not understand it."""
        return self.type[3].islower()


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chunk stands in a file: byte positions, and its check as it was read.

    start..payload is the length and the type, payload..check the payload, check..end the four bytes of the check.
    """

    type: str
    start: int
    payload: int
    check: int
    end: int

    @property
    def payload_bytes(self) -> int:
        """Length of the payload."""
        return self.check - self.payload


def size_bytes(payload_bytes: int) -> int:
    """The whole chunk around a payload of that length."""
    return varint.size_bytes(payload_bytes) + 4 + payload_bytes + CHECK_BYTES


def crc(kind: str, payload: bytes | memoryview) -> bytes:
    """CRC-32 over type and payload, little-endian."""
    return zlib.crc32(payload, zlib.crc32(kind.encode("ascii"))).to_bytes(CHECK_BYTES, "little")


def frame(kind: str, payload: bytes) -> bytes:
    """A chunk as it stands in a file."""
    return b"".join((varint.write(len(payload)), kind.encode("ascii"), payload, crc(kind, payload)))


def end(before: bytes | bytearray | memoryview) -> bytes:
    """The end chunk for everything that comes before it. Its check is a hash of the file, not a CRC."""
    head = varint.write(0) + END.encode("ascii")
    digest = blake2b(before, digest_size=CHECK_BYTES)
    digest.update(head)
    return head + digest.digest()


def read_frame(data: bytes | memoryview, at: int, limits: Limits, available: int | None = None) -> Frame:
    """Where the chunk that starts at byte `at` ends; its check is not yet compared.

    available   how many bytes the file has, where `data` is only its beginning

    Raises LimitError before anything is allocated, TruncatedError where the file ends inside the chunk.
    """
    length, position = varint.read(data, at, "chunk length")
    if length > limits.max_chunk_bytes:
        raise LimitError("bytes of a chunk", value=length, limit=limits.max_chunk_bytes, field="max_chunk_bytes")
    if length > MAX_PAYLOAD_BYTES:
        raise LimitError("bytes of a chunk", value=length, limit=MAX_PAYLOAD_BYTES)
    if len(data) < position + 4:
        raise TruncatedError("chunk type", offset=position, expected="4 bytes")
    kind = bytes(data[position : position + 4]).decode("latin-1")
    if not is_type(kind):
        raise CorruptError("chunk type", offset=position, found=kind.encode("latin-1"), expected="four ASCII letters")
    stop = position + 4 + length
    if (len(data) if available is None else available) < stop + CHECK_BYTES:
        raise TruncatedError(f"chunk {kind}", offset=at, expected=f"{stop + CHECK_BYTES - at} bytes")
    return Frame(kind, at, position + 4, stop, stop + CHECK_BYTES)


def verify(data: bytes | memoryview, found: Frame) -> None:
    """Compare the check of one chunk (not of the end chunk). Raises CorruptError."""
    said = bytes(data[found.check : found.end])
    computed = crc(found.type, data[found.payload : found.check])
    if said != computed:
        raise CorruptError(f"CRC of chunk {found.type}", offset=found.check, found=said, expected=computed)


def walk(data: bytes | memoryview, at: int, limits: Limits, seen: int = 0) -> Iterator[Frame]:
    """Every chunk from byte `at` up to the end chunk, each with its check compared before it is handed out.

    Returns only after the end chunk's hash agreed and nothing followed it.
    """
    while True:
        seen = limits.spend("max_chunks", seen + 1, "chunks of a file")
        found = read_frame(data, at, limits)
        if found.type == END:
            break
        verify(data, found)
        yield found
        at = found.end
    if found.payload_bytes:
        raise CorruptError(
            "chunk DONE", offset=found.start, found=f"{found.payload_bytes} bytes", expected="an empty payload"
        )
    said, computed = (
        bytes(data[found.check : found.end]),
        blake2b(data[: found.check], digest_size=CHECK_BYTES).digest(),
    )
    if said != computed:
        raise CorruptError("hash of the file", offset=found.check, found=said, expected=computed)
    if found.end != len(data):
        raise CorruptError(
            "end of the file", offset=found.end, found=f"{len(data) - found.end} more bytes", expected="none"
        )


def refuse_unknown(kind: str) -> None:
    """Raise UnsupportedError if a reader may not pass over a chunk of this type."""
    if kind[0].isupper() and kind not in CRITICAL:
        known = ", ".join(CRITICAL)
        hint = f"reserved for {RESERVED[kind]}; " if kind in RESERVED else ""
        raise UnsupportedError(
            "critical chunk", found=kind, supported=known, hint=f"{hint}a newer release may read this file"
        )

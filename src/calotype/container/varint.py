"""Variable-length integers of docs/format.md ("Varint") and nothing else: seven bits a byte, lowest bits first."""

from __future__ import annotations

from calotype.container.layout import MAX_VARINT_BYTES
from calotype.errors import CorruptError, TruncatedError, UsageError

__all__ = ["read", "size_bytes", "write"]


def size_bytes(value: int) -> int:
    """How many bytes `write(value)` takes."""
    return max(1, -(-value.bit_length() // 7))


def write(value: int) -> bytes:
    """The only spelling of 0 <= value < 2**64 that readers accept."""
    if not 0 <= value < 2**64:
        raise UsageError("varint", value=value, allowed="0 to 2**64 - 1")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read(data: bytes | memoryview, at: int, field: str) -> tuple[int, int]:
    """The integer that starts at byte `at`, and the position after it.

    Raises TruncatedError where the data end inside, CorruptError where the spelling is not the shortest or too long.
    """
    value = shift = 0
    for position in range(at, at + MAX_VARINT_BYTES):
        if position >= len(data):
            raise TruncatedError(field, offset=at, expected="a complete varint")
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            # One number, one spelling: else two files could differ and say the same.
            if (byte == 0 and shift) or value >= 2**64:
                break
            return value, position + 1
        shift += 7
    raise CorruptError(
        field, offset=at, found=bytes(data[at : at + MAX_VARINT_BYTES]), expected="the shortest varint below 2**64"
    )

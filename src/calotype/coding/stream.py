"""The first bytes of a tile's stream: lanes and opaque strings; what follows is states.py and rans.py."""

from __future__ import annotations

from collections.abc import Sequence

from calotype.coding import layout
from calotype.errors import CorruptError, LimitError, TruncatedError

__all__ = ["join", "split"]


def join(lanes: int, coded: bytes, strings: Sequence[bytes]) -> bytes:
    """One row's stream; nothing at all for a row without symbols and strings."""
    if not coded and not strings:
        return b""
    first = lanes.bit_length() - 1 if coded else layout.NO_LANES
    if not strings:
        return bytes([first]) + coded
    if len(strings) > layout.MAX_OPAQUE:
        raise LimitError("opaque strings of a tile", value=len(strings), limit=layout.MAX_OPAQUE)
    lengths = b"".join(len(s).to_bytes(4, "little") for s in strings)
    return bytes([first | layout.FLAG_OPAQUE]) + len(strings).to_bytes(2, "little") + lengths + b"".join(strings) + coded


def split(stream: bytes) -> tuple[int, bytes, list[bytes]]:
    """(lanes, states and words, opaque strings); TruncatedError or CorruptError where it is none."""
    if not stream:
        return 1, b"", []
    first, at, strings = stream[0] & ~layout.FLAG_OPAQUE, 1, []
    if first > layout.MAX_LANES_LOG2 and first != layout.NO_LANES:
        raise CorruptError("lanes", found=first, expected=f"0..{layout.MAX_LANES_LOG2} or {layout.NO_LANES}")
    if stream[0] & layout.FLAG_OPAQUE:
        count = int.from_bytes(stream[1:3], "little")
        at = 3 + 4 * count
        if not count or len(stream) < at:
            raise TruncatedError("opaque strings", found=f"{count} in {len(stream)} bytes", expected="at least 1, whole")
        for i in range(count):
            length = int.from_bytes(stream[3 + 4 * i : 7 + 4 * i], "little")
            if len(stream) < at + length:
                raise TruncatedError("opaque string", found=len(stream) - at, expected=length)
            strings.append(stream[at : at + length])
            at += length
    coded = stream[at:]
    if (first == layout.NO_LANES) != (not coded):
        raise CorruptError("lanes", found=first, expected=f"{layout.NO_LANES} with no byte behind it, or lanes with some")
    lanes = 1 << first if coded else 1
    if lanes * layout.LANES_SLACK < min(len(coded) // layout.LANES_BYTES_PER_LANE, 1 << layout.MAX_LANES_LOG2):
        raise CorruptError("lanes", found=lanes, expected=f"more in {len(coded)} bytes")
    return lanes, coded, strings

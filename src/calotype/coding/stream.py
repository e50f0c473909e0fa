"""The first bytes of a tile's stream: lanes and opaque strings; what follows is states.py and rans.py."""

from __future__ import annotations

from collections.abc import Sequence

from calotype.coding import layout
from calotype.coding.states import unpack_states
from calotype.coding.taper import Taper
from calotype.errors import CorruptError, FormatError, LimitError, TruncatedError

__all__ = ["cut", "join", "split"]


def join(taper: Taper, coded: bytes, strings: Sequence[bytes]) -> bytes:
    """One row's stream; nothing at all for a row without symbols and strings."""
    if not coded and not strings:
        return b""
    first, header = taper.pack() if coded else (layout.NO_LANES, b"")
    if not strings:
        return bytes([first]) + header + coded
    if len(strings) > layout.MAX_OPAQUE:
        raise LimitError("opaque strings of a tile", value=len(strings), limit=layout.MAX_OPAQUE)
    lengths = [len(strings).to_bytes(2, "little"), *(len(s).to_bytes(4, "little") for s in strings)]
    return b"".join([bytes([first | layout.FLAG_OPAQUE]), *lengths, *strings, header, coded])


def split(stream: bytes) -> tuple[Taper, bytes, list[bytes]]:
    """(lanes, states and words, opaque strings); TruncatedError or CorruptError where it is none."""
    if not stream:
        return Taper(), b"", []
    first, coded, strings = stream[0] & ~layout.FLAG_OPAQUE, stream[1:], []
    if stream[0] & layout.FLAG_OPAQUE:
        strings, coded = _split_strings(coded)
    if first != layout.NO_LANES:
        taper, coded = Taper.unpack(first, coded)
        if not coded:
            raise TruncatedError("states", found=0, expected="at least 3 bytes")
        return taper, coded, strings
    if coded or not strings:
        raise CorruptError("lanes", found=first, expected="lanes, or opaque strings alone")
    return Taper(), b"", strings


def cut(data: bytes, length: int) -> bytes:
    """The longest beginning of a stream without strings that a reader takes, at most `length` bytes: states and whole words.

    b"" where so few bytes hold no state.
    """
    for end in (length, length - 1):
        try:
            taper, coded, strings = split(data[: max(end, 0)])
            if strings or not coded:
                return b""
            unpack_states(coded, taper.lanes)
        except CorruptError:  # half a word
            continue
        except FormatError:
            return b""
        return data[:end]
    return b""


def _split_strings(data: bytes) -> tuple[list[bytes], bytes]:
    """(opaque strings, what follows)."""
    count = int.from_bytes(data[:2], "little")
    at = 2 + 4 * count
    if not count or len(data) < at:
        raise TruncatedError("opaque strings", found=f"{count} in {len(data)} bytes", expected="one or more, whole")
    strings = []
    for i in range(count):
        length = int.from_bytes(data[2 + 4 * i : 6 + 4 * i], "little")
        if len(data) < at + length:
            raise TruncatedError("opaque string", found=len(data) - at, expected=length)
        strings.append(data[at : at + length])
        at += length
    return strings, data[at:]

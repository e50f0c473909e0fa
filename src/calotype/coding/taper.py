"""How many lanes a stream has, and how it gives them up towards its end; no coding.

An untapered lane wastes the 16 bits of the state it starts from. A tapered stream halves its lanes while it runs out:
the lanes that retire end on states whose low halves are the next words of the stream, so the waste carries payload.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calotype.coding import layout
from calotype.errors import CorruptError, TruncatedError

__all__ = ["Taper", "choose"]


@dataclass(frozen=True, slots=True)
class Taper:
    """Lanes of one stream: `lanes` at first, `final` in the end, both powers of two.

    symbols   coded in the whole stream; 0 where nothing tapers
    steps     lanes are halved, l to l/2, when steps * l symbols remain
    """

    lanes: int = 1
    final: int = 1
    symbols: int = 0
    steps: int = 0

    def switches(self) -> list[int]:
        """Numbers of coded symbols after which the lanes are halved, ascending."""
        found, lanes = [], self.lanes
        while lanes > self.final:
            found.append(self.symbols - self.steps * lanes)
            lanes //= 2
        return found

    def pack(self) -> tuple[int, bytes]:
        """(low seven bits of the first byte, what follows it)."""
        first = (self.lanes.bit_length() - 1) | (self.final.bit_length() - 1) << layout.FINAL_SHIFT
        return first, (_varint(self.symbols) + _varint(self.steps) if self.final < self.lanes else b"")

    @classmethod
    def unpack(cls, first: int, data: bytes) -> tuple[Taper, bytes]:
        """(lanes, rest of the data) from the low seven bits of the first byte and what follows; FormatError."""
        log2, final_log2 = first & 15, first >> layout.FINAL_SHIFT & 7
        if log2 > layout.MAX_LANES_LOG2 or final_log2 > log2:
            raise CorruptError(
                "lanes", found=(log2, final_log2), expected=f"at most {layout.MAX_LANES_LOG2}, descending"
            )
        if final_log2 == log2:
            return cls(1 << log2, 1 << log2), data
        symbols, data = _read_varint(data)
        steps, data = _read_varint(data)
        if not 1 <= steps <= symbols >> log2:
            raise CorruptError("taper", found=(symbols, steps), expected="1 <= steps <= symbols / lanes")
        return cls(1 << log2, 1 << final_log2, symbols, steps), data


def choose(symbols: int, payload_bits: float, tail_bits: np.ndarray, most_log2: int = layout.MAX_LANES_LOG2) -> Taper:
    """The lanes with the fewest steps among those that stay within the room that layout.py gives.

    payload_bits   code length of the whole stream
    tail_bits      float64 code lengths of its last symbols, last first: as many as make TAPER_BITS a lane
    most_log2      no more lanes than this power of two
    """
    room = layout.ROOM_BYTES + layout.ROOM_SHARE * payload_bits / 8
    reached = np.cumsum(tail_bits)
    best, fewest = Taper(), symbols
    for log2 in range(1, most_log2 + 1):
        lanes, chunk = 1 << log2, 0
        if layout.LANE_BYTES + layout.RETIRED_BYTES * (lanes - 1) > room:
            break
        for final_log2 in range(log2, -1, -1):
            final = 1 << final_log2
            if final < lanes:  # the halving to `final` asks for this much payload behind it
                needed = 1 + int(np.searchsorted(reached, layout.TAPER_BITS * 2 * final))
                chunk = max(chunk, -(-needed // (2 * final)))
                if needed > len(reached) or chunk * lanes > symbols:
                    break
            header = 1 if final == lanes else layout.TAPER_BYTES
            if header + layout.LANE_BYTES * final + layout.RETIRED_BYTES * (lanes - final) > room:
                continue
            # The last lanes run `chunk` steps too, and all before them.
            steps = -(-(symbols - chunk * lanes) // lanes) + chunk * (log2 - final_log2) + (chunk > 0) * chunk
            if final_log2 <= layout.MAX_FINAL_LOG2 and steps < fewest:
                best, fewest = (Taper(lanes, final, symbols, chunk) if chunk else Taper(lanes, final)), steps
    return best


def _varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; the high bit says that more follow."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes) -> tuple[int, bytes]:
    value = 0
    for i, byte in enumerate(data[:5]):
        value |= (byte & 127) << (7 * i)
        if byte < 128:
            if not byte and i:
                raise CorruptError("taper", found="a number with a superfluous byte", expected="the shortest form")
            return value, data[i + 1 :]
    if len(data) < 5:
        raise TruncatedError("taper", found=len(data), expected="a number of at most 5 bytes")
    raise CorruptError("taper", found="a number of more than 5 bytes", expected="at most 5")

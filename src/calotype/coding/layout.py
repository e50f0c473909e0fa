"""Every number of docs/format-entropy.md, under the same name; no code, and no number of it stands in a third place."""

from __future__ import annotations

__all__ = [
    "CHUNK_BITS",
    "CLASS_BITS",
    "FINAL_SHIFT",
    "FLAG_OPAQUE",
    "HASH_BYTES",
    "LANE_BYTES",
    "LENGTH_BITS",
    "MAX_FINAL_LOG2",
    "MAX_KEY_BYTES",
    "MAX_LANES_LOG2",
    "MAX_OPAQUE",
    "MAX_TABLES",
    "NO_LANES",
    "PRECISION_BITS",
    "RETIRED_BYTES",
    "ROOM_BYTES",
    "ROOM_SHARE",
    "SHORT_BITS",
    "STATE_LOW",
    "TAPER_BITS",
    "TAPER_BYTES",
    "WORD_BITS",
]

PRECISION_BITS = 14  # frequencies of a table sum to 2**14
WORD_BITS = 16  # a state gives up and takes back 16 bits at a time
STATE_LOW = 65_536  # states live in [2**16, 2**32); every lane starts (when writing) and ends (when reading) here
LENGTH_BITS = 4  # flush: bits that say how many bits follow the leading one of a state's upper half
MAX_LANES_LOG2 = 11  # at most 2048 lanes a stream
MAX_FINAL_LOG2 = 7  # of which at most 128 in the end
FINAL_SHIFT = 4  # first byte: log2(lanes) | log2(final lanes) << 4
NO_LANES = 127  # in place of both: no symbol is coded, no states and no words follow
FLAG_OPAQUE = 128  # bit of the first byte: byte strings stand between it and the states
MAX_OPAQUE = 65_535  # byte strings a stream may carry

# What a writer chooses lanes by; readers accept any.
TAPER_BITS = 25  # payload a lane behind each halving: 24 suffice even if every state swallows 16 bits, 1 for rounding
ROOM_BYTES = 15.5  # a stream may be so much longer than its code length,
ROOM_SHARE = 0.003  # and this share of it: 0.5 % smaller files than at 0.009, for a few percent of decoding time
LANE_BYTES = 2.44  # above its information: a lane that lasts to the end
RETIRED_BYTES = 0.51  # a lane that retires
TAPER_BYTES = 6  # first byte, symbols, steps

CLASS_BITS = 5  # escape: class of the excess, one of 32, uniform
CHUNK_BITS = 8  # escape: bits below the leading one of the excess, at most this many a symbol, uniform

MAX_TABLES = 1024  # of a bank
HASH_BYTES = 4  # of a tile, over the values in sixteenths
SHORT_BITS = 16  # values are hashed as 16-bit integers where the declared range allows, else as 32-bit ones
MAX_KEY_BYTES = 64

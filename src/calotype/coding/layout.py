"""Every number of docs/format-entropy.md, under the same name; no code, and no number of it stands in a third place."""

from __future__ import annotations

__all__ = [
    "CLASS_BITS",
    "CHUNK_BITS",
    "FLAG_OPAQUE",
    "HASH_BYTES",
    "LANES_BYTES_PER_LANE",
    "LANES_FREE",
    "LANES_LEAST",
    "LANES_SLACK",
    "LENGTH_BITS",
    "MAX_KEY_BYTES",
    "MAX_LANES_LOG2",
    "MAX_OPAQUE",
    "MAX_TABLES",
    "NO_LANES",
    "PRECISION_BITS",
    "SHORT_BITS",
    "STATE_LOW",
    "WORD_BITS",
]

PRECISION_BITS = 14  # frequencies of a table sum to 2**14
WORD_BITS = 16  # a state gives up and takes back 16 bits at a time
STATE_LOW = 65_536  # states live in [2**16, 2**32); every lane starts (when writing) and ends (when reading) here
LENGTH_BITS = 4  # flush: bits that say how many bits follow the leading one of a state's upper half
MAX_LANES_LOG2 = 11  # at most 2048 lanes a stream
NO_LANES = 15  # in place of log2(lanes): no symbol is coded, no states and no words follow
FLAG_OPAQUE = 128  # bit of the first byte: byte strings stand between it and the states
MAX_OPAQUE = 65_535  # byte strings a stream may carry

LANES_LEAST = 4  # a writer takes the largest power of two <= max(4, 6 + payload bytes / 256)
LANES_FREE = 6
LANES_BYTES_PER_LANE = 256
LANES_SLACK = 8  # a reader refuses a stream with fewer lanes than an eighth of what its own length would give

CLASS_BITS = 5  # escape: class of the excess, one of 32, uniform
CHUNK_BITS = 8  # escape: bits below the leading one of the excess, at most this many a symbol, uniform

MAX_TABLES = 1024  # of a bank
HASH_BYTES = 4  # of a tile, over the values in sixteenths
SHORT_BITS = 16  # values are hashed as 16-bit integers where the declared range allows, else as 32-bit ones
MAX_KEY_BYTES = 64

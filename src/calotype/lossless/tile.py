"""`encode_tile` and `decode_tile`: tries the ways of coding, keeps the shortest, and checks what comes back."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from calotype.errors import CorruptError, TruncatedError, UsageError
from calotype.lossless import predicted, rows
from calotype.lossless.layout import CHECK_BYTES, MAX_DEPTH, MAX_KEY_BYTES, MAX_SIDE, Coding

__all__ = ["decode_tile", "encode_tile"]

Shape = tuple[int, int, int]


def encode_tile(samples: np.ndarray, depth: int, key: bytes) -> tuple[bytes, bytes]:
    """The stream and the 4-byte check of a tile.

    samples   integers [c, h, w], 0 .. 2**depth - 1
    depth     bits of a sample, 1..16
    key       at most 64 bytes, mixed into the check: which file and which tile this is
    raises    UsageError for anything else
    """
    samples = np.asarray(samples)
    if samples.ndim != 3 or samples.dtype.kind not in "iu":
        raise UsageError("samples", value=f"{samples.dtype} {samples.shape}", allowed="integers [c, h, w]")
    _check_arguments(samples.shape, depth, key)
    if samples.min() < 0 or samples.max() >= 1 << depth:
        found = f"{samples.min()}..{samples.max()}"
        raise UsageError("samples", value=found, allowed=f"0..{(1 << depth) - 1} at a depth of {depth}")
    samples = np.ascontiguousarray(samples, np.int32)
    return _shortest(samples, depth), _check_of(samples, depth, key)


def decode_tile(stream: bytes, check4: bytes, shape: Shape, depth: int, key: bytes) -> np.ndarray:
    """The samples of a tile, int32 [c, h, w].

    shape, depth, key   as the writer had them
    raises              TruncatedError or CorruptError; never anything else, whatever the stream says
    """
    _check_arguments(shape, depth, key)
    samples = _decode(bytes(stream), shape, depth)
    if _check_of(samples, depth, key) != bytes(check4):
        raise CorruptError("samples of a lossless tile", found=_check_of(samples, depth, key), expected=bytes(check4))
    return samples


def _shortest(samples: np.ndarray, depth: int) -> bytes:
    """The shortest of the streams that say these samples."""
    streams = [
        bytes([Coding.ROWS]) + rows.encode(samples, depth),
        bytes([Coding.PREDICTED]) + predicted.encode(samples, depth),
    ]
    return min(streams, key=len)


def _decode(stream: bytes, shape: Shape, depth: int) -> np.ndarray:
    """Samples of any coding, int32 [c, h, w]."""
    if not stream:
        raise TruncatedError("lossless stream", found=0, expected="at least 1 byte")
    if stream[0] == Coding.ROWS:
        return rows.decode(stream[1:], shape, depth)
    if stream[0] == Coding.PREDICTED:
        return predicted.decode(stream[1:], shape, depth)
    raise CorruptError("lossless coding", found=stream[0], expected=f"0..{max(Coding)}")


def _check_arguments(shape: tuple[int, ...], depth: int, key: bytes) -> None:
    if not 1 <= depth <= MAX_DEPTH:
        raise UsageError("depth", value=depth, allowed=f"1..{MAX_DEPTH}")
    if len(shape) != 3 or not all(1 <= side <= MAX_SIDE for side in shape):
        raise UsageError("shape of a tile", value=shape, allowed=f"(planes, rows, columns), each 1..{MAX_SIDE}")
    if not isinstance(key, bytes) or len(key) > MAX_KEY_BYTES:
        raise UsageError("key", value=key, allowed=f"bytes, at most {MAX_KEY_BYTES}")


def _check_of(samples: np.ndarray, depth: int, key: bytes) -> bytes:
    """The keyed hash of the samples as a raw tile would store them."""
    raw = samples.astype("<u1" if depth <= 8 else "<u2").tobytes()
    return blake2b(raw, digest_size=CHECK_BYTES, key=key).digest()

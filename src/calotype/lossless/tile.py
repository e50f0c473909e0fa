"""`encode_tile` and `decode_tile`: tries the ways of coding, keeps the shortest, and checks what comes back."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from calotype.errors import CorruptError, TruncatedError, UsageError
from calotype.lossless import colours, predicted, rows
from calotype.lossless.layout import CHECK_BYTES, MAX_DEPTH, MAX_KEY_BYTES, MAX_SIDE, Coding

__all__ = ["check_of", "decode_tile", "encode_tile", "spent_in"]

Shape = tuple[int, int, int]
GRAPHIC_SHARE = 0.3  # of the samples' bits: what codes to less may be a graphic, and filtered rows are tried


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
    return _shortest(samples, depth), check_of(samples, depth, key)


def decode_tile(stream: bytes, check4: bytes, shape: Shape, depth: int, key: bytes) -> np.ndarray:
    """The samples of a tile, int32 [c, h, w].

    shape, depth, key   as the writer had them
    raises              TruncatedError or CorruptError; never anything else, whatever the stream says
    """
    _check_arguments(shape, depth, key)
    samples = _decode(bytes(stream), shape, depth)
    if check_of(samples, depth, key) != bytes(check4):
        raise CorruptError("samples of a lossless tile", found=check_of(samples, depth, key), expected=bytes(check4))
    return samples


def spent_in(stream: bytes, shape: Shape, depth: int) -> np.ndarray | None:
    """float32 [h, w]: about how many bits each pixel of a sound stream cost; None where nothing tells."""
    if stream[0] == Coding.COLOURS:
        count, _, inner = colours.split(stream[1:])
        return spent_in(inner, (1, *shape[1:]), _index_depth(count))
    return predicted.spent(stream[1:], shape, depth) if stream[0] == Coding.PREDICTED else None


def _shortest(samples: np.ndarray, depth: int) -> bytes:
    """The shortest of the streams that say these samples."""
    if (samples == samples[:, :1, :1]).all():
        return bytes([Coding.CONSTANT]) + samples[:, 0, 0].astype("<u1" if depth <= 8 else "<u2").tobytes()
    found = colours.index(samples)
    streams = _direct(samples, depth, graphic=found is not None)
    if found is not None:
        table, indices = found
        coded = rows.encode(table[:, None, :], depth)
        inner = min(_direct(indices, _index_depth(table.shape[1]), graphic=True), key=len)
        streams.append(bytes([Coding.COLOURS]) + colours.join(table.shape[1], coded, inner))
    return min(streams, key=len)


def _direct(samples: np.ndarray, depth: int, *, graphic: bool) -> list[bytes]:
    """Streams without a colour table; filtered rows only where they have a chance."""
    streams = [bytes([Coding.PREDICTED]) + predicted.encode(samples, depth)]
    if graphic or 8 * len(streams[0]) < GRAPHIC_SHARE * depth * samples.size:
        streams.append(bytes([Coding.ROWS]) + rows.encode(samples, depth))
    return streams


def _decode(stream: bytes, shape: Shape, depth: int, *, whole: bool = True) -> np.ndarray:
    """Samples of any coding, int32 [c, h, w]."""
    if not stream:
        raise TruncatedError("lossless stream", found=0, expected="at least 1 byte")
    if stream[0] == Coding.ROWS:
        return rows.decode(stream[1:], shape, depth)
    if stream[0] == Coding.PREDICTED:
        return predicted.decode(stream[1:], shape, depth)
    if stream[0] == Coding.CONSTANT and whole:
        return _constant(stream[1:], shape, depth)
    if stream[0] == Coding.COLOURS and whole:
        count, coded, inner = colours.split(stream[1:])
        table = rows.decode(coded, (shape[0], 1, count), depth)[:, 0]
        return colours.look_up(table, _decode(inner, (1, *shape[1:]), _index_depth(count), whole=False))
    raise CorruptError("lossless coding", found=stream[0], expected=f"0..{max(Coding)}")


def _constant(data: bytes, shape: Shape, depth: int) -> np.ndarray:
    """Planes of one value each."""
    kind = np.dtype("<u1" if depth <= 8 else "<u2")
    if len(data) != shape[0] * kind.itemsize:
        raise CorruptError("constant planes", found=len(data), expected=f"{shape[0] * kind.itemsize} bytes")
    values = np.frombuffer(data, kind).astype(np.int32)
    if values.max() >> depth:
        raise CorruptError("sample of a lossless tile", found=int(values.max()), expected=f"below {1 << depth}")
    return np.ascontiguousarray(np.broadcast_to(values[:, None, None], shape))


def _index_depth(count: int) -> int:
    """Bits of an index into so many colours."""
    return (count - 1).bit_length()


def _check_arguments(shape: tuple[int, ...], depth: int, key: bytes) -> None:
    if not 1 <= depth <= MAX_DEPTH:
        raise UsageError("depth", value=depth, allowed=f"1..{MAX_DEPTH}")
    if len(shape) != 3 or not all(1 <= side <= MAX_SIDE for side in shape):
        raise UsageError("shape of a tile", value=shape, allowed=f"(planes, rows, columns), each 1..{MAX_SIDE}")
    if not isinstance(key, bytes) or len(key) > MAX_KEY_BYTES:
        raise UsageError("key", value=key, allowed=f"bytes, at most {MAX_KEY_BYTES}")


def check_of(samples: np.ndarray, depth: int, key: bytes) -> bytes:
    """The keyed hash of the samples as a raw tile would store them: the one part of a tile that its key changes."""
    raw = samples.astype("<u1" if depth <= 8 else "<u2").tobytes()
    return blake2b(raw, digest_size=CHECK_BYTES, key=key).digest()

"""Named members <-> the bytes of a zip, and arrays <-> members: deterministic to write, bounded and pickle-free to read."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from calotype.errors import LimitError, ModelError
from calotype.limits import Limits

__all__ = ["arrays_from_bytes", "arrays_to_bytes", "member", "pack", "unpack"]

MAX_MEMBERS = 4096
_NAME_BYTES = 256
_KINDS = "biuf"  # bool, signed, unsigned, float: all that a model needs, and nothing that could hold an object


def pack(members: Mapping[str, bytes]) -> bytes:
    """A zip of `members`, sorted by name. The same members give the same bytes on every machine.

    Nothing is deflated: zlib and zlib-ng write different bytes, and a wheel deflates its contents anyway.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, members[name])
    return target.getvalue()


def unpack(data: bytes, limits: Limits) -> dict[str, bytes]:
    """All members of the zip `data`; ModelError where it is damaged, LimitError before it would unpack to too much."""
    limits.spend("max_model_bytes", len(data), "model bytes")
    with _opened(io.BytesIO(data), limits) as archive:
        return {entry.filename: _read(archive, entry) for entry in archive.infolist()}


def member(source: BinaryIO, name: str, limits: Limits) -> bytes:
    """One member alone, for looking at a manifest without reading the networks."""
    with _opened(source, limits) as archive:
        try:
            return _read(archive, archive.getinfo(name))
        except KeyError as exc:
            raise ModelError(f"the archive has no {name}") from exc


def _opened(source: BinaryIO, limits: Limits) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError) as exc:
        raise ModelError("not a readable zip archive", found=exc) from exc
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise LimitError("members of an archive", value=len(entries), limit=MAX_MEMBERS)
    # The directory's own sizes bound what is read below, and are checked against it, so a bomb is refused unread.
    limits.spend("max_model_bytes", sum(entry.file_size for entry in entries), "model bytes unpacked")
    if len({entry.filename for entry in entries}) != len(entries):
        raise ModelError("the archive holds two members of one name")
    for entry in entries:
        _check_entry(entry)
    return archive


def _check_entry(entry: zipfile.ZipInfo) -> None:
    parts = entry.filename.split("/")
    if len(entry.filename.encode()) > _NAME_BYTES or "\\" in entry.filename or any(p in ("", ".", "..") for p in parts):
        raise ModelError("name of a member", wanted="a plain relative path", found=entry.filename)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelError(f"compression of {entry.filename}", wanted="stored or deflated", found=entry.compress_type)
    if entry.flag_bits & 0x1:
        raise ModelError(f"{entry.filename} is encrypted")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as stream:
            data = stream.read(entry.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as exc:
        raise ModelError(f"member {entry.filename} is damaged", found=exc) from exc
    if len(data) != entry.file_size:
        raise ModelError(f"member {entry.filename} is damaged", wanted=f"{entry.file_size} bytes", found=len(data))
    return data


def arrays_to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An .npz that `numpy.load` reads, little-endian and in C order; the same arrays give the same bytes."""
    members = {}
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.kind not in _KINDS:
            raise ModelError(f"array {name}", wanted="numbers", found=array.dtype)
        target = io.BytesIO()
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
        np.lib.format.write_array(target, plain, version=(1, 0), allow_pickle=False)
        members[f"{name}.npy"] = target.getvalue()
    return pack(members)


def arrays_from_bytes(data: bytes, limits: Limits) -> dict[str, np.ndarray]:
    """The arrays of an .npz, read-only. No pickles: objects and structures are refused by their header.

    `numpy.load` would allocate what a header claims before it looks whether the bytes are there; this does not.
    """
    arrays = {}
    for file, payload in unpack(data, limits).items():
        name = file.removesuffix(".npy")
        arrays[name] = _array(name, payload)
    return arrays


def _array(name: str, payload: bytes) -> np.ndarray:
    stream = io.BytesIO(payload)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("another version of the format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=4096)
    except (ValueError, EOFError, SyntaxError, TypeError) as exc:
        raise ModelError(f"array {name} is not an .npy of version 1.0", found=exc) from exc
    if dtype.kind not in _KINDS or dtype.hasobject or fortran or any(side < 0 for side in shape):
        raise ModelError(f"array {name}", wanted="numbers in C order", found=f"{dtype} {shape}")
    left = len(payload) - stream.tell()
    if math.prod(shape) * dtype.itemsize != left:
        raise ModelError(
            f"array {name} of shape {shape}", wanted=f"{math.prod(shape) * dtype.itemsize} bytes", found=left
        )
    return (
        np.frombuffer(payload, dtype=dtype, offset=stream.tell())
        .reshape(shape)
        .astype(dtype.newbyteorder("="), copy=False)
    )

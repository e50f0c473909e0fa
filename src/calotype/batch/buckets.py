"""Stores that fsspec opens: s3://, gs://, abfs://, sftp://, memory://, zip:// and others; each call of it stands here.

fsspec comes with the extra [s3] (Amazon's interface) or [cloud] (Google's and Microsoft's besides). Credentials are
those that its packages find by themselves, in the environment or their own files; none is taken on the command line.
"""

from __future__ import annotations

import datetime
import posixpath
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from calotype.batch.places import Spot, Stamp
from calotype.errors import CalotypeError, ExtraMissing, FileError, TargetExists

__all__ = ["check_writable", "glob", "is_folder", "listed", "path_of", "read", "remove", "stamp", "write"]

# Stores where one upload appears whole or not at all; elsewhere a temporary name is renamed.
_WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "memory", "oss", "oci", "r2"}
_READ_ONLY = {"zip", "tar", "libarchive", "http", "https", "github", "git"}
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), ("s3fs", "s3")),
    **dict.fromkeys(("gs", "gcs"), ("gcsfs", "cloud")),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), ("adlfs", "cloud")),
}
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")


def path_of(address: str) -> str:
    """The path inside the store that an address names."""
    return _opened(address)[1]


def is_folder(place: Spot) -> bool:
    """Whether there is a folder; buckets have none, so: whether anything lies below."""
    with _asking(place):
        return bool(_store(place).isdir(place.path))


def stamp(place: Spot) -> Stamp | None:
    """Size and time of change, or None where there is no such file."""
    with _asking(place):
        try:
            info = _store(place).info(place.path)
        except FileNotFoundError:
            return None
        return _stamp(info) if info.get("type") != "directory" else None


def listed(root: Spot) -> dict[str, Stamp]:
    """Every file below a folder, by path; empty where there is no such folder."""
    with _asking(root):
        store = _store(root)
        store.invalidate_cache()
        try:
            found: Any = store.find(root.path, detail=True)
        except FileNotFoundError:
            return {}
        return {path: _stamp(info) for path, info in found.items()}


def glob(pattern: Spot) -> dict[str, Stamp]:
    """Every file that fits a pattern, by path."""
    with _asking(pattern):
        found: Any = _store(pattern).glob(pattern.path, detail=True)
        return {path: _stamp(info) for path, info in found.items() if info.get("type") != "directory"}


def read(place: Spot, most: int | None = None) -> bytes:
    """All bytes of a file, or its first `most`."""
    with _asking(place):
        data: Any = _store(place).cat_file(place.path, start=None if most is None else 0, end=most)
        return bytes(data)


def write(place: Spot, data: bytes, *, replace: bool, mark: str) -> None:
    """Make a file appear whole. Who else writes the same name at the same moment may win where a store has no check."""
    with _asking(place, "written"):
        check_writable(place)
        store = _store(place)
        if not replace and store.exists(place.path):
            raise TargetExists(place)
        if _scheme(place.store) in _WHOLE:
            store.pipe_file(place.path, data)
            return
        folder, name = posixpath.split(place.path)
        store.makedirs(folder, exist_ok=True)
        part = f"{folder}/.{name[:40]}.{mark}.part"
        try:
            store.pipe_file(part, data)
            store.mv(part, place.path)
        finally:
            if store.exists(part):
                store.rm_file(part)


def check_writable(place: Spot) -> None:
    """Raise FileError for a store that is only read."""
    scheme = _scheme(place.store)
    if scheme in _READ_ONLY:
        raise FileError(place, f"can't be written: {scheme}:// is read-only here")


def remove(place: Spot) -> None:
    """Delete a file; nothing where it is gone already."""
    with _asking(place, "removed"):
        store = _store(place)
        if store.exists(place.path):
            store.rm_file(place.path)


def _store(place: Spot) -> Any:
    return _opened(place.store)[0]


def _scheme(address: str) -> str:
    return address.partition("::")[0].partition("://")[0].lower()


@lru_cache(maxsize=64)
def _opened(address: str) -> tuple[Any, str]:
    """fsspec's file system of an address, and the path in it."""
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise ExtraMissing(f"{_scheme(address)}://", package="fsspec", extra="s3") from None
    try:
        return url_to_fs(address)
    except ImportError as error:  # the store is known and its package absent; fsspec's sentence names it
        scheme = _scheme(address)
        if scheme not in _PACKAGES:
            raise FileError(address, f"can't be opened: {error}") from error
        package, extra = _PACKAGES[scheme]
        raise ExtraMissing(f"{scheme}://", package=package, extra=extra) from error
    except CalotypeError:
        raise
    except Exception as error:
        raise FileError(address, f"can't be opened: {error}") from error


@contextmanager
def _asking(place: Spot, done: str = "read") -> Iterator[None]:
    """Whatever a store raises (each has errors of its own) becomes one that names the file."""
    try:
        yield
    except CalotypeError:
        raise
    except Exception as error:
        said = "not found" if isinstance(error, FileNotFoundError) else str(error) or type(error).__name__
        raise FileError(place, f"can't be {done}: {said}") from error


def _stamp(info: dict[str, Any]) -> Stamp:
    """Size and time; where a store tells no time, its tag of the content stands for it."""
    for key in _TIMES:
        value = info.get(key)
        if isinstance(value, datetime.datetime):
            return Stamp(int(info.get("size") or 0), int(value.timestamp() * 1e9))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return Stamp(int(info.get("size") or 0), int(value * 1e9))
    tag = info.get("ETag") or info.get("etag") or info.get("date_time") or ""
    return Stamp(int(info.get("size") or 0), zlib.crc32(repr(tag).encode()) if tag else 0)

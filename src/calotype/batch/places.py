"""Where files are: paths of this machine, and stores that fsspec knows (buckets, archives). Bytes only, no pictures.

Whatever is written appears whole: by a rename in file systems, by one upload in object stores.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from calotype import writing
from calotype.errors import CalotypeError, FileError, TargetExists

__all__ = [
    "Spot",
    "Stamp",
    "head",
    "inside",
    "is_address",
    "is_folder",
    "is_private",
    "listed",
    "read",
    "remove",
    "spot",
    "stamp",
    "write",
]

HEAD_BYTES = 16
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")  # two letters at least: C:\ is a drive


class Stamp(NamedTuple):
    """What tells that a file has changed: its size in bytes and its time of change, 0 where a store has none."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A file or folder. `store` is empty for a path of this machine, else the address that fsspec opens it by."""

    store: str
    path: str

    def __str__(self) -> str:
        """As people write it."""
        if not self.store:
            return self.path
        scheme, _, rest = self.store.partition("://")
        behind = rest.partition("::")[2]
        return f"{scheme}://{self.path.lstrip('/')}" + (f"::{behind}" if behind else "")


def is_address(text: str) -> bool:
    """Whether this is an address such as s3://bucket/a.png, and not a path."""
    return bool(_ADDRESS.match(text))


def spot(text: str) -> Spot:
    """The place that a word of the command line names; file:// is this machine.

    raises   ExtraMissing without fsspec or the package of that store, FileError for a store nobody knows
    """
    if not is_address(text):
        return Spot("", text)
    if text.lower().startswith("file://") and "::" not in text:
        return Spot("", text[len("file://") :])
    from calotype.batch import buckets

    return Spot(text, buckets.path_of(text))


def inside(root: Spot, relative: str) -> Spot:
    """A file below a folder; `relative` is with "/"."""
    if root.store:
        return Spot(root.store, f"{root.path.rstrip('/')}/{relative}" if root.path else relative)
    return Spot("", str(Path(root.path, *PurePosixPath(relative).parts)))


def is_folder(place: Spot) -> bool:
    """Whether there is a folder; FileError where a store does not answer."""
    if place.store:
        from calotype.batch import buckets

        return buckets.is_folder(place)
    return Path(place.path).is_dir()


def stamp(place: Spot) -> Stamp | None:
    """Size and time of change of a file, or None where there is none; FileError where the file system refuses."""
    if place.store:
        from calotype.batch import buckets

        return buckets.stamp(place)
    try:
        found = os.stat(place.path)  # noqa: PTH116 (a million times: no Path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError(place, f"can't be read: {error.strerror or error}") from error
    return Stamp(found.st_size, found.st_mtime_ns)


def head(place: Spot) -> bytes:
    """The first 16 bytes of a file, which tell what it is."""
    if place.store:
        from calotype.batch import buckets

        return buckets.read(place, HEAD_BYTES)
    try:
        with open(place.path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise FileError(place, f"can't be read: {error.strerror or error}") from error


def read(place: Spot) -> bytes:
    """All bytes of a file; FileError where the file system refuses."""
    if place.store:
        from calotype.batch import buckets

        return buckets.read(place)
    from calotype import formats

    return formats.load(place.path)


def write(place: Spot, data: bytes, *, replace: bool = False, mark: str = "", modified_ns: int | None = None) -> None:
    """Make a file appear whole, with the folders above it.

    replace       False: TargetExists if it is there, also if it came into being meanwhile
    mark          stands in the name of the temporary file
    modified_ns   its time of change, where the store keeps one; now where left out
    raises        TargetExists, FileError
    """
    if place.store:
        from calotype.batch import buckets

        return buckets.write(place, data, replace=replace, mark=mark)
    path = Path(place.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writing.appear(Path(os.path.realpath(path)), data, replace=replace, mark=mark, modified_ns=modified_ns)
    except FileExistsError as error:
        if path.parent.is_dir():
            raise TargetExists(path) from error
        raise FileError(path, "can't be written: what should be a folder above it is a file") from error
    except CalotypeError:
        raise
    except OSError as error:
        raise FileError(path, f"can't be written: {error.strerror or error}") from error
    return None


def remove(place: Spot) -> None:
    """Delete a file; FileError where the file system refuses, nothing where it is gone already."""
    if place.store:
        from calotype.batch import buckets

        return buckets.remove(place)
    try:
        Path(place.path).unlink(missing_ok=True)
    except OSError as error:
        raise FileError(place, f"can't be removed: {error.strerror or error}") from error
    return None


def listed(root: Spot) -> dict[str, Stamp] | None:
    """All files below a folder of a store by path, in one question; None on this machine, where asking is cheap."""
    if not root.store:
        return None
    from calotype.batch import buckets

    return buckets.listed(root)


def is_private(place: Spot) -> bool:
    """Whether it belongs to this process alone, so that no other can work on it: a store in memory."""
    return place.store.startswith("memory:")

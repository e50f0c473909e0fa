"""Files appear whole or not at all: written beside their name, flushed, renamed. Nothing here knows what is in them.

A killed or failed run leaves the old file as it was and no part of a new one.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

__all__ = ["appear", "leftovers"]

_PART = ".part"


def appear(path: Path, data: bytes, *, replace: bool, mark: str = "", modified_ns: int | None = None) -> None:
    """Write `data` beside `path`, flush, rename; the temporary file is removed whatever happens, also on SIGTERM.

    replace       False: FileExistsError if the file is there, even if it came into being meanwhile
    mark          who writes: stands in the name of the temporary file, for what SIGKILL leaves behind (`leftovers`)
    modified_ns   time of change that the file gets, in nanoseconds since 1970; now where left out
    raises        OSError as the file system gives it; callers name the file and the way out
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.{mark}", suffix=_PART, dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(_mode(path))
        if modified_ns is not None:
            os.utime(part, ns=(modified_ns, modified_ns))
        if replace:
            part.replace(path)
        else:
            _first(part, path)
    finally:
        part.unlink(missing_ok=True)
    _flush_folder(path.parent)


def leftovers(folder: Path, marks: Collection[str]) -> Iterator[Path]:
    """Temporary files in one folder that writers with these marks, killed since, have left there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and entry.name.endswith(_PART) and not entry.is_dir(follow_symlinks=False):
                author = entry.name[: -len(_PART)].rpartition(".")[2]
                if any(author.startswith(mark) for mark in marks if mark):
                    yield Path(entry.path)


def _first(part: Path, path: Path) -> None:
    """Rename, unless the target has come into being since it was looked for."""
    try:
        os.link(part, path)  # unlike a rename, this fails if the target exists
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        part.replace(path)


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, or those that any new file gets; mkstemp's are for secrets."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _flush_folder(folder: Path) -> None:
    """Make the rename last, where folders can be flushed."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

"""Files appear whole or not at all: written beside their name, flushed, renamed. Nothing here knows what is in them.

A killed or failed run leaves the old file as it was and no part of a new one.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

__all__ = ["appear"]


def appear(path: Path, data: bytes, *, replace: bool) -> None:
    """Write `data` beside `path`, flush, rename; the temporary file is removed whatever happens, also on SIGTERM.

    replace   False: FileExistsError if the file is there, even if it came into being meanwhile
    raises    OSError as the file system gives it; callers name the file and the way out
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(_mode(path))
        if replace:
            part.replace(path)
        else:
            _first(part, path)
    finally:
        part.unlink(missing_ok=True)
    _flush_folder(path.parent)


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

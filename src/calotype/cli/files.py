"""The only place where the command line touches files: whole inputs are read, whole outputs appear or nothing does.

`-` is standard input or output. How an output appears whole is writing.py's business.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from calotype import writing
from calotype.errors import CalotypeError, FileError, TargetExists, UsageError

__all__ = ["STANDARD", "beside", "check_target", "make_folder", "read_bytes", "time_of", "write_bytes"]

STANDARD = "-"


def read_bytes(source: str) -> bytes:
    """All bytes of a file, or of standard input for `-`; FileError where the file system refuses."""
    if source == STANDARD:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("input", value="a terminal", allowed="a file, or data piped to standard input")
        return sys.stdin.buffer.read()
    from calotype import formats

    return formats.load(source)


def beside(source: str, suffix: str) -> str:
    """Where the output goes if nobody says: the input's name with another suffix, or standard output for `-`."""
    if source == STANDARD:
        return STANDARD
    path = Path(source)
    if path.is_dir():  # also the empty name
        raise FileError(source or "''", "is a directory; name a file in it")
    return str(path.with_suffix(suffix))


def check_target(target: str, *, force: bool) -> None:
    """Raise before any work is done if `target` could not be written afterwards.

    errors   TargetExists unless `force`, FileError for a directory, a missing folder or one without permission,
             UsageError for a terminal
    """
    if target == STANDARD:
        if sys.stdout is None or sys.stdout.isatty():
            raise UsageError("output", value="a terminal", allowed="a file (-o FILE) or a pipe")
        return
    path = Path(target)
    if path.is_dir():
        raise FileError(path, "is a directory; name a file in it")
    if path.exists() and not force:
        raise TargetExists(path)
    folder = _folder(path)
    if not folder.is_dir():
        raise FileError(path, f"can't be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK) and not _is_device(path):
        raise FileError(path, f"can't be written: no permission in {folder}")


def time_of(source: str) -> int | None:
    """When a file was changed, in nanoseconds since 1970; None for standard input."""
    return None if source == STANDARD else Path(source).stat().st_mtime_ns


def write_bytes(target: str, data: bytes, *, force: bool, modified_ns: int | None = None) -> None:
    """Write `data` to a file, whole or not at all, or to standard output for `-`; errors as check_target.

    modified_ns   the file's time of change; now where left out
    """
    check_target(target, force=force)
    if target == STANDARD:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    try:
        if _is_device(path):
            path.write_bytes(data)
        else:
            writing.appear(Path(os.path.realpath(path)), data, replace=force, modified_ns=modified_ns)
    except FileExistsError as error:
        raise TargetExists(path) from error
    except CalotypeError:
        raise
    except OSError as error:
        raise FileError(path, f"can't be written: {error.strerror or error}") from error


def make_folder(path: Path) -> Path:
    """Make a folder, with those above it; FileError where the file system refuses."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(path, f"can't be made: {error.strerror or error}") from error
    return path


def _folder(path: Path) -> Path:
    return Path(os.path.realpath(path)).parent


def _is_device(path: Path) -> bool:
    """True for what can't be renamed over: /dev/null, a named pipe."""
    return path.exists() and not path.is_file() and not path.is_dir()

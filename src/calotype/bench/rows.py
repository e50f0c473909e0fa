"""The rows of a benchmark, as they stand in REPORT/rows.jsonl: one JSON object a line, only ever appended.

What the fields mean stands in docs/bench.md. Of several rows with the same key the last one counts. A run that is killed
leaves whole lines and at most one torn one at the end, which readers leave out and the next writer cuts off.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from calotype.errors import CorruptError, FileError, UsageError

__all__ = ["FILE", "SCHEMA", "TIMES", "Row", "Rows", "Writer", "key_of", "read"]

FILE = "rows.jsonl"
SCHEMA = 1
# Fields that another run of the same thing may give otherwise.
TIMES = ("machine", "encode_s", "decode_s", "encode_peak_bytes", "decode_peak_bytes")

# Fields that say what a row is about. A newer timing of a codec replaces an older one, whatever its level was.
_KEYS = {
    "machine": ("id",),
    "row": ("picture_sha256", "codec", "level", "threads"),
    "timing": ("picture_sha256", "codec", "threads"),
    "chart": ("codec",),
}

Row = dict[str, Any]
Key = tuple[Any, ...]


def key_of(row: Row) -> Key:
    """What a row is about."""
    kind = row.get("kind")
    names = _KEYS.get(kind) if isinstance(kind, str) else None
    if names is None:
        raise UsageError("row's kind", value=kind, allowed=", ".join(_KEYS))
    return kind, *(row[name] for name in names)


class Rows:
    """Rows by key, the last of each; iterating gives them in the order in which their keys first came."""

    def __init__(self, found: Iterable[Row] = ()) -> None:
        self._by_key: dict[Key, Row] = {}
        for row in found:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take a row in; one with the same key is replaced, and "can't be read" by anything measured later."""
        if row.get("kind") == "row" and row["codec"] is not None:
            self._by_key.pop(("row", row["picture_sha256"], None, None, None), None)
        self._by_key[key_of(row)] = row

    def get(self, key: Key) -> Row | None:
        """The row of a key."""
        return self._by_key.get(key)

    def of_kind(self, kind: str) -> list[Row]:
        """All of kind "row", "timing", "chart" or "machine"."""
        return [row for row in self if row.get("kind") == kind]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)


def read(path: Path) -> Rows:
    """The rows of a file or of a report's folder; a torn last line is left out, an absent file has none.

    errors   CorruptError for a line that is no row, FileError
    """
    if path.is_dir():
        path = path / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Rows()
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error
    whole = data[: data.rfind(b"\n") + 1]
    return Rows(_parsed(line, number, path) for number, line in enumerate(whole.splitlines(), 1) if line.strip())


def _parsed(line: bytes, number: int, path: Path) -> Row:
    try:
        row = json.loads(line)
        if row["schema"] > SCHEMA:
            raise UsageError("row's schema", value=row["schema"], allowed=f"{SCHEMA} and below: use a newer calotype")
        key_of(row)
    except (ValueError, TypeError, KeyError) as error:
        if isinstance(error, UsageError):
            raise
        raise CorruptError(
            f"{path.name}, line {number}", found=line[:60].decode("utf-8", "replace"), expected="a row"
        ) from error
    return row


class Writer:
    """Appends rows, each with one write; only one writer at a time holds a report.

    errors   FileError where the folder can't be written; UsageError while another run writes to it
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise FileError(path, error.strerror or str(error)) from error
        try:
            _lock(self._file)
        except OSError as error:
            self._file.close()
            raise UsageError("report", value=folder, allowed="a folder that no other run writes to") from error
        self._cut(path)

    def append(self, row: Row) -> None:
        """Write one row; it stays even if this process is killed a moment later."""
        line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        if self._file.write(line) != len(line):
            raise FileError(self._file.name, "the disk is full")

    def close(self) -> None:
        """Let the file and the lock go."""
        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cut(self, path: Path) -> None:
        """Remove what stands behind the last line break."""
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            self._file.truncate(whole)


def _lock(file: IO[bytes]) -> None:
    """OSError if another process holds it; the system lets it go when this process ends, however it ends."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        return
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

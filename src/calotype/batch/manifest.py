"""What a folder of outputs knows of itself: from which file, of which size and time, by which settings each was made.

`.calotype-manifest.jsonl` in the folder's root, one JSON object a line, appended to as files are finished and rewritten
in order at the end of a run. docs/folders.md describes its lines. One run at a time holds it, by a lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from calotype import writing
from calotype.batch.outcomes import Outcome
from calotype.batch.places import Spot, Stamp
from calotype.errors import FileError

try:
    import fcntl
except ImportError:  # Windows: two runs into one folder are the user's business there
    fcntl = None

__all__ = ["NAME", "Entry", "Manifest", "as_lines", "open_for", "settings_digest"]

NAME = ".calotype-manifest.jsonl"
VERSION = 1
# Settings that change no output.
_WITHOUT_EFFECT = {"threads", "max_pixels", "jobs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One finished output.

    source     path of the original below the folder that was named, or its name
    size, mtime_ns   of the original when it was read
    settings   digest of the settings, see settings_digest
    """

    source: str
    size: int
    mtime_ns: int
    settings: str
    output_size: int
    output_hash: str


def settings_digest(verb: str, settings: Mapping[str, Any]) -> str:
    """16 hexadecimal digits; settings at nothing (None, False, empty) count as absent, so that new ones change nothing."""
    told = {name: value for name, value in settings.items() if name not in _WITHOUT_EFFECT and not _nothing(value)}
    said = json.dumps([verb, told], sort_keys=True, default=str)
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _nothing(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, (tuple, list, dict, str, bytes, set)) and not value)


class Manifest:
    """The manifest of one folder: what it knew when it was opened, and what happens since.

    mark   of this run, in the names of its temporary files
    dead   marks of runs that were killed: their temporary files may be lying about
    """

    def __init__(self, root: Spot, mark: str = "") -> None:
        self.root = root
        self.mark = mark
        self.dead: set[str] = set()
        self.entries: dict[str, Entry] = {}
        self.begun: set[str] = set()
        self._fresh: set[str] = set()  # begun by this run, and nobody's before
        self.unread = 0
        self._superfluous = False
        self._said_run = False

    def ours(self, name: str) -> bool:
        """Whether an output of this name, if there is one, was made by this run or an earlier one."""
        return name in self.entries or name in self.begun

    def up_to_date(self, name: str, source: Stamp, settings: str, output: Stamp | None) -> Entry | None:
        """The entry of an output that need not be made again."""
        entry = self.entries.get(name)
        if entry is None or output is None or name in self.begun:
            return None
        fits = (entry.size, entry.mtime_ns, entry.settings) == (source.size, source.mtime_ns, settings)
        return entry if fits and output.size == entry.output_size else None

    def begin(self, names: Sequence[str]) -> None:
        """Say that these outputs are about to be written, so that a run after a kill knows them for ours."""
        lines = [] if self._said_run else [{"calotype_manifest": VERSION, "run": self.mark}]
        self._said_run = True
        self._superfluous = True
        self._fresh.update(name for name in names if not self.ours(name))
        self.begun.update(names)
        self._append([*lines, {"begun": list(names)}], lasting=True)

    def done(self, outcome: Outcome, settings: str) -> None:
        """Say that an output is finished."""
        entry = Entry(
            source=outcome.relative,
            size=outcome.source_bytes,
            mtime_ns=outcome.mtime_ns,
            settings=settings,
            output_size=outcome.target_bytes,
            output_hash=outcome.digest,
        )
        self.entries[outcome.name] = entry
        self.begun.discard(outcome.name)
        self._append([_line(outcome.name, entry)], lasting=False)

    def spared(self, name: str) -> None:
        """Say that a file that was begun has failed without an output: a foreign file of that name is not ours."""
        if name in self._fresh:
            self.begun.discard(name)
            self._append([{"spared": name}], lasting=False)

    def close(self) -> None:
        """Rewrite the manifest in order if it has more lines than files."""

    def _append(self, lines: Sequence[Mapping[str, Any]], *, lasting: bool) -> None:
        raise NotImplementedError

    def _read(self, text: bytes) -> None:
        """Take in what earlier runs wrote. A line that a kill has torn is passed over."""
        for raw in text.splitlines():
            try:
                line = json.loads(raw)
                self._take(line)
            except (ValueError, TypeError, KeyError, AttributeError):  # noqa: PERF203
                self.unread += 1
                self._superfluous = True

    def _take(self, line: Mapping[str, Any]) -> None:
        if "output" in line:
            name = line["output"]
            self._superfluous |= name in self.entries
            self.entries[name] = Entry(**{field.name: line[field.name] for field in fields(Entry)})
            self.begun.discard(name)
        elif "begun" in line:
            self.begun.update(line["begun"])
            self._superfluous = True
        elif "spared" in line:
            self.begun.discard(line["spared"])
            self._superfluous = True
        elif "run" in line:
            self.dead.add(line["run"])
            self._superfluous = True

    def _whole(self) -> bytes:
        """All that is known, in the order of names; what was begun and never finished stays known as ours."""
        lines: list[Mapping[str, Any]] = [{"calotype_manifest": VERSION}]
        lines += [_line(name, self.entries[name]) for name in sorted(self.entries)]
        if self.begun:
            lines.append({"begun": sorted(self.begun)})
        return as_lines(lines)


def _line(name: str, entry: Entry) -> dict[str, Any]:
    return {"output": name, **asdict(entry)}


def as_lines(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON lines, ASCII only: names that are no text of any encoding survive it."""
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


class _OnDisk(Manifest):
    """A file of this machine: one line a file as soon as it is finished, locked by its run for as long as it lives."""

    _torn = False

    def __init__(self, root: Spot, *, write: bool, mark: str) -> None:
        super().__init__(root, mark)
        self.path = Path(root.path, NAME)
        self._handle: int | None = None
        self._write = write
        if write:
            self._lock()
        with contextlib.suppress(FileNotFoundError):
            text = self.path.read_bytes()
            self._torn = bool(text) and not text.endswith(b"\n")
            self._read(text)

    def _lock(self) -> None:
        """Hold the manifest, if it is there: one that does not exist yet is held from its first line on."""
        while fcntl is not None and self.path.exists():
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                busy = "another run of calotype is writing into this folder; wait for its end, or choose another"
                raise FileError(self.root, busy) from None
            except OSError:  # a file system without locks
                self._handle = handle
                return
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(handle).st_ino == self.path.stat().st_ino:
                    self._handle = handle
                    return
            os.close(handle)  # rewritten since it was opened

    def _append(self, lines: Sequence[Mapping[str, Any]], *, lasting: bool) -> None:
        try:
            if self._handle is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o666))
                self._lock()
                if self._handle is None:
                    self._handle = os.open(self.path, os.O_RDWR | os.O_APPEND)
            data = (b"\n" if self._torn else b"") + as_lines(lines)
            self._torn = False
            while data:  # a disk that is nearly full takes a part of it before it refuses
                data = data[os.write(self._handle, data) :]
            if lasting:
                os.fsync(self._handle)
        except FileError:
            raise
        except OSError as error:
            raise FileError(self.path, f"can't be written: {error.strerror or error}") from error

    def close(self) -> None:
        """Rewrite in order, unlock."""
        try:
            if self._write and self._superfluous and self._handle is not None:
                if fcntl is None:  # Windows replaces no open file
                    os.close(self._handle)
                    self._handle = None
                writing.appear(self.path, self._whole(), replace=True, mark=self.mark)
        finally:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None


def open_for(root: Spot, *, write: bool, mark: str = "") -> Manifest:
    """The manifest of a folder of outputs; an empty one where there is none.

    write    False for a look only: nothing is locked, made or changed
    mark     of the run that opens it
    raises   FileError where another run holds it, or the file system refuses
    """
    if root.store:
        from calotype.batch.journal import InStore

        return InStore(root, write=write, mark=mark)
    try:
        return _OnDisk(root, write=write, mark=mark)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(Path(root.path, NAME), f"can't be read: {error.strerror or error}") from error

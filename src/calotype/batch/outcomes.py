"""What travels between the run and its workers: what to do with all files, with one, and what became of it. Data only.

Paths travel and pixels do not, so that a worker may be a process, or a machine elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from calotype.batch.one import Coded
from calotype.batch.places import Spot, Stamp
from calotype.errors import CalotypeError

__all__ = [
    "DONE",
    "EXISTS",
    "FAILED",
    "PLANNED",
    "UP_TO_DATE",
    "Failure",
    "Job",
    "Outcome",
    "Task",
    "failed",
    "without_work",
]

_UNKNOWN = Stamp(0, 0)
DONE, FAILED, UP_TO_DATE, EXISTS, PLANNED = "done", "failed", "up-to-date", "exists", "planned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is done with every file of a run.

    convert      bytes and settings in, Coded out: one.encode_bytes or one.decode_bytes; found by its name in a worker
    mark         stands in the names of temporary files, so that a later run knows whose they were
    keep_mtime   outputs get the time of change of their source
    remove       originals go once their output was read again, decoded and compared (only when encoding)
    """

    convert: Callable[[bytes, Mapping[str, Any]], Coded]
    settings: Mapping[str, Any] = field(default_factory=dict)
    mark: str = ""
    keep_mtime: bool = True
    remove: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file.

    name      of the output, below the root of outputs, with "/": its key in the manifest
    relative  of the source, below the folder that was named
    root      number of the root of outputs, for runs that have several
    stamp     of the source when it was found
    replace   an output that is there may be replaced: it is ours, or somebody said --force
    reuse     digest of an output that is known to be up to date: it is not made again, only the original removed
    """

    source: Spot
    target: Spot
    name: str
    relative: str = ""
    root: int = 0
    stamp: Stamp = _UNKNOWN
    replace: bool = False
    reuse: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as it travels and as JSON shows it: the name of its class, its sentence, its exit code."""

    type: str
    message: str
    exit_code: int

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The particulars of an error; what is not ours is a bug and has exit code 1."""
        if isinstance(error, CalotypeError):
            return cls(type(error).__name__, str(error), error.exit_code)
        if isinstance(error, MemoryError):
            return cls("MemoryError", "there is not enough memory for this picture; use fewer --jobs", 7)
        return cls(type(error).__name__, f"unexpected {type(error).__name__}: {error}; this is a bug", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file.

        status    _UNKNOWN = Stamp(0, 0)
    DONE, FAILED, UP_TO_DATE (the manifest says so), EXISTS (--skip-existing), PLANNED (--dry-run)
        mtime_ns  of the source when it was read; 0 where its store does not say
        digest    of the output, hexadecimal
        removed   the original is gone
        worker    process that did it
    """

    source: str
    target: str
    name: str = ""
    relative: str = ""
    root: int = 0
    status: str = DONE
    source_bytes: int = 0
    mtime_ns: int = 0
    target_bytes: int = 0
    digest: str = ""
    width_px: int = 0
    height_px: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    removed: bool = False
    error: Failure | None = None
    worker: int = 0


def without_work(job: Job, status: str, output: Stamp | None = None) -> Outcome:
    """The outcome of a job that nobody had to do."""
    return Outcome(
        source=str(job.source),
        target=str(job.target),
        name=job.name,
        relative=job.relative,
        root=job.root,
        status=status,
        source_bytes=job.stamp.size,
        mtime_ns=job.stamp.mtime_ns,
        target_bytes=output.size if output else 0,
    )


def failed(job: Job, error: BaseException | Failure, **more: Any) -> Outcome:
    """The outcome of a job that raised this."""
    failure = error if isinstance(error, Failure) else Failure.of(error)
    return Outcome(
        source=str(job.source),
        target=str(job.target),
        name=job.name,
        relative=job.relative,
        root=job.root,
        status=FAILED,
        source_bytes=job.stamp.size,
        error=failure,
        **more,
    )

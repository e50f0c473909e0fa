"""One file of a run, wherever a worker is: read, converted, written whole; and originals that may go are checked first."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from calotype.batch import one, places
from calotype.batch.one import Coded
from calotype.batch.outcomes import Job, Outcome, Task, failed
from calotype.errors import CorruptError, FileError

__all__ = ["digest_of", "perform"]


def digest_of(data: bytes) -> str:
    """What stands for the content of an output in the manifest: 32 hexadecimal digits of BLAKE2b."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def perform(task: Task, job: Job) -> Outcome:
    """Do one job. Never raises for what is wrong with a file, a store or the code: the outcome says it."""
    begun = time.monotonic()
    try:
        # Pillow and others warn about files; that is talk, and belongs to the file it is about.
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("default")
            outcome = _performed(task, job)
        talk = tuple(dict.fromkeys(str(warning.message) for warning in said))
        return replace(outcome, notes=outcome.notes + talk, seconds=time.monotonic() - begun, worker=os.getpid())
    except Exception as error:
        return failed(job, error, seconds=time.monotonic() - begun, worker=os.getpid())


def _performed(task: Task, job: Job) -> Outcome:
    before = places.stamp(job.source)  # before it is read: a change meanwhile is found by the next run
    if before is None:
        raise FileError(job.source, "not found")
    data = places.read(job.source)
    known = places.read(job.target) if job.reuse else b""
    reused = bool(job.reuse) and digest_of(known) == job.reuse
    if reused:
        coded = Coded(data=known, width_px=0, height_px=0)
    else:
        coded = task.convert(data, task.settings)
        kept_ns = before.mtime_ns if task.keep_mtime and before.mtime_ns else None
        places.write(job.target, coded.data, replace=job.replace, mark=task.mark, modified_ns=kept_ns)
    notes, removed = coded.notes, False
    if task.remove:
        kept = _reason_to_keep(task, job, data, coded)
        if not kept:
            places.remove(job.source)
            removed = True
        else:
            notes += (f"the original is kept: {kept}",)
    return Outcome(
        source=str(job.source),
        target=str(job.target),
        name=job.name,
        relative=job.relative,
        root=job.root,
        source_bytes=before.size,
        mtime_ns=before.mtime_ns,
        target_bytes=len(coded.data),
        digest=digest_of(coded.data),
        width_px=coded.width_px,
        height_px=coded.height_px,
        notes=notes,
        removed=removed,
    )


def _reason_to_keep(task: Task, job: Job, data: bytes, coded: Coded) -> str:
    """Why an original must stay though its output is written; "" if it may go.

    raises   CorruptError if the output, read again, does not decode to the picture; it is removed then
    """
    if not job.source.store and Path(job.source.path).is_symlink():
        return "it is a link"
    try:
        left_out = _check(task, data, places.read(job.target), coded)
    except Exception:
        places.remove(job.target)
        raise
    if left_out or coded.left_out:
        return "; ".join(left_out or coded.left_out)
    if places.read(job.source) != data:
        return "it has changed meanwhile"
    return ""


def _check(task: Task, data: bytes, written: bytes, coded: Coded) -> tuple[str, ...]:
    """Raise unless a .calo file as it lies in its folder is the one that was made, and shows the picture.

    That a lossy file is *good* was its encoder's business. Here: it is whole, it decodes, it has the picture's size and
    metadata, and where anything can be seen, it is nearer to the original than one flat colour would be.

    returns   what the original said and a .calo file has no place for
    """
    from calotype import codec

    if written != coded.data:
        raise CorruptError("the output", found="other bytes than were written", expected="the same")
    original = one.picture_of(data, task.settings)
    decoded = codec.decode(written, limits=one.limits_of(max(original.pixels.size, 1)))
    for name in ("exif", "icc", "xmp"):
        if getattr(decoded, name) != getattr(original, name):
            raise CorruptError(f"the output's {name.upper()}", found="other bytes", expected="those of the original")
    first, second = original.pixels, decoded.pixels
    if first.shape != second.shape or first.dtype != second.dtype:
        raise CorruptError("the output", found=f"samples {second.shape}", expected=f"samples {first.shape}")
    if task.settings.get("lossless") and not np.array_equal(first, second):
        raise CorruptError("the output", found="other samples", expected="those of the original, exactly")
    seen = (first[..., -1:] > 0) if first.ndim == 3 and first.shape[2] in (2, 4) else np.ones_like(first[..., :1], bool)
    first, second = (np.where(seen, samples, 0).astype(np.float32) for samples in (first, second))
    flat = float(first.var(axis=(0, 1)).mean())
    error = float(((first - second) ** 2).mean())
    if error > 1.1 * flat + 100:
        raise CorruptError("the output", found=f"a mean squared error of {error:.0f}", expected=f"below {flat:.0f}")
    return original.left_out

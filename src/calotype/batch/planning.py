"""What a run is going to do, found out before anything is written: files, names of outputs, and what is up to date."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from calotype.batch import finding, manifest, naming, one, places
from calotype.batch.finding import Found, Kind
from calotype.batch.outcomes import EXISTS, FAILED, UP_TO_DATE, Failure, Job, Outcome, Task, failed, without_work
from calotype.batch.places import Spot, Stamp
from calotype.batch.run import Run
from calotype.errors import CalotypeError, FileError, TargetExists, UsageError

__all__ = ["Request", "plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody wants done.

    verb           "encode" or "decode"
    sources        words: files, folders, patterns, addresses
    output         a folder or, for one file, a file; None for beside the source
    settings       options by name, see one.py
    force          replace outputs that are not ours, and do again what is up to date
    skip_existing  leave outputs that exist as they are, whoever made them
    replace        remove originals, each after its output was read again, decoded and compared
    keep_suffix    a.png becomes a.png.calo
    keep_mtime     outputs get their source's time of change
    dry            plan only; nothing is written, not even a folder
    kind, convert, suffix   in place of the verb's own: what to look for, what to do with it, how outputs end
    """

    verb: str
    sources: Sequence[str]
    output: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    force: bool = False
    skip_existing: bool = False
    replace: bool = False
    keep_suffix: bool = False
    keep_mtime: bool = True
    dry: bool = False
    kind: Kind | None = None
    convert: Callable[[bytes, Mapping[str, Any]], one.Coded] | None = None
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class _Root:
    """A folder of outputs, and whether it keeps a manifest: not for single files that somebody named."""

    place: Spot
    kept: bool


def plan(request: Request) -> Run:
    """Find the files, name their outputs, and see what is to be done. Nothing is written; manifests are locked.

    raises   UsageError (names that collide, options that contradict each other, nothing found), ModelError, FileError
             (an output that can't be, a manifest that another run holds). What is wrong with single files is an
             outcome of the run.
    """
    if request.replace and (request.verb != "encode" or request.output is not None):
        allowed = "`calotype encode` without -o: each .calo file takes the place of its original"
        raise UsageError("--replace", value="this run", allowed=allowed)
    if request.force and request.skip_existing:
        raise UsageError("--skip-existing", value="--force besides", allowed="one of the two")
    kind = request.kind or (finding.pictures() if request.verb == "encode" else finding.coded_pictures())
    search = finding.search(request.sources, kind)
    if not search.found and not search.failures:
        said = ", ".join(finding.words_of(search.left))
        error = UsageError("IN", value=" ".join(request.sources), allowed="inputs")
        error.args = (
            f"nothing to {request.verb} in {' '.join(request.sources)}" + (f"; it has {said}" if said else ""),
        )
        raise error
    run = Run(
        task=Task(
            convert=request.convert or (one.encode_bytes if request.verb == "encode" else one.decode_bytes),
            settings=request.settings,
            mark=secrets.token_hex(4) + "x",
            keep_mtime=request.keep_mtime,
            remove=request.replace,
        ),
        digest=manifest.settings_digest(request.verb, _telling(request)),
        dry=request.dry,
        ready=[_unfound(word, error) for word, error in search.failures],
        left=search.left,
    )
    roots, jobs = _jobs(request, search.found)
    example = "a.png becomes a.png.calo" if request.verb == "encode" else "a.jpg.calo becomes a.jpg.png"
    way_out = f"with --keep-suffix {example}; or choose inputs one by one"
    jobs, run.notes = naming.check(jobs, [root.place for root in roots], way_out)
    try:
        for number, root in enumerate(roots):
            if root.kept:
                run.manifests[number] = manifest.open_for(root.place, write=not request.dry, mark=run.task.mark)
        listed = {number: places.listed(root.place) for number, root in enumerate(roots)}
        for job in jobs:
            _sort_in(run, request, job, listed[job.root])
    except BaseException:
        run.close()
        raise
    return run


def _sort_in(run: Run, request: Request, job: Job, listed: Mapping[str, Stamp] | None) -> None:
    """Put a job where it belongs: to the work, or to what needs none."""
    known = run.manifests.get(job.root)
    try:
        output = places.stamp(job.target) if listed is None else listed.get(job.target.path)
    except CalotypeError as error:
        run.ready.append(failed(job, error))
        return
    entry = known.up_to_date(job.name, job.stamp, run.digest, output) if known and not request.force else None
    if entry and request.replace:
        run.jobs.append(_with(job, replace=True, reuse=entry.output_hash))
    elif entry:
        run.ready.append(without_work(job, UP_TO_DATE, output))
    elif output is None:
        run.jobs.append(job)
    elif request.skip_existing:
        run.ready.append(without_work(job, EXISTS, output))
    elif request.force or (known and known.ours(job.name)):
        run.jobs.append(_with(job, replace=True))
    else:
        run.ready.append(failed(job, TargetExists(job.target)))


def _with(job: Job, *, replace: bool, reuse: str = "") -> Job:
    return Job(
        source=job.source,
        target=job.target,
        name=job.name,
        relative=job.relative,
        root=job.root,
        stamp=job.stamp,
        replace=replace,
        reuse=reuse,
    )


def _jobs(request: Request, found: Sequence[Found]) -> tuple[list[_Root], list[Job]]:
    """Every file with its output, and the folders of outputs."""
    folder, file = _output(request, found)
    roots: dict[_Root, int] = {}
    jobs = []
    for item in found:
        if file is not None:
            root, name = _Root(_parent(file), False), PurePosixPath(Path(file.path).as_posix()).name
        else:
            root = _Root(item.root, not item.named) if folder is None else _Root(folder, True)
            name = _name(request, item.relative)
        number = roots.setdefault(root, len(roots))
        target = places.inside(root.place, name)
        jobs.append(
            Job(source=item.source, target=target, name=name, relative=item.relative, root=number, stamp=item.stamp)
        )
    return list(roots), jobs


def _output(request: Request, found: Sequence[Found]) -> tuple[Spot | None, Spot | None]:
    """The folder of outputs, or the one output file, or neither (beside the sources).

    raises   FileError for a file where a folder should be
    """
    word = request.output
    if word is None:
        return None, None
    place = places.spot(word)
    if place.store:
        from calotype.batch import buckets

        buckets.check_writable(place)
    one_file = len(request.sources) == 1 and (not found or (found[0].named and len(found) == 1))
    # s3://bucket/folder is a folder, and s3://bucket/a.calo a file: nothing but its suffix tells.
    named = not place.store or place.path.lower().endswith(_suffixes(request))
    if one_file and named and not word.endswith("/") and not (place.path and places.is_folder(place)):
        return None, place
    if not place.store and not Path(place.path).is_dir():
        if Path(place.path).exists():
            raise FileError(word, "is a file; several outputs need a folder (-o DIR)")
        if word.lower().endswith(_suffixes(request)):
            raise FileError(word, f"is a name for one file, and these are several; a folder of that name is {word}/")
    return Spot(place.store, place.path.rstrip("/") or place.path), None


def _suffixes(request: Request) -> tuple[str, ...]:
    from calotype import formats

    return (naming.CODED,) if request.verb == "encode" else formats.SUFFIXES


def _name(request: Request, relative: str) -> str:
    if request.suffix:
        path = PurePosixPath(relative)
        return str(
            path.with_name(path.name + request.suffix) if request.keep_suffix else path.with_suffix(request.suffix)
        )
    if request.verb == "encode":
        return naming.coded_name(relative, keep_suffix=request.keep_suffix)
    from calotype import formats

    suffix = request.settings.get("suffix") or ".png"
    return naming.picture_name(relative, suffix, keep_suffix=request.keep_suffix, known=formats.SUFFIXES)


def _parent(file: Spot) -> Spot:
    if file.store:
        return Spot(file.store, file.path.rpartition("/")[0])
    return Spot("", str(Path(file.path).parent))


def _telling(request: Request) -> dict[str, Any]:
    """The settings, with the identity of the model for its name: another model of that name is another setting."""
    settings = dict(request.settings)
    if request.verb == "encode" and request.convert is None and not settings.get("lossless"):
        from calotype.model import store

        settings["model"] = store.find(settings.get("model") or "swift").identity.hex()
    return settings


def _unfound(word: str, error: CalotypeError) -> Outcome:
    return Outcome(source=word, target="", status=FAILED, error=Failure.of(error))

"""Names of outputs, and which of them collide: on this file system, and on those of other people. Reads no pictures."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from calotype.batch.outcomes import Job
from calotype.batch.places import Spot
from calotype.errors import UsageError

__all__ = ["CODED", "check", "coded_name", "picture_name"]

CODED = ".calo"
_SHOWN = 5


def coded_name(relative: str, *, keep_suffix: bool) -> str:
    """a/b.png -> a/b.calo, or a/b.png.calo where suffixes are kept."""
    path = PurePosixPath(relative)
    return str(path.with_name(path.name + CODED) if keep_suffix else path.with_suffix(CODED))


def picture_name(relative: str, suffix: str, *, keep_suffix: bool, known: Iterable[str]) -> str:
    """a/b.calo -> a/b.png, and b.jpg.calo too: its first suffix goes (or stays, where suffixes are kept: b.jpg.png)."""
    path = PurePosixPath(relative)
    bare = PurePosixPath(path.with_suffix("").name if path.suffix.lower() == CODED else path.name)
    if not keep_suffix and path.suffix.lower() == CODED and bare.suffix.lower() in set(known):
        bare = PurePosixPath(bare.stem)
    return str(path.with_name(bare.name + suffix))


def check(jobs: Sequence[Job], roots: Sequence[Spot], way_out: str) -> tuple[list[Job], tuple[str, ...]]:
    """Raise if two outputs would have one name; say where they would on other file systems.

    roots     folders of outputs, to which Job.root is an index
    returns   the jobs, those of one source and one output once, and notes
    raises    UsageError naming up to five collisions and the way out
    """
    same: dict[tuple[str, str], list[Job]] = defaultdict(list)
    alike: dict[tuple[str, str], set[str]] = defaultdict(set)
    where = [root.store or str(Path(root.path).absolute()) for root in roots]
    for job in jobs:
        known = same[where[job.root], job.name]
        if all(_identity(job.source) != _identity(other.source) for other in known):
            known.append(job)
        alike[where[job.root], _folded(job.name)].add(job.name)
    clashes = [(name, ones) for (_, name), ones in same.items() if len(ones) > 1]
    places = dict(zip(where, roots, strict=True))
    apart, answers = [], dict[str, bool]()
    for (place, _), names in alike.items():
        if len(names) < 2:
            continue
        if place not in answers:
            answers[place] = tells_apart(places[place])
        if answers[place]:
            apart.append(sorted(names))
        else:
            clashes.append((sorted(names)[0], [same[place, name][0] for name in sorted(names)]))
    if clashes:
        shown = "; ".join(
            f"{' and '.join(str(one.source) for one in ones[:3])} would {'both' if len(ones) == 2 else 'all'} be {name}"
            for name, ones in clashes[:_SHOWN]
        )
        more = f"; and {len(clashes) - _SHOWN:,} more" if len(clashes) > _SHOWN else ""
        error = UsageError("names of outputs", value=shown + more, allowed="a name for each")
        error.args = (f"several inputs would become one file, and nothing was written: {shown}{more}; {way_out}",)
        raise error
    notes = ()
    if apart:
        example = " and ".join(apart[0])
        notes = (f"{len(apart):,} outputs share a name on Windows and macOS, though not here (such as {example})",)
    return [ones[0] for ones in same.values()], notes


def tells_apart(root: Spot) -> bool:
    """Whether names that differ in case, or in how an accent is composed, are two names in this folder."""
    if root.store:
        return True
    folder = Path(root.path).absolute()
    while not folder.is_dir():
        folder = folder.parent
    try:
        with tempfile.NamedTemporaryFile(prefix=".calotype-e\u0301-", suffix="-case", dir=folder) as file:
            path = Path(file.name)
            other = path.with_name(unicodedata.normalize("NFC", path.name).replace("-case", "-CASE"))
            composed = path.with_name(unicodedata.normalize("NFC", path.name))
            return not (os.path.lexists(other) or os.path.lexists(path.with_name(path.name.upper()))) and not (
                composed.name != path.name and os.path.lexists(composed)
            )
    except OSError:
        return True  # nothing can be written there, which is going to be said


def _identity(place: Spot) -> Spot:
    return place if place.store else Spot("", os.path.abspath(place.path))  # noqa: PTH100 (links stay links)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())

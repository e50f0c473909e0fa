"""A run over many pictures, as planning.py laid it out: done by an engine, and recorded file by file.

The order of things is what survives a kill: an output is announced in the manifest, appears whole, is recorded. So the
next run knows what is finished, what may be replaced, and what was there before us and is not ours to touch.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from calotype import writing
from calotype.batch import places, pool
from calotype.batch.manifest import Manifest
from calotype.batch.outcomes import DONE, FAILED, PLANNED, Job, Outcome, Task, without_work

__all__ = ["Engine", "Run"]

# Task and jobs in, outcomes out in any order; closing the iterator stops the work.
Engine: TypeAlias = Callable[[Task, Iterator[Job]], Iterator[Outcome]]
AHEAD = 64  # announced at once in stores, where each announcement is an upload


@dataclass(slots=True)
class Run:
    """A planned run. Hold it with `with`, so that manifests are closed whatever happens; iterate `do` once.

    digest     of the settings, as the manifest keeps it
    manifests  by root of outputs; a root without one keeps no account
    ready      outcomes that need no work: up to date, existing, failed before they began
    jobs       the work
    notes      what people should know before
    left       what was passed over in folders, counted by suffix or reason
    """

    task: Task
    digest: str
    dry: bool = False
    manifests: dict[int, Manifest] = field(default_factory=dict)
    ready: list[Outcome] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    left: Counter[str] = field(default_factory=Counter)
    _untidy: bool = False

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def total(self) -> int:
        """Files of this run, those included that need no work."""
        return len(self.ready) + len(self.jobs)

    def do(self, engine: Engine | None = None) -> Generator[Outcome, None, None]:
        """Every outcome as it comes. Close the iterator to stop: what is finished stays, what is not leaves nothing.

        engine   `usual_engine()` by default
        """
        yield from self.ready
        if self.dry:
            yield from (without_work(job, PLANNED) for job in self.jobs)
            return
        self._clean()
        self._untidy = bool(self.jobs)
        outcomes = (engine or self.usual_engine())(self.task, self._announced())
        deaths = 0
        try:
            for outcome in outcomes:
                self._record(outcome)
                deaths += outcome.error is not None and outcome.error.type == "WorkerDied"
                yield outcome
            self._untidy = deaths > 0
        finally:
            close = getattr(outcomes, "close", None)
            if close:
                close()  # now, not when somebody collects it: processes end before temporary files are removed

    def usual_engine(self, jobs: int | None = None) -> Engine:
        """This process or several; one where a store belongs to this process, and for very few files."""
        if any(places.is_private(place) for job in self.jobs[:1] for place in (job.source, job.target)):
            return pool.alone
        count = min(jobs or pool.usual_jobs(len(self.jobs)), max(1, len(self.jobs)))
        if count == 1:
            return pool.alone
        threads = self.task.settings.get("threads") or max(1, pool.processors() // count)
        told = {**self.task.settings, "threads": threads}
        return lambda task, work: pool.together(replace(task, settings=told), work, count)

    def close(self) -> None:
        """Remove what killed workers left, and put the manifests in order."""
        held, self.manifests = self.manifests, {}
        for known in held.values():
            if not self.dry:
                if self._untidy:
                    _remove_leftovers(known.root, {self.task.mark})
                known.close()

    def _clean(self) -> None:
        """Remove the temporary files of runs that were killed. They are dead: we hold the lock that they held."""
        for known in self.manifests.values():
            if known.dead:
                _remove_leftovers(known.root, known.dead)

    def _announced(self) -> Iterator[Job]:
        """The jobs, each announced in its manifest before a worker gets it."""
        announced: dict[int, int] = {}
        for number, job in enumerate(self.jobs):
            known = self.manifests.get(job.root)
            if known is not None and number >= announced.get(job.root, 0):
                end = number + (AHEAD if known.root.store else 1)
                known.begin([other.name for other in self.jobs[number:end] if other.root == job.root])
                announced[job.root] = end
            yield job

    def _record(self, outcome: Outcome) -> None:
        known = self.manifests.get(outcome.root)
        if known is None:
            return
        if outcome.status == DONE:
            known.done(outcome, self.digest)
        elif outcome.status == FAILED and outcome.error and outcome.error.type != "WorkerDied":
            known.spared(outcome.name)


def _remove_leftovers(root: places.Spot, marks: set[str]) -> None:
    if root.store:
        found = [path for path in places.listed(root) or {} if path.endswith(".part")]
        for path in found:
            if any(path.endswith(f".{mark}.part") for mark in marks):
                places.remove(places.Spot(root.store, path))
        return
    for folder, _, names in os.walk(root.path):
        if any(name.endswith(".part") for name in names):
            for part in writing.leftovers(Path(folder), marks):
                part.unlink(missing_ok=True)

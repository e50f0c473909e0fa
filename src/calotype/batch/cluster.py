"""The same run on a Ray cluster: jobs travel as paths, workers read and write where the paths lead. Nothing else changes.

Every machine must see the same paths (a shared file system) or addresses (a bucket), and have Calotype installed. The
manifest stays with the process that started the run: a cluster that dies loses the files it had in work, no others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from calotype.batch.outcomes import Failure, Job, Outcome, Task, failed
from calotype.batch.work import perform
from calotype.errors import ExtraMissing, FileError

__all__ = ["engine"]

TRIES = 4  # a file that ends so many workers ends no more of them
AHEAD = 2  # jobs for each processor of the cluster, so that none waits for the next


def engine(address: str | None = None, jobs: int | None = None) -> Callable[[Task, Iterator[Job]], Iterator[Outcome]]:
    """An engine for Run.do.

    address   of a cluster ("auto", "ray://host:10001", "host:6379"); a cluster of this machine's processors where left out
    jobs      files at once, all processors of the cluster by default
    raises    ExtraMissing without ray, FileError where no cluster answers
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ExtraMissing("--engine ray", package="ray", extra="ray") from None
    joined = not ray.is_initialized()
    if joined:
        try:
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:
            raise FileError(address or "ray", f"no cluster answers: {error}") from error

    def run(task: Task, work: Iterator[Job]) -> Iterator[Outcome]:
        try:
            yield from _run(ray, task, work, jobs)
        finally:
            if joined:
                ray.shutdown()

    return run


def _run(ray: Any, task: Task, work: Iterator[Job], jobs: int | None) -> Iterator[Outcome]:
    threads = task.settings.get("threads") or 1
    task = replace(task, settings={**task.settings, "threads": threads})
    # No retries of Ray's own: a job that is done again must be allowed to replace what its first try has written.
    remote = ray.remote(num_cpus=threads, max_retries=0)(perform)
    told = ray.put(task)
    running: dict[Any, tuple[Job, int]] = {}
    again: list[tuple[Job, int]] = []
    waiting = next(work, None)
    try:
        while waiting is not None or again or running:
            most = jobs or max(1, AHEAD * int(ray.cluster_resources().get("CPU", 1)) // threads)
            while len(running) < most and (again or waiting is not None):
                if again:
                    job, tries = again.pop()
                else:
                    assert waiting is not None
                    job, tries = waiting, 1
                    waiting = next(work, None)
                running[remote.remote(told, job)] = (job, tries)
            finished, _ = ray.wait(list(running), num_returns=1, timeout=10)
            for reference in finished:
                job, tries = running.pop(reference)
                try:
                    yield ray.get(reference)
                except (ray.exceptions.RayError, OSError) as error:
                    # A worker or its machine has died. Announced as ours, the output may be there or not.
                    if tries < TRIES:
                        again.append((replace(job, replace=True), tries + 1))
                    else:
                        said = f"{tries} workers died over it: {type(error).__name__}"
                        yield failed(job, Failure("WorkerDied", said, 1))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)

"""Who does the work on one machine: this process, or several that are fed through pipes. Knows no pictures.

Not concurrent.futures: there a process that is killed (out of memory, say) takes all others' work with it, and nobody
knows which file it had. Here each process has one file at a time, and a death fails that file only.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing import connection
from typing import Any, NamedTuple

from calotype.batch.outcomes import Failure, Job, Outcome, Task, failed
from calotype.batch.work import perform

__all__ = ["alone", "processors", "together", "usual_jobs"]

BYTES_A_JOB = 600 * 2**20  # what an encoder of one large picture takes, measured in docs/speed.md
FEW = 3  # below so many files, processes take longer to start than they save
SECONDS_TO_END = 5.0


def processors() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_jobs(files: int) -> int:
    """How many files at once if nobody says: one a processor, while memory lasts."""
    if files < FEW:
        return 1
    return max(1, min(processors(), files, _free_bytes() // BYTES_A_JOB))


def _free_bytes() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 2**40


def alone(task: Task, jobs: Iterator[Job]) -> Iterator[Outcome]:
    """One job after the other, in this process."""
    for job in jobs:
        yield perform(task, job)


class _Worker(NamedTuple):
    process: Any
    pipe: Any


def together(task: Task, jobs: Iterator[Job], count: int) -> Iterator[Outcome]:
    """Jobs in `count` processes, each outcome as soon as it is there. Closing the iterator ends the processes."""
    workers: dict[Any, _Worker] = {}
    busy: dict[Any, Job] = {}
    idle: list[Any] = []
    try:
        waiting = next(jobs, None)
        while waiting is not None or busy:
            while waiting is not None and len(busy) < count:
                if idle:
                    pipe = idle.pop()
                else:
                    worker = _started(task)
                    workers[worker.pipe] = worker
                    pipe = worker.pipe
                job, waiting = waiting, None
                busy[pipe] = job
                with contextlib.suppress(OSError):  # dead already; recv below says so
                    pipe.send(job)
                waiting = next(jobs, None)
            for pipe in _ready(list(busy)):
                job = busy.pop(pipe)
                try:
                    outcome = pipe.recv()
                except (EOFError, OSError):
                    worker = workers.pop(pipe)
                    worker.process.join()
                    yield failed(job, _death(worker.process.exitcode))
                else:
                    idle.append(pipe)
                    yield outcome
    finally:
        _end(list(workers.values()))


def _ready(pipes: list[Any]) -> list[Any]:
    """Those of them that have something to say, if only that their other end is gone."""
    return list(connection.wait(pipes))


def _death(code: int | None) -> Failure:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        hint = "; probably out of memory: use fewer --jobs" if name == "SIGKILL" else ""
        return Failure("WorkerDied", f"the process that worked on it was ended by {name}{hint}", 7 if hint else 1)
    return Failure("WorkerDied", f"the process that worked on it ended with code {code}", 1)


def _started(task: Task) -> _Worker:
    """A new process. Not a fork: threads and the networks' runtime do not survive one."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(task, there), daemon=True)
    with _deaf():
        process.start()
    there.close()
    return _Worker(process, here)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C, which a terminal sends to all: this process ends them in good order."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(workers: list[_Worker]) -> None:
    """Idle processes end as their pipe closes, busy ones are told to: their temporary files go with them."""
    for worker in workers:
        worker.pipe.close()
        worker.process.terminate()
    for worker in workers:
        worker.process.join(SECONDS_TO_END)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _serve(task: Task, pipe: Any) -> None:
    """The life of a process: a job comes, an outcome goes, until nobody is there any more."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    threading.Thread(target=_die_with_parent, daemon=True).start()
    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(perform(task, job))


def _die_with_parent() -> None:
    """A killed run must leave nobody who goes on writing: the next run would meet them."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)

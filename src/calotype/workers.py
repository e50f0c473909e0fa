"""A pool of threads with two queues: what others wait for goes before what fills the time. No codec lives here."""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from calotype.errors import UsageError

__all__ = ["Workers", "count_of", "working"]

_SOON, _LATER, _NEVER = 0, 1, 2


class Workers(Executor):
    """Threads that run what was submitted, in order; what went through `later` only when nothing else waits.

    Rows of networks are waited for by a walk, windows by nobody: with one queue a walk would stand behind windows, and
    with windows at the end the threads would idle while the walk decodes entropy codes.
    """

    def __init__(self, count: int) -> None:
        self._queue: queue.PriorityQueue[Any] = queue.PriorityQueue()
        self._number = itertools.count()
        self._closed = False
        self.count = count
        self.later: Executor = _Later(self)
        self._threads = [threading.Thread(target=self._work, name=f"calotype-{k}", daemon=True) for k in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._put(_SOON, fn, args, kwargs)

    def _put(self, rank: int, fn: Callable[..., Any], args: Any, kwargs: Any) -> Future[Any]:
        if self._closed:
            raise RuntimeError("the pool is closed")
        future: Future[Any] = Future()
        self._queue.put((rank, next(self._number), future, fn, args, kwargs))
        return future

    def _work(self) -> None:
        while True:
            rank, _, future, fn, args, kwargs = self._queue.get()
            if rank == _NEVER:
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = fn(*args, **kwargs)
            except BaseException as exc:  # whoever waits for the future gets it, as with any executor
                future.set_exception(exc)
            else:
                future.set_result(result)
            del future, fn, args, kwargs  # an idle thread must keep no arrays alive
            result = None

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As of any executor; what is not cancelled is still run."""
        if cancel_futures:
            with suppress(queue.Empty):
                while True:
                    future = self._queue.get_nowait()[2]
                    if future is not None:
                        future.cancel()
        if not self._closed or cancel_futures:
            for _ in self._threads:
                self._queue.put((_NEVER, next(self._number), None, None, None, None))
        self._closed = True
        if wait:
            for thread in self._threads:
                thread.join()


class _Later(Executor):
    """The same threads, after everything else."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._workers._put(_LATER, fn, args, kwargs)


def count_of(threads: int | None) -> int:
    """How many threads are meant: None is as many as this process may use. Raises UsageError below 1."""
    if threads is not None and threads < 1:
        raise UsageError("threads", value=threads, allowed="1 and above")
    if threads is not None:
        return threads
    # The processors that this process may use, where the system tells.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def working(threads: int | None, walks: int = 1) -> Iterator[tuple[Workers | None, Executor | None]]:
    """A pool for rows and windows, and one of threads that walk batches; None twice for one thread in all."""
    count = count_of(threads)
    if count == 1:
        yield None, None
        return
    pool, walker = Workers(count), ThreadPoolExecutor(walks, thread_name_prefix="calotype-walk")
    try:
        yield pool, walker
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # first, so that a walk which nobody waits for ends early
        walker.shutdown(wait=True, cancel_futures=True)
        pool.shutdown(wait=True)

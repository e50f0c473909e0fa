"""The pool with two queues: what others wait for goes first, errors arrive, closing leaves no thread."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError

import pytest

from calotype.workers import Workers


def test_later_waits_for_everything_else():
    pool, gate, order = Workers(1), threading.Event(), []
    pool.submit(gate.wait)
    slow = [pool.later.submit(order.append, name) for name in "cd"]
    soon = [pool.submit(order.append, name) for name in "ab"]
    gate.set()
    for future in slow + soon:
        future.result(10)
    pool.shutdown()
    assert order == ["a", "b", "c", "d"]


def test_errors_arrive_and_the_pool_lives_on():
    pool = Workers(2)
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(10)
    assert list(pool.map(abs, (-1, 2))) == [1, 2]
    pool.shutdown()


def test_closing_drops_what_was_not_begun():
    pool, gate, begun, before = Workers(1), threading.Event(), threading.Event(), threading.active_count()
    running = pool.submit(lambda: begun.set() or gate.wait(10))
    begun.wait(10)
    waiting = pool.submit(abs, -1)
    pool.shutdown(wait=False, cancel_futures=True)
    gate.set()
    pool.shutdown(wait=True)
    assert running.result(10) and threading.active_count() == before - 1
    with pytest.raises(CancelledError):
        waiting.result(10)
    with pytest.raises(RuntimeError):
        pool.submit(abs, -1)

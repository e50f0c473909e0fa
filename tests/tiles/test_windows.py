"""Windows run in order, bounded in number, with equal results on any number of threads; failures reach the caller."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from calotype import pyramid, windows
from calotype.errors import UsageError
from calotype.tiles import Region, windows_of


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_order(threads):
    def slow_when_even(item):
        time.sleep(0.002 * (item % 2 == 0))
        return item * item

    assert list(windows.run(slow_when_even, range(20), threads=threads)) == [(k, k * k) for k in range(20)]


def test_few_are_in_flight():
    """No more than `in_flight` items are begun and not yet taken, however slow the taker is."""
    begun = []
    results = windows.run(begun.append, range(50), threads=2, in_flight=3)
    for taken, _ in enumerate(results):
        time.sleep(0.001)
        assert len(begun) <= taken + 3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("threads", [1, 2])
def test_failures_of_the_function_reach_the_caller(threads, error):
    """The error of the earliest window arrives, after the results before it; nothing keeps running."""

    def fail_at_five(item):
        if item == 5:
            raise error("five")
        return item

    taken = []
    with pytest.raises(error, match="five"):
        for item, _ in windows.run(fail_at_five, range(1000), threads=threads):
            taken.append(item)
    assert taken == [0, 1, 2, 3, 4]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("calotype")]


@pytest.mark.parametrize("threads", [1, 2])
def test_failures_of_the_items_reach_the_caller(threads):
    """Items may decode tiles: what that raises, Ctrl-C included, ends the run."""

    def items():
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(windows.run(str, items(), threads=threads))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("calotype")]


def test_a_closed_run_stops():
    begun = []
    results = windows.run(begun.append, range(1000), threads=2)
    next(results)
    results.close()
    assert len(begun) <= 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("calotype")]


def test_a_given_pool_is_left_running():
    with ThreadPoolExecutor(2) as pool:
        assert [result for _, result in windows.run(str, range(5), pool=pool)] == list("01234")
        assert pool.submit(int, "7").result() == 7


def test_no_threads_are_refused():
    for wrong in ({"threads": 0}, {"in_flight": 0}):
        with pytest.raises(UsageError):
            windows.run(str, [], **wrong)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("keep_bytes", [0, 2**27])
@pytest.mark.parametrize(("levels", "fine"), [(6, 3), (6, 6), (3, 3), (2, 3), (4, 1)])
def test_analysis_of_windows_is_analysis(levels, fine, threads, keep_bytes):
    """Coarse levels once, fine ones by windows, kept or not: bit-equal with the pyramid of the whole picture."""
    planes = np.random.default_rng(1).normal(0, 1, (3, 192, 320)).astype(np.float32)
    whole = pyramid.analyse(planes, levels)

    def load(region, out):
        np.copyto(out, planes[:, region.rows, region.cols])

    options = {"fine": fine, "side_px": 100, "threads": threads, "keep_bytes": keep_bytes}
    analysis = windows.Analysis(load, (192, 320), levels, **options)
    for window in windows_of(Region(0, 192, 0, 320), 128, 64):
        found = analysis.bands(window)
        assert found.keys() == whole.keys()
        for name, band in found.items():
            region = window.over(1 << (levels if name == "ll" else int(name[1:])))
            assert np.array_equal(band, whole[name][:, region.rows, region.cols]), name

"""Windows of a picture: running over them on a pool of threads, in order and in bounded memory; analysis by windows.

What happens inside a window lives in pyramid.py and in the networks; which windows there are, in tiles.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from calotype import pyramid
from calotype.errors import UsageError
from calotype.pyramid import LoadPixels
from calotype.tiles import Region, windows_of

__all__ = ["Analysis", "run"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def run(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int = 1,
    pool: Executor | None = None,
    in_flight: int | None = None,
) -> Generator[tuple[Item, Result], None, None]:
    """Yield (item, function(item)) in order, with at most `in_flight` items begun and not yet taken.

    items       consumed lazily on the calling thread, which may decode tiles there while the pool is at work
    threads     1 and no pool: everything on the calling thread. The results never depend on it
    pool        used instead of threads of our own, and left running
    in_flight   bounds memory; default threads + 2

    An exception of `function` or of `items`, KeyboardInterrupt too, and closing the iterator drop what was not begun,
    wait for what was (a window's time), and go on to the caller.
    """
    if threads < 1 or (in_flight is not None and in_flight < 1):
        raise UsageError("threads, in_flight", value=(threads, in_flight), allowed="at least 1")
    if pool is None and threads == 1:
        return ((item, function(item)) for item in items)
    return _pooled(function, items, threads, pool, in_flight or threads + 2)


def _pooled(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int, pool: Executor | None, in_flight: int
) -> Generator[tuple[Item, Result], None, None]:
    own = None if pool is not None else ThreadPoolExecutor(threads, thread_name_prefix="calotype")
    executor = pool or own
    assert executor is not None
    begun: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            begun.append((item, executor.submit(function, item)))
            while begun and (len(begun) >= in_flight or begun[0][1].done()):
                taken, future = begun.popleft()
                yield taken, future.result()
        while begun:
            taken, future = begun.popleft()
            yield taken, future.result()
    finally:
        for _, future in begun:
            future.cancel()
        for _, future in begun:
            if not future.cancelled():
                future.exception()
        if own is not None:
            own.shutdown(wait=True, cancel_futures=True)


class Analysis:
    """The pyramid of a picture: `bands(window)` is bit-equal with those parts of `pyramid.analyse`.

    Coarse levels are made once for the whole picture (an eighth of its sides, little memory). The fine ones are kept,
    too, if they are small enough; otherwise they are computed again for each window that is asked for.
    """

    def __init__(
        self,
        load: LoadPixels,
        shape: tuple[int, int],
        levels: int = 6,
        *,
        planes: int = 3,
        fine: int = 3,
        side_px: int = 1024,
        threads: int = 1,
        pool: Executor | None = None,
        keep_bytes: int = 2**27,
    ) -> None:
        """
        load         planes of the padded picture, `colour.planes_of`
        shape        height and width of the padded picture: multiples of 2**levels
        fine         how many levels are computed by windows
        keep_bytes   how much memory the fine levels may take to be kept; the default is 11 megapixels of three planes
        """
        self._load, self._shape, self._levels, self._planes, self._fine = load, shape, levels, planes, min(fine, levels)
        unit = 1 << self._fine
        keep = 4 * planes * shape[0] * shape[1] <= keep_bytes
        if self._fine == levels and not keep:
            self._bands: dict[str, np.ndarray] = {}
            return
        found: dict[str, np.ndarray] = {}
        windows = windows_of(Region(0, shape[0], 0, shape[1]), max(unit, side_px // unit * unit))
        for window, pieces in run(self._finely, windows, threads=threads, pool=pool):
            for name in pieces if keep else ("low",):
                stride, piece = self._stride(name), pieces[name]
                if name not in found:
                    found[name] = np.empty((len(piece), shape[0] // stride, shape[1] // stride), np.float32)
                part = window.over(stride)
                found[name][:, part.rows, part.cols] = piece
        if self._fine < levels:
            found |= pyramid.analyse(found.pop("low"), levels, first=self._fine + 1)
        self._bands = found

    def bands(self, window: Region) -> dict[str, np.ndarray]:
        """All bands of a window with corners at multiples of 2**levels: {"l1": float32 [3 * planes, h/2, w/2], ...}.

        Many are views into what all windows share: don't write to them.
        """
        found = {} if "l1" in self._bands else self._finely(window)
        found.pop("low", None)
        for name, band in self._bands.items():
            part = window.over(self._stride(name))
            found[name] = band[:, part.rows, part.cols]
        return found

    def _finely(self, window: Region) -> dict[str, np.ndarray]:
        return pyramid.analyse_window(
            self._load, window, self._shape, self._levels, planes=self._planes, last=self._fine
        )

    def _stride(self, name: str) -> int:
        whole = {"ll": self._levels, "low": self._fine}
        return 1 << (whole[name] if name in whole else int(name[1:]))

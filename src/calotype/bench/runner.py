"""The main path of a benchmark: every picture x codec x level that is not in the report yet becomes a row of it.

Pictures come in order, a few processes measure at a time, and only this file's main thread writes.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from calotype.bench import machine
from calotype.bench.cell import said_of
from calotype.bench.pictures import pixels_of
from calotype.bench.plan import Cell, Outcome, Prepared, Settings, plan, row_of, unreadable
from calotype.bench.processes import Failed, Lane
from calotype.bench.rows import FILE, Row, Writer, key_of, read
from calotype.errors import CalotypeError

__all__ = ["run", "scratch_of"]


Listener = Callable[[Row, int, int, str], None]


def run(settings: Settings, heard: Listener = lambda row, done, total, doing: None) -> Outcome:
    """Measure what is missing.

    heard   is told every new row, how many cells are done, how many there are, and what is being measured now
    errors  FileError for the report's folder or a picture that vanished, UsageError while another run writes there;
            KeyboardInterrupt passes through, with all processes ended and all finished rows kept
    """
    outcome, known = Outcome(), read(settings.report / FILE)
    with Writer(settings.report) as writer, scratch_of(settings.report) as scratch:
        where = machine.row()
        if known.get(key_of(where)) is None:
            writer.append(where)
        planned = plan(settings, known, outcome, scratch)
        total = outcome.kept + sum(len(cells) for _, cells in planned)
        work = _Work(planned, settings.dataset)
        lanes = [
            Lane(apart=apart, log=scratch / "log", limit_s=settings.limit_s)
            for apart in (True, False)
            for _ in range(settings.jobs)
        ]
        crews = list(zip(lanes[: settings.jobs], lanes[settings.jobs :], strict=True))
        crew = [_Measurer(work, *pair, settings, where["id"], scratch / f"{i}") for i, pair in enumerate(crews)]
        try:
            for measurer in crew:
                measurer.start()
            while any(measurer.is_alive() for measurer in crew) or not work.found.empty():
                try:
                    found = work.found.get(timeout=0.2)
                except queue.Empty:
                    continue
                if isinstance(found, BaseException):
                    raise found
                if found["codec"] is None:
                    total -= work.skipped.pop(found["picture_sha256"], 0)
                    old = known.get(key_of(found))
                    if old is not None and old["error"] == found["error"]:
                        outcome.count(old, new=False)
                        continue
                writer.append(found)
                outcome.count(found, new=True)
                heard(found, outcome.kept + outcome.measured, total, work.doing())
        finally:
            for lane in lanes:
                lane.stop()
            for measurer in crew:
                if measurer.is_alive():
                    measurer.join(5)
    return outcome


@contextlib.contextmanager
def scratch_of(report: Path) -> Iterator[Path]:
    """A folder for what passes between processes; what a killed run left in it is removed first."""
    folder = report / ".scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Work:
    """What threads share: cells to take, rows that were found."""

    def __init__(self, planned: list[tuple[Prepared, list[Cell]]], dataset: str | None) -> None:
        self.found: queue.Queue[Row | BaseException] = queue.Queue()
        self.skipped: dict[str, int] = {}
        self._dataset = dataset
        self._lock, self._cells = threading.Lock(), self._each(planned)
        self._now: dict[object, Cell | None] = {}

    def take(self, who: object) -> Cell | None:
        """The next cell, or None when there is none."""
        with self._lock:
            cell = next(self._cells, None)
            self._now[who] = cell
            return cell

    def finish(self, cell: Cell) -> None:
        """Remove the pixels that nobody needs any more."""
        with self._lock:
            cell.picture.cells_left -= 1
            if not cell.picture.cells_left:
                cell.picture.pixels.unlink(missing_ok=True)

    def doing(self) -> str:
        """Which codecs are being measured."""
        return ", ".join(dict.fromkeys(cell.codec.name for cell in list(self._now.values()) if cell is not None))

    def _each(self, planned: list[tuple[Prepared, list[Cell]]]) -> Iterator[Cell]:
        """Cells picture by picture; each is read when its first cell is taken. One that can't be read is a row."""
        for picture, cells in planned:
            if not cells:
                continue
            try:
                pixels = pixels_of(picture.file)
            except (CalotypeError, MemoryError) as error:
                self.skipped[picture.sha256] = len(cells) - 1
                self.found.put(unreadable(picture, said_of(error), self._dataset))
                continue
            picture.shape = pixels.shape
            np.save(picture.pixels, pixels)
            del pixels
            yield from cells


class _Measurer(threading.Thread):
    """One thread with its two processes: a lane that measures, a lane that compares."""

    def __init__(
        self, work: _Work, measuring: Lane, comparing: Lane, settings: Settings, machine_id: str, scratch: Path
    ) -> None:
        super().__init__(daemon=True)
        self._work, self._measuring, self._comparing = work, measuring, comparing
        self._settings, self._machine_id, self._scratch = settings, machine_id, scratch

    def run(self) -> None:
        try:
            while (cell := self._work.take(self)) is not None:
                row = self._row(cell)
                if row["error"] and row["error"]["type"] == "Stopped":
                    return
                self._work.finish(cell)
                self._work.found.put(row)
        except BaseException as error:  # the main thread raises it
            self._work.found.put(error)

    def _row(self, cell: Cell) -> Row:
        row = row_of(cell, self._settings) | {"machine": self._machine_id}
        file, decoded = str(self._scratch) + ".file", str(self._scratch) + ".npy"
        pixels, threads = str(cell.picture.pixels), self._settings.threads
        height, width, _ = cell.picture.shape
        try:
            given = {"pixels": pixels, "file": file, "level": cell.level, "threads": threads}
            encoded = self._measuring.ask("encode", cell.codec.asked, **given)
            given = {"file": file, "decoded": decoded, "shape": list(cell.picture.shape), "threads": threads}
            back = self._measuring.ask("decode", cell.codec.asked, **given)
            names = list(dict.fromkeys([*cell.names, *(["max-error"] if cell.codec.lossless else [])]))
            given = {"names": names, "pixels": pixels, "decoded": decoded, "file_bytes": encoded["bytes"]}
            compared = self._comparing.ask("compare", **given)
            if cell.codec.lossless and compared["metrics"]["max-error"]:
                wrong = f"is called lossless, and differs by {compared['metrics']['max-error']:g} levels"
                raise Failed({"type": "NotLossless", "message": wrong, "exit_code": 1})
        except Failed as failed:
            return row | {"error": failed.said}
        row |= {
            "bytes": encoded["bytes"],
            "bpp": 8 * encoded["bytes"] / (width * height),
            "metrics": {name: compared["metrics"][name] for name in cell.names},
            "encode_s": encoded["seconds"],
            "decode_s": back["seconds"],
            "encode_peak_bytes": encoded["peak_bytes"],
            "decode_peak_bytes": back["peak_bytes"],
        }
        reasons = {name: reason for name, reason in compared["reasons"].items() if name in cell.names}
        return row | ({"reasons": reasons} if reasons else {})

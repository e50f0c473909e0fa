"""The main path of a benchmark: every picture x codec x level that is not in the report yet becomes a row of it.

Pictures come in order, a few processes measure at a time, and only this file's main thread writes.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calotype.bench import machine
from calotype.bench.cell import said_of
from calotype.bench.codec_said import Said
from calotype.bench.pictures import PictureFile, pixels_of, sha256_of
from calotype.bench.processes import Failed, Lane
from calotype.bench.rows import FILE, SCHEMA, Row, Rows, Writer, key_of, read
from calotype.errors import CalotypeError

__all__ = ["LIMIT_S", "Outcome", "Settings", "run", "scratch_of"]

LIMIT_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is to be measured.

    limit_s  seconds for one encode, one decode, one comparison
    retry    whether cells that failed are tried again
    """

    pictures: list[PictureFile]
    codecs: list[Said]
    metrics: tuple[str, ...]
    report: Path
    dataset: str | None = None
    jobs: int = 1
    limit_s: float = LIMIT_S
    retry: bool = False
    threads: int = 1


@dataclass
class Outcome:
    """What became of it.

    measured  rows that were written now       kept     rows that were there already
    failed    rows with an error, old and new  lacking  metrics that a row could not have: name, reason, how often
    repeated  pictures left out since another file holds the same bytes
    """

    measured: int = 0
    kept: int = 0
    failed: list[Row] = field(default_factory=list)
    lacking: dict[tuple[str, str], int] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cell:
    """One row to be. `names` are the metrics, those of an older row of the same cell with them."""

    picture: Prepared
    codec: Said
    level: float
    names: tuple[str, ...]


@dataclass
class Prepared:
    """A picture whose pixels lie in a .npy file for as long as cells need them."""

    file: PictureFile
    sha256: str
    pixels: Path
    shape: tuple[int, int, int] = (0, 0, 3)
    cells_left: int = 0


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
        plan = _plan(settings, known, outcome, scratch)
        total = outcome.kept + sum(len(cells) for _, cells in plan)
        work = _Work(plan, settings.dataset)
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
                        _count(outcome, old, new=False)
                        continue
                writer.append(found)
                _count(outcome, found, new=True)
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


def _plan(settings: Settings, known: Rows, outcome: Outcome, scratch: Path) -> list[tuple[Prepared, list[Cell]]]:
    """What is to be done for each picture; what is there already is counted."""
    plan, seen = [], set()
    for number, file in enumerate(settings.pictures):
        picture = Prepared(file, sha256_of(file), scratch / f"picture{number}.npy")
        if picture.sha256 in seen:
            outcome.repeated.append(file.name)
            continue
        seen.add(picture.sha256)
        cells = []
        for codec in settings.codecs:
            for level in codec.levels:
                cell = Cell(picture, codec, level, settings.metrics)
                old = known.get(key_of(_row_of(cell, settings)))
                if old is not None and _holds(old, cell, settings.retry):
                    _count(outcome, old, new=False)
                    continue
                more = [] if old is None or old["error"] else list(old["metrics"])
                names = tuple(dict.fromkeys([*settings.metrics, *more]))
                cells.append(Cell(picture, codec, level, names))
        picture.cells_left = len(cells)
        plan.append((picture, cells))
    return plan


def _holds(old: Row, cell: Cell, retry: bool) -> bool:
    """Whether a row that is there already says what this cell would say."""
    if old["describe"] != cell.codec.describe:
        return False
    return not retry if old["error"] else set(cell.names) <= set(old["metrics"])


def _count(outcome: Outcome, row: Row, *, new: bool) -> None:
    if new:
        outcome.measured += 1
    else:
        outcome.kept += 1
    if row["error"]:
        outcome.failed.append(row)
    for name, reason in (row.get("reasons") or {}).items():
        if reason not in ("inf", "-inf"):
            outcome.lacking[name, reason] = outcome.lacking.get((name, reason), 0) + 1


class _Work:
    """What threads share: cells to take, rows that were found."""

    def __init__(self, plan: list[tuple[Prepared, list[Cell]]], dataset: str | None) -> None:
        self.found: queue.Queue[Row | BaseException] = queue.Queue()
        self.skipped: dict[str, int] = {}
        self._dataset = dataset
        self._lock, self._cells = threading.Lock(), self._each(plan)
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

    def _each(self, plan: list[tuple[Prepared, list[Cell]]]) -> Iterator[Cell]:
        """Cells picture by picture; each is read when its first cell is taken. One that can't be read is a row."""
        for picture, cells in plan:
            if not cells:
                continue
            try:
                pixels = pixels_of(picture.file)
            except (CalotypeError, MemoryError) as error:
                self.skipped[picture.sha256] = len(cells) - 1
                self.found.put(_unreadable(picture, said_of(error), self._dataset))
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
        row = _row_of(cell, self._settings) | {"machine": self._machine_id}
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


def _row_of(cell: Cell, settings: Settings) -> Row:
    """A row without figures."""
    picture = cell.picture
    return {
        "schema": SCHEMA,
        "kind": "row",
        "dataset": settings.dataset,
        "picture": picture.file.name,
        "picture_sha256": picture.sha256,
        "width_px": picture.shape[1],
        "height_px": picture.shape[0],
        **cell.codec.row(),
        "level": cell.level,
        "threads": settings.threads,
        "machine": None,
        **_NO_FIGURES,
    }


def _unreadable(picture: Prepared, error: dict[str, Any], dataset: str | None) -> Row:
    """The row of a picture that can't be measured."""
    none = dict.fromkeys(("width_px", "height_px", "codec", "family", "title", "lossless", "describe", "level"))
    return {
        "schema": SCHEMA,
        "kind": "row",
        "dataset": dataset,
        "picture": picture.file.name,
        "picture_sha256": picture.sha256,
        **none,
        "threads": None,
        "machine": None,
        **_NO_FIGURES,
        "error": error,
    }


_NO_FIGURES: dict[str, Any] = {
    "bytes": None,
    "bpp": None,
    "metrics": {},
    "encode_s": None,
    "decode_s": None,
    "encode_peak_bytes": None,
    "decode_peak_bytes": None,
    "error": None,
}

"""What a benchmark is asked for, which of its cells are in the report already, and rows before they have figures.

Nothing is measured here and no process started.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calotype.bench.codec_said import Said
from calotype.bench.pictures import PictureFile, sha256_of
from calotype.bench.rows import SCHEMA, Row, Rows, key_of

__all__ = ["LIMIT_S", "Cell", "Outcome", "Prepared", "Settings", "plan", "row_of", "unreadable"]

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

    def count(self, row: Row, *, new: bool) -> None:
        """Take a row in, old or new."""
        if new:
            self.measured += 1
        else:
            self.kept += 1
        if row["error"]:
            self.failed.append(row)
        for name, reason in (row.get("reasons") or {}).items():
            if reason not in ("inf", "-inf"):
                self.lacking[name, reason] = self.lacking.get((name, reason), 0) + 1

    def add(self, other: Outcome) -> None:
        """Take in what became of something else."""
        self.measured += other.measured
        self.kept += other.kept
        self.failed += other.failed


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


def plan(settings: Settings, known: Rows, outcome: Outcome, scratch: Path) -> list[tuple[Prepared, list[Cell]]]:
    """What is to be done for each picture; what is there already is counted."""
    planned, seen = [], set()
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
                old = known.get(key_of(row_of(cell, settings)))
                if old is not None and _holds(old, cell, settings.retry):
                    outcome.count(old, new=False)
                    continue
                more = [] if old is None or old["error"] else list(old["metrics"])
                names = tuple(dict.fromkeys([*settings.metrics, *more]))
                cells.append(Cell(picture, codec, level, names))
        picture.cells_left = len(cells)
        planned.append((picture, cells))
    return planned


def _holds(old: Row, cell: Cell, retry: bool) -> bool:
    """Whether a row that is there already says what this cell would say."""
    if old["describe"] != cell.codec.describe:
        return False
    return not retry if old["error"] else set(cell.names) <= set(old["metrics"])


def row_of(cell: Cell, settings: Settings) -> Row:
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


def unreadable(picture: Prepared, error: dict[str, Any], dataset: str | None) -> Row:
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

"""Rows of a benchmark as the report sees them: read from JSON lines, sorted by kind; nothing is averaged here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calotype.errors import FileError, UsageError

__all__ = ["Measured", "read"]

Row = dict[str, Any]
# What a row is about, by its kind: of several about the same, the last counts.
_KEYS = {
    "row": ("kind", "picture_sha256", "picture", "codec", "level", "threads"),
    "timing": ("kind", "picture_sha256", "picture", "codec", "threads"),
    "chart": ("kind", "codec"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything one benchmark wrote.

    rows      cells that were measured: picture, codec, level, and its figures
    failed    cells that could not be, with their error; also pictures that could not be read (codec None)
    timings   of runs that did nothing else, with --time
    charts    of the synthetic charts, with --charts
    machines  by id
    """

    rows: list[Row] = field(default_factory=list)
    failed: list[Row] = field(default_factory=list)
    timings: list[Row] = field(default_factory=list)
    charts: list[Row] = field(default_factory=list)
    machines: dict[str, Row] = field(default_factory=dict)

    @property
    def dataset(self) -> str | None:
        """The name of the picture set, where all rows agree on one."""
        names = {row.get("dataset") for row in self.rows}
        return names.pop() if len(names) == 1 else None

    @property
    def pictures(self) -> list[str]:
        """Names of the pictures that something was measured on, sorted."""
        return sorted({row["picture"] for row in self.rows})


def read(source: Path | Iterable[Row]) -> Measured:
    """The rows of a file (rows.jsonl, or rows.jsonl.gz), of a folder that holds one, or of a list.

    Of two rows about the same cell the later counts, unless it failed and the earlier did not. A last line that a
    killed run left unfinished is passed over.

    errors   FileError where there is nothing to read; UsageError for lines that are not rows
    """
    cells: dict[tuple[Any, ...], Row] = {}
    found = Measured()
    for row in _lines(source) if isinstance(source, Path) else source:
        kind = row.get("kind")
        if kind == "machine":
            found.machines[str(row.get("id"))] = row
        elif kind in ("row", "chart", "timing"):
            cell = tuple(str(row.get(name)) for name in _KEYS[kind])
            if not row.get("error") or cell not in cells or cells[cell].get("error"):
                cells[cell] = row
    measured = {row.get("picture_sha256") for row in cells.values() if row.get("codec") is not None}
    for row in cells.values():
        if row.get("codec") is None and row.get("picture_sha256") in measured:
            continue  # it could not be read at first
        if row.get("error"):
            found.failed.append(row)
        else:
            {"row": found.rows, "timing": found.timings, "chart": found.charts}[row["kind"]].append(row)
    return found


def _lines(path: Path) -> Iterator[Row]:
    """The objects of a file of JSON lines."""
    if path.is_dir():
        names = [path / "rows.jsonl", path / "rows.jsonl.gz"]
        path = next((name for name in names if name.exists()), names[0])
    try:
        data = path.read_bytes()
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").splitlines()
    except OSError as error:
        raise FileError(str(path), error.strerror or str(error)) from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            if number == len(lines):
                return
            row = None
        if not isinstance(row, dict):
            raise UsageError(f"{path.name}, line {number}", value=line[:60], allowed="one JSON object")
        yield row

"""Where the report becomes files: report.html, PNG pictures, summary.json and crops.json in one folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from calotype.bench.report import crops, drawings, page, summary
from calotype.bench.report.reading import Row
from calotype.bench.report.study import Study, study

__all__ = ["write"]


def write(rows: Path | str | Iterable[Row], out_dir: Path | str, *, pictures: Sequence[Path] = ()) -> None:
    """report.html, summary.json and PNG pictures from rows.

    rows      a file of rows (.jsonl or .jsonl.gz), a folder that holds one, or rows
    out_dir   made if it is not there; files of an earlier report are replaced
    pictures  the files that were measured: pieces of some of them are encoded anew, to be looked at side by side.
              Without them the pieces of an earlier report in out_dir are shown again, if there are any
    errors    FileError, UsageError (no rows); PNG pictures are left out where matplotlib is absent
    """
    out = Path(out_dir)
    found = study(Path(rows) if isinstance(rows, (str, Path)) else rows)
    out.mkdir(parents=True, exist_ok=True)
    scenes = _scenes(found, out, pictures)
    (out / "report.html").write_text(page.page(found, scenes), encoding="utf-8")
    (out / "summary.json").write_text(summary.text(found), encoding="utf-8")
    drawings.draw(found, out)


def _scenes(found: Study, out: Path, pictures: Sequence[Path]) -> list[crops.Scene]:
    """Pieces made anew, or those that are there."""
    if not pictures:
        return crops.load(out)
    from calotype.bench import codecs

    shown = [found.by_name[name] for name in found.leaders() if name in found.shown]
    scenes = crops.make(shown, [Path(file) for file in pictures], codecs.get)
    if scenes:
        crops.save(scenes, out)
    return scenes

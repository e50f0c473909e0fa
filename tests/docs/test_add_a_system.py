"""docs/add-a-system.md is executed: its files are written to temporary folders of the packages, the rest runs in order."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests import tiny

pytest.importorskip("torch", reason="training needs the extra [train]")

PAGE = Path(__file__).parents[2] / "docs" / "add-a-system.md"
FILE = re.compile(r"# src/calotype/(zoo|walks)/(\w+\.py)(, in _WALKS)?\n")


def blocks():
    """(line in the page, code) of every Python block."""
    text = PAGE.read_text(encoding="utf-8")
    for found in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield text[: found.start()].count("\n") + 2, found[1]


def test_the_page_runs(tmp_path, monkeypatch):
    """A recipe and a walk from the page alone: trained for 80 steps, frozen, proved, encoded, decoded."""
    from calotype import walks, zoo

    monkeypatch.chdir(tmp_path)
    for package in (walks, zoo):
        folder = tmp_path / package.__name__
        folder.mkdir()
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    (tmp_path / "pictures").mkdir()
    for k in range(8):
        Image.fromarray(tiny.picture(96, 96, seed=k)).save(tmp_path / "pictures" / f"{k}.png")
    names: dict[str, object] = {}
    before = set(sys.modules)
    try:
        for line, code in blocks():
            file = FILE.match(code)
            if file and file[3]:
                for key, value in eval("{" + code[file.end() :] + "}").items():
                    monkeypatch.setitem(walks._WALKS, key, value)
            elif file:
                (tmp_path / f"calotype.{file[1]}" / file[2]).write_text(code, encoding="utf-8")
            else:
                exec(compile("\n" * line + code, str(PAGE), "exec"), names)
    finally:
        for module in {"calotype.zoo.page2026_halves", "calotype.walks.halves"} & (set(sys.modules) - before):
            del sys.modules[module]
    assert isinstance(names["data"], bytes) and isinstance(names["pixels"], np.ndarray)


def test_the_page_has_the_files_that_it_speaks_of():
    files = [FILE.match(code) for _, code in blocks()]
    assert [file[2] for file in files if file] == ["halves.py", "__init__.py", "page2026_halves.py"]

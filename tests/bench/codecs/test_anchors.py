"""Codecs have the settings with which they were measured before, and the tool that compares notices a difference."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from calotype.bench import anchors, codecs, datasets
from calotype.bench.rows import SCHEMA

_spec = importlib.util.spec_from_file_location(
    "check_anchors", Path(__file__).parents[3] / "tools" / "check_anchors.py"
)
assert _spec and _spec.loader
tool = importlib.util.module_from_spec(_spec)
sys.modules["check_anchors"] = tool
_spec.loader.exec_module(tool)


def test_every_measured_curve_has_its_codec():
    """All but the six-picture run of a codec that was measured on all 24 as well."""
    measured = {curve.name for curve in anchors.load() if curve.kind == "measured"}
    assert measured - {name for name, _ in tool.MEASURED.values()} == {"measured-jpegxl-e7-6pic"}


@pytest.mark.parametrize("name", tool.MEASURED)
def test_settings_are_those_measured_before(name):
    known = {codec.name: codec for codec in codecs.registry._known().values()}
    settings = {tool.setting(said) for said in anchors.find(*tool.MEASURED[name]).settings}
    assert settings and settings <= set(known[name].levels)


def rows(path: Path, codec: str, *, rate: float = 1.0, loss_db: float = 0.0) -> Path:
    """A report whose means are those measured before, but for these factors; the version is "of this test"."""
    before = anchors.find(*tool.MEASURED[codec])
    lines = []
    for said, bpp, psnr in zip(before.settings, before.bpp, before.psnr, strict=True):
        for number, picture in enumerate(datasets.get("kodak").hashes):
            off = 0.1 if number % 2 else -0.1  # pictures differ, their mean does not
            row = {"schema": SCHEMA, "kind": "row", "dataset": "kodak", "picture": f"{picture}.png", "error": None}
            row |= {"picture_sha256": picture, "codec": codec, "level": tool.setting(said), "threads": 1}
            row |= {"bpp": bpp * rate * (1 + off), "metrics": {"psnr": psnr - loss_db + off}}
            lines.append(json.dumps(row | {"describe": {"version": "of this test"}}))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("rate", "loss_db", "code"),
    [(1.0, 0.0, 0), (1.002, 0.0, 0), (1.011, 0.0, 1), (0.9, 0.0, 1), (1.0, 0.01, 0), (1.0, 0.06, 1)],
)
def test_a_difference_is_noticed(tmp_path, monkeypatch, capsys, rate, loss_db, code):
    report = rows(tmp_path / "rows.jsonl", "jpeg-420", rate=rate, loss_db=loss_db)
    monkeypatch.setattr(sys, "argv", ["check_anchors", str(report), "--out", str(tmp_path / "page.md")])
    with pytest.raises(SystemExit) as ended:
        tool.main()
    assert ended.value.code == code
    page = (tmp_path / "page.md").read_text()
    assert "jpeg-420" in page and "of this test" in page and ("**(no)**" in page) == bool(code)
    assert capsys.readouterr().out.startswith(page)


def test_without_kodak_there_is_nothing_to_compare(tmp_path, monkeypatch):
    (tmp_path / "rows.jsonl").write_text("")
    monkeypatch.setattr(sys, "argv", ["check_anchors", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        tool.main()
    assert ended.value.code == 2

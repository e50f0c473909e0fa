"""`calotype cut`, and `decode --partial`: files of an embedded model that are shorter than they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests import tiny

import calotype
from calotype.cli import main

GOLDEN_MODEL = Path(__file__).parents[1] / "golden" / "models" / "spiht-1.calomodel"


def run(*words: object) -> int:
    return main.run([str(word) for word in words])


@pytest.fixture
def coded(tmp_path, monkeypatch):
    """A file of an installed model, and its folder."""
    monkeypatch.setenv("CALOTYPE_HOME", str(tmp_path / "home"))
    assert run("models", "add", GOLDEN_MODEL) == 0
    Image.fromarray(tiny.picture(140, 270)).save(tmp_path / "a.png")
    assert run("encode", tmp_path / "a.png", "--model", "tiny-spiht", "-q", 60, "-o", tmp_path / "a.calo") == 0
    return tmp_path / "a.calo"


def test_a_file_is_cut_and_decodes(coded, capsys):
    shorter = coded.with_name("b.calo")
    assert run("cut", coded, "--size", "4KB", "-o", shorter) == 0
    assert 3997 <= shorter.stat().st_size <= 4000
    assert run("verify", shorter) == 0
    assert run("inspect", shorter) == 0
    assert run("decode", shorter, "-o", coded.with_name("b.png")) == 0
    assert run("cut", coded, "--size", "4KB", "-o", shorter) == 8  # exists
    assert run("cut", coded, "--size", "20", "-o", shorter, "--force") == 2


def test_a_torn_file_is_shown_only_to_who_asks(coded, capsys):
    whole, torn, seen = coded.read_bytes(), coded.with_name("torn.calo"), coded.with_name("torn.png")
    torn.write_bytes(whole[: len(whole) // 2])
    assert run("decode", torn, "-o", seen) == 4 and not seen.exists()
    capsys.readouterr()
    assert run("decode", torn, "--partial", "-o", seen) == 0
    assert "ends early" in capsys.readouterr().err
    found = calotype.decode(torn.read_bytes(), partial=True)
    assert np.array_equal(found, np.asarray(Image.open(seen)))
    assert run("decode", torn, coded, "--partial", "-o", coded.with_name("folder")) == 2


def test_other_models_are_not_cut(tmp_path):
    Image.fromarray(tiny.picture(64, 64)).save(tmp_path / "a.png")
    assert run("encode", tmp_path / "a.png", "-o", tmp_path / "a.calo") == 0
    assert run("cut", tmp_path / "a.calo", "--size", 100, "-o", tmp_path / "b.calo") == 5

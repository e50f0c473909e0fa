"""Small pictures, and a run over them in one call."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calotype.bench import codec_said, pictures, rows
from calotype.bench.plan import Settings
from calotype.bench.processes import Lane

FAKES = "tests.bench.runner.fakes:"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three pictures of 24x40."""
    chosen = np.random.default_rng(7)
    (tmp_path / "in").mkdir()
    for number in range(3):
        coarse = chosen.integers(0, 256, (5, 3, 3), np.uint8)
        Image.fromarray(coarse.repeat(8, 0).repeat(8, 1)).save(tmp_path / "in" / f"{number}.png")
    return tmp_path / "in"


def settings(folder: Path, report: Path, *names: str, metrics=("psnr", "max-error"), **more) -> Settings:
    """Codecs are asked in this process's lane, as the command line does."""
    lane = Lane(apart=True, log=folder / "log", limit_s=60)
    try:
        said = codec_said.ask(lane, [FAKES + name for name in names], {}, None)
    finally:
        lane.stop()
    (folder / "log").unlink(missing_ok=True)
    return Settings(pictures=pictures.find([str(folder)]), codecs=said, metrics=metrics, report=report, **more)


def figures(report: Path) -> list[dict]:
    """The rows without what another run may give otherwise, in one order."""
    found = [{k: v for k, v in row.items() if k not in rows.TIMES} for row in rows.read(report).of_kind("row")]
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


def keys(report: Path) -> list[tuple]:
    """What every line of the file is about, repetitions too."""
    lines = (report / rows.FILE).read_text().splitlines()
    return [rows.key_of(json.loads(line)) for line in lines]

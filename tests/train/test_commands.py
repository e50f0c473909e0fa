"""The ways to start a run: `calotype train`, and `tools/train_away` for borrowed machines."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from calotype import zoo
from calotype.train import log, resume
from calotype.train.log import draw

sys.path.insert(0, str(Path(__file__).parent))
from tiny import Tiny

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The zoo has the tiny recipe only."""
    monkeypatch.setattr(zoo, "recipe", lambda name: Tiny())


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """tools/train_away as a module."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    loader = importlib.machinery.SourceFileLoader("train_away", str(ROOT / "tools" / "train_away"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("train_away", loader))
    monkeypatch.setitem(sys.modules, "train_away", module)
    loader.exec_module(module)
    return module


def test_the_command_trains_and_resumes(tiny: None, pictures: Path, tmp_path: Path):
    """`calotype train` ends with 0, refuses to overwrite a run with 8, pauses and goes on."""
    testing = pytest.importorskip("click.testing")
    from calotype.cli.train import train
    from calotype.errors import TargetExists

    flags = [
        "tiny",
        "--data",
        str(pictures),
        "--out",
        str(tmp_path / "run"),
        "--threads",
        "1",
        "--precision",
        "float32",
    ]
    paused = testing.CliRunner().invoke(train, [*flags, "--steps", "6", "--stop-minutes", "0"])
    assert paused.exit_code == 0, paused.output
    assert "paused after 0 steps" in paused.output
    again = testing.CliRunner().invoke(train, [*flags, "--resume"])
    assert again.exit_code == 0, again.output
    assert "finished after 6 steps" in again.output
    refused = testing.CliRunner().invoke(train, [*flags, "--steps", "6"])
    assert isinstance(refused.exception, TargetExists)


def test_sessions_away_add_up_to_a_run(
    tiny: None, away: ModuleType, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One session pauses, the next goes on from its travelling files; a local run is made of them."""

    def session(*flags: str) -> int:
        monkeypatch.setattr(sys, "argv", ["train_away", *flags])
        monkeypatch.setattr(away, "BEGAN", away.time.monotonic())
        return away.main()

    common = ["tiny", "--data", str(pictures), "--reserve-s", "0", "--no-freeze", "--threads", "1"]
    common += ["--precision", "float32", "--minutes", "0.03"]
    assert session(*common, "--out", str(tmp_path / "a"), "--total-minutes", "0.05") == 0
    first = resume.unpack(tmp_path / "a")
    assert first["plan"]["minutes"] == 0.05
    assert first["plan"]["step"] > 0
    assert session(*common, "--out", str(tmp_path / "b"), "--resume", str(tmp_path / "a")) == 0
    names = {path.name for path in (tmp_path / "b").iterdir()}
    assert {"travel-0.pt", "log.jsonl", "curve.png"} <= names
    assert len(names) <= 8
    second = resume.unpack(tmp_path / "b")
    assert second["plan"]["step"] > first["plan"]["step"]
    assert session("--unpack", str(tmp_path / "b"), str(tmp_path / "run")) == 0
    assert resume.load_weights(tmp_path / "run").keys() == Tiny.system().state_dict().keys()
    assert session("tiny") == 2


def test_logs_survive_a_cut(tmp_path: Path):
    """Half a line at the end, infinities and missing files are no obstacle; resuming drops what is to come."""
    assert log.read(tmp_path / "none.jsonl") == []
    written = log.Log(tmp_path / "log.jsonl")
    for step in range(5):
        written.write("step", step=step, loss=float("inf") if step == 2 else 1.5)
    with written.path.open("a") as file:
        file.write('{"event": "ste')
    assert [row["loss"] for row in log.read(written.path)] == [1.5, 1.5, None, 1.5, 1.5]
    log.Log(written.path, resumed_step=3)
    assert [json.loads(line)["step"] for line in written.path.read_text().splitlines()] == [0, 1, 2, 3]


def test_any_log_can_be_drawn(tmp_path: Path):
    """Empty, constant and odd logs give a picture."""
    curve = [[0.0, 0.1, 30.0], [1.0, 0.5, 40.0]]
    for rows in (
        [],
        [{"event": "step", "step": 1, "loss": 2.0}],
        [{"event": "step", "step": i, "loss": 2.0} for i in range(300)],
        [{"event": "step", "step": 1, "loss": None}, {"event": "validation", "curve": curve}],
        [{"event": "validation", "curve": [[0.0, 1.0, 30.0]]}] * 2,
    ):
        draw(rows, tmp_path / "curve.png", "title")
        assert (tmp_path / "curve.png").stat().st_size > 500

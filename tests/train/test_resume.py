"""A run that was stopped, killed or carried goes on as if nothing had happened."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from calotype.errors import FileError, ModelError, TargetExists, UsageError
from calotype.train import log, resume
from calotype.train.loop import Settings, Training, train

sys.path.insert(0, str(Path(__file__).parent))
from tiny import Tiny

HERE, SOURCE = Path(__file__).parent, Path(__file__).parents[2] / "src"


def losses(run: Path) -> list[tuple[int, float, float]]:
    """(step, loss, PSNR) of every step that the log has."""
    return [(r["step"], r["loss"], r["psnr_db"]) for r in log.read(run / "log.jsonl") if r["event"] == "step"]


def same(one: object, other: object) -> bool:
    """Equal plain data and bit-equal tensors."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    return one == other


@pytest.mark.parametrize("at", [0, 3, 4, 9])
def test_a_stopped_run_resumes_exactly(settings: Settings, at: int):
    """Stopped before, inside, at the border of and after a phase, a run ends with the same curve and the same bits."""
    whole = dataclasses.replace(settings, run=settings.run / "whole")
    train(Tiny(), whole)
    halves = dataclasses.replace(settings, run=settings.run / "halves")
    training = Training(Tiny(), halves)
    advance = type(training.plan).advance

    def stopping(plan, phase, seconds):
        advance(plan, phase, seconds)
        if plan.step == at:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch:
        if at == 0:
            outcome = Training(Tiny(), dataclasses.replace(halves, stop_minutes=0.0)).run()
        else:
            patch.setattr(type(training.plan), "advance", stopping)
            outcome = training.run()
            assert outcome.signal == signal.SIGTERM
        assert not outcome.finished
        assert outcome.step == at
    again = train(Tiny(), dataclasses.replace(halves, resume=True, steps=None))
    assert again.finished
    assert losses(halves.run) == losses(whole.run)
    one, other = resume.load(whole.run / "last.pt"), resume.load(halves.run / "last.pt")
    for key in ("system", "average", "moments", "generator", "torch_random", "best_loss"):
        assert same(one[key], other[key]), key


def test_a_killed_process_resumes_exactly(pictures: Path, tmp_path: Path):
    """SIGKILL at any moment: the log of the resumed run is the log of an uninterrupted one."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}

    def command(run: str, *more: str) -> list[str]:
        return [sys.executable, str(HERE / "tiny.py"), str(pictures), str(tmp_path / run), "24", *more]

    subprocess.run(command("whole"), env=environment, check=True, timeout=300)
    killed = subprocess.Popen(command("killed"), env=environment)
    deadline = time.monotonic() + 120
    while len(losses(tmp_path / "killed")) < 9 and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    subprocess.run(command("killed", "--resume"), env=environment, check=True, timeout=300)
    assert len(losses(tmp_path / "whole")) == 24
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_an_interrupted_process_says_so(pictures: Path, tmp_path: Path):
    """SIGINT: saved, exit code 130."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, str(HERE / "tiny.py"), str(pictures), str(tmp_path / "run"), "1000000"]
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 120
    while len(losses(tmp_path / "run")) < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=120) == 130
    assert resume.load(tmp_path / "run" / "last.pt")["plan"]["step"] >= 2


def test_travelling_files_are_small_and_complete(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Parts stay under their limit; weights arrive exactly, the average and the moments to bfloat16's precision."""
    train(Tiny(), settings)
    state = resume.load(settings.run / "last.pt")
    monkeypatch.setattr(resume, "SPARE_BYTES", 2**12)
    monkeypatch.setattr(resume, "PART_BYTES", 2**15)
    monkeypatch.setattr(resume, "TOTAL_BYTES", 2**18)
    paths = resume.pack(state, tmp_path / "away")
    assert len(paths) > 1
    assert all(path.stat().st_size <= 2**15 for path in paths)
    back = resume.unpack(tmp_path / "away")
    assert same(back["system"], state["system"])
    assert same(back["plan"], state["plan"])
    for name, value in state["average"].items():
        torch.testing.assert_close(back["average"][name], value, rtol=2**-7, atol=1e-6)
    assert back["moments"].keys() == state["moments"].keys()
    resume.save(tmp_path / "run2" / "last.pt", back)
    outcome = train(Tiny(), dataclasses.replace(settings, run=tmp_path / "run2", resume=True, steps=None))
    assert outcome.finished


def test_a_state_too_large_to_travel_loses_its_moments_first(settings: Settings, tmp_path: Path, monkeypatch):
    """Moments go before weights, weights before the run; below that it is an error."""
    train(Tiny(), settings)
    state = resume.load(settings.run / "last.pt")
    monkeypatch.setattr(resume, "SPARE_BYTES", 2**12)
    for total, kinds in ((45_000, {"system", "average"}), (20_000, {"system"})):
        monkeypatch.setattr(resume, "TOTAL_BYTES", total)
        resume.pack(state, tmp_path / "away")
        back = resume.unpack(tmp_path / "away")
        assert {k for k in ("system", "average", "moments") if back[k]} == kinds
    monkeypatch.setattr(resume, "TOTAL_BYTES", 1000)
    with pytest.raises(ModelError, match="too large to travel"):
        resume.pack(state, tmp_path / "away")


def test_weights_of_another_run_start_a_new_one(settings: Settings, tmp_path: Path):
    """--init: strict by name and shape, or partial with a report."""
    train(Tiny(), settings)
    weights = resume.load_weights(settings.run)
    system = Tiny.system()
    resume.take_weights(system, weights)
    assert same(dict(system.state_dict()), weights)
    weights["extra"] = torch.zeros(2)
    weights["gain"] = torch.zeros(2)
    del weights["shift"]
    with pytest.raises(ModelError, match=r"missing: shift; left over: extra; other shape: gain \(2,\) for \(\)"):
        resume.take_weights(system, weights)
    report = resume.take_weights(system, weights, partial=True)
    assert report == {"missing": ["shift"], "left over": ["extra"], "other shape": ["gain (2,) for ()"]}
    again = dataclasses.replace(settings, run=tmp_path / "again", init=settings.run)
    assert train(Tiny(), again).finished


def test_a_wider_network_begins_as_the_narrow_one():
    """What was learned stays what it was, and what is new can learn; the twin is a system that took nothing."""
    from calotype.train.pyramid_system import PyramidSystem

    def pyramid(*widths):
        torch.manual_seed(5)
        return PyramidSystem(lambdas=(0.01, 0.1), typical=(0.2, 1.0), widths=widths, steps=(2, 1, 1, 1), post=False)

    narrow, wide, stranger = pyramid(4, 4, 4, 6), pyramid(6, 4, 6, 8), pyramid(6, 4, 6, 8)
    crops, rate = torch.rand(2, 3, 32, 32) * 255, torch.tensor([0.2, 0.9])
    for system in (narrow, stranger):
        system.begin(crops)
        with torch.no_grad():
            for p in system.parameters():
                p.add_(torch.randn(p.shape) * 0.05)
    report = resume.take_weights(wide, narrow.state_dict(), partial=True)
    assert not report["missing"] and not report["left over"] and report["other shape"]
    bpp = [system.eval()(crops, rate)["bpp"] for system in (narrow, wide, stranger)]
    torch.testing.assert_close(bpp[0], bpp[1])
    assert not torch.allclose(bpp[0], bpp[2], rtol=1e-4)


def test_what_is_no_resume_file_is_refused(tmp_path: Path, settings: Settings):
    """Absent, foreign, of another format, of another recipe; and a run is not overwritten by accident."""
    with pytest.raises(FileError):
        resume.load(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(ModelError, match="not a resume file"):
        resume.load(tmp_path / "text.pt")
    torch.save({"format": 99}, tmp_path / "new.pt")
    with pytest.raises(ModelError, match="another format"):
        resume.load(tmp_path / "new.pt")
    train(Tiny(), settings)
    with pytest.raises(TargetExists):
        train(Tiny(), settings)
    with pytest.raises(UsageError, match="this one is finished"):
        train(Tiny(), dataclasses.replace(settings, resume=True, steps=99))
    begun = dataclasses.replace(settings, run=tmp_path / "begun", stop_minutes=0.0)
    train(Tiny(), begun)
    with pytest.raises(UsageError, match="its schedule depends on it"):
        train(Tiny(), dataclasses.replace(begun, resume=True, steps=99))

    class Other(Tiny):
        name = "other"

    with pytest.raises(ModelError, match="another recipe"):
        train(Other(), dataclasses.replace(settings, resume=True))

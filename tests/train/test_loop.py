"""The loop: what it trains, logs, refuses and leaves behind."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from calotype.errors import ModelError, UsageError
from calotype.train import log, resume, step
from calotype.train.loop import Settings, Training, train
from calotype.train.phases import Phase, Player
from calotype.train.validation import Curve, relative_rate_percent

sys.path.insert(0, str(Path(__file__).parent))
from tiny import Tiny, TinySystem

ROOT = Path(__file__).parents[2]


def test_a_run_learns_and_says_so(settings: Settings):
    """The loss falls; the log has every event; the picture and the record are there; averaged weights are the best's."""
    outcome = train(Tiny(), dataclasses.replace(settings, steps=60, validate_steps=20))
    rows = log.read(settings.run / "log.jsonl")
    events = [row["event"] for row in rows]
    assert [e for e in events if e not in ("step", "validation")] == ["start", "phase", "phase", "idle", "end"]
    steps = [row for row in rows if row["event"] == "step"]
    assert [row["step"] for row in steps] == list(range(1, 61))
    assert [row["phase"] for row in steps] == ["ends"] * 20 + ["all"] * 40
    assert {"loss", "bpp", "psnr_db", "norm", "factor", "steps_per_s", "mpx_per_s", "seconds"} <= steps[0].keys()
    assert steps[0]["mpx_per_s"] == pytest.approx(steps[0]["steps_per_s"] * 4 * 32 * 32 / 1e6, rel=1e-3)
    checks = [row for row in rows if row["event"] == "validation"]
    assert len(checks) == 4
    assert len(checks[0]["curve"]) == 8
    assert checks[-1]["loss"] < checks[0]["loss"]
    assert outcome.finished
    assert outcome.curve is not None
    assert outcome.curve.loss == pytest.approx(checks[-1]["loss"], rel=1e-4)
    with Image.open(settings.run / "curve.png") as picture:
        assert picture.size == (1200, 520)
    record = json.loads((settings.run / "run.json").read_text())
    assert record["parameters"] == sum(p.numel() for p in TinySystem().parameters())
    assert record["phases"][1]["players"][0]["slower"] == [["analysis.*", 0.3]]


def test_only_what_is_trainable_moves(settings: Settings):
    """In the phase "ends", the middle keeps its values; begin and enter leave their traces in the state."""

    class Ends(Tiny):
        phases = Tiny.phases[:1]

    training = Training(Ends(), settings)
    before = {name: p.detach().clone() for name, p in training.parameters.items()}
    training.run()
    moved = {name for name, p in training.parameters.items() if not torch.equal(p, before[name])}
    assert moved == {n for n in before if n.startswith(("analysis", "synthesis"))}
    assert training.system.entered.item() == 1
    assert training.system.shift.abs().sum() > 0


class Adversary(TinySystem):
    """Two players with one objective each; the second only moves the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.losses = {"middle": self.other}

    def other(self, crops: torch.Tensor, rate: torch.Tensor) -> dict[str, torch.Tensor]:
        outputs = self(crops, rate)
        return outputs | {"loss": -outputs["mse"]}


def test_players_take_turns(settings: Settings):
    """Each has its parameters, objective and rhythm."""
    ends, middle = Player(name="ends", parameters=("[as]*",)), Player(name="middle", parameters=("middle*",), every=2)

    class Two(Tiny):
        phases = (Phase(name="both", crop_px=16, batch=2, players=(ends, middle)),)
        system = staticmethod(Adversary)

    training = Training(Two(), dataclasses.replace(settings, steps=5))
    assert training.run().finished
    state = resume.load(settings.run / "last.pt")
    assert state["moments"].keys() == {"ends", "middle"}
    assert all(name.startswith("middle") for name in state["moments"]["middle"])
    assert state["moments"]["ends"]["analysis.bias"]["step"] == 5
    assert state["moments"]["middle"]["middle.bias"]["step"] == 3


class Broken(TinySystem):
    """Non-finite from a given call on."""

    until, calls = 3, 0

    def forward(self, crops: torch.Tensor, rate: torch.Tensor) -> dict[str, torch.Tensor]:
        outputs = super().forward(crops, rate)
        if not self.training:
            return outputs
        self.calls += 1
        bad = math.nan if 3 < self.calls <= 3 + self.until else 1.0
        return outputs | {"loss": outputs["loss"] * bad}


def test_bad_steps_are_skipped_and_counted(settings: Settings):
    """A few non-finite gradients change nothing; twenty in a row end the run with a sentence."""

    class Some(Tiny):
        system = staticmethod(Broken)

    training = Training(Some(), settings)
    training.run()
    assert training.bad_steps == 3
    assert all(torch.isfinite(p).all() for p in training.parameters.values())
    steps = [row for row in log.read(settings.run / "log.jsonl") if row["event"] == "step"]
    assert steps[-1]["bad_steps"] == 3
    training = Training(Some(), dataclasses.replace(settings, run=settings.run / "worse", steps=60))
    training.system.until = 1000
    with pytest.raises(ModelError, match="20 steps in a row"):
        training.run()


def test_wrong_settings_are_refused(settings: Settings):
    """No budget or two, unknown precision, nothing to learn."""
    for wrong in ({"steps": None}, {"minutes": 1.0}, {"precision": "float8"}):
        with pytest.raises(UsageError):
            Training(Tiny(), dataclasses.replace(settings, **wrong))

    class Nothing(Tiny):
        phases = (Phase(name="none", crop_px=16, batch=1, trainable=("zzz",)),)

    with pytest.raises(UsageError, match="zzz"):
        train(Nothing(), settings)


def test_the_probe_leaves_no_trace(settings: Settings):
    """Measuring the precision changes neither weights nor random states, and names one of the modes."""
    system = TinySystem()
    before = {name: value.clone() for name, value in system.state_dict().items()}
    crops, random = torch.rand(2, 3, 32, 32), torch.get_rng_state()
    mode, seconds = step.fastest(system, crops, torch.zeros(2), torch.device("cpu"))
    assert mode.name in seconds
    assert seconds.keys() <= step.MODES.keys()
    assert all(torch.equal(value, before[name]) for name, value in system.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(p.grad is None for p in system.parameters())


@pytest.mark.parametrize("mode", step.MODES)
def test_all_modes_train(settings: Settings, mode: str):
    """Every precision and layout trains and resumes in the same mode."""
    run = dataclasses.replace(settings, run=settings.run / mode, steps=4, precision=mode)
    assert train(Tiny(), run).finished
    assert resume.load(run.run / "last.pt")["mode"] == mode


def test_the_curve_figure_is_a_relative_rate():
    """10 % fewer bits at every quality are -10 %; curves that do not overlap or rise have no figure."""
    quality = tuple(30.0 + k for k in range(8))
    rates = tuple(k / 7 for k in range(8))
    bpp = tuple(0.1 * 1.4**k for k in range(8))
    reference = Curve(rates, bpp, quality, 0.0)
    assert relative_rate_percent(Curve(rates, tuple(0.9 * b for b in bpp), quality, 0.0), reference) == pytest.approx(
        -10
    )
    assert relative_rate_percent(Curve(rates, bpp, tuple(q + 20 for q in quality), 0.0), reference) is None
    assert relative_rate_percent(Curve(rates, bpp, quality[::-1], 0.0), reference) is None
    assert Curve.from_rows(reference.rows()).psnr_db == quality


def test_torch_installations_without_anything_else_suffice(pictures: Path, tmp_path: Path):
    """`python -m calotype.train` says what is wrong with its exit code and loads no click, rich, matplotlib, onnxruntime."""
    program = (
        "import sys, runpy\n"
        "import calotype.train.loop, calotype.train.__main__ as m\n"
        "print(sorted({'click', 'rich', 'matplotlib', 'onnxruntime', 'array_api_compat'} & set(sys.modules)))\n"
        f"print(m.main(['no-such-recipe', '--data', {str(pictures)!r}, '--out', {str(tmp_path)!r}, '--steps', '1']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "2"]
    assert "no-such-recipe" in done.stderr

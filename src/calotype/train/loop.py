"""The training loop: players times phases, exact resume, one budget; what is trained is the system's affair.

A *system* is a torch module:
    system.begin(crops)               closed-form start, once per run; crops float32 [n, 3, h, w] in 0..255
    system.enter(phase, batches)      start of a phase; `batches()` returns crops; every effect lives in the state_dict
    system(crops, rate)               rate float32 [b] in [0, 1] -> {"loss", "bpp", "mse"}, each [b]; loss as weighted
    system.rate_anchors               number of trained rate anchors
    system.losses                     optional: player name -> callable(crops, rate) -> the same dict, for that player
A *recipe* has `.name`, `.system()` and `.phases`. Both may leave out what they do not need (begin, enter, losses).
"""

from __future__ import annotations

import dataclasses
import json
import math
import platform
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calotype.errors import ModelError, TargetExists, UsageError
from calotype.train import data, log, resume, step
from calotype.train.optimisers import Average, Optimisers
from calotype.train.phases import Phase, Player
from calotype.train.plan import Plan
from calotype.train.validation import Curve, relative_rate_percent, validate

__all__ = ["Outcome", "Settings", "Training", "train"]

BEGIN_CROPS, BAD_STEPS_IN_A_ROW = 256, 20
Outputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the caller of a run decides; what the method decides is in the recipe's phases.

    data, run             folder of pictures; folder for last.pt, best.pt, log.jsonl, run.json, curve.png
    minutes, steps        the budget, one of the two; `steps` makes a run repeatable to the bit on one machine
    stop_minutes          pause this session after so long, reading of pictures included, as after an interruption
    resume                go on from run/last.pt, with the budget stored there unless a new one is given
    size, schedule        named variants of the recipe, where it has any
    init, init_partial    start from the weights of another run, a .pt or an .npz; partial: take what fits
    precision             auto (measured at the start) or a name of step.MODES
    capture               CUDA: try to capture the step as a graph
    compile               torch.compile the system
    batch, crop_px        instead of the phases' own
    save_s                seconds between resume files
    validate_s            seconds between validations; 0: so that they take a twentieth of the time
    validate_steps        steps between validations instead, for repeatable logs
    log_steps             steps per row of the log
    """

    data: Path
    run: Path
    minutes: float | None = None
    steps: int | None = None
    stop_minutes: float | None = None
    resume: bool = False
    force: bool = False
    size: str = "default"
    schedule: str = "default"
    init: Path | None = None
    init_partial: bool = False
    seed: int = 0
    threads: int = 0
    device: str = "auto"
    precision: str = "auto"
    capture: bool = True
    compile: bool = False
    batch: int | None = None
    crop_px: int | None = None
    rotations: bool = False
    validation_share: float = 0.03
    validation_crops: int = 16
    validation_px: int = 256
    save_s: float = 120.0
    validate_s: float = 0.0
    validate_steps: int | None = None
    log_steps: int = 10
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session of a run ended.

    signal    number of the signal that stopped it, or None
    finished  whether the budget is used up (not: interrupted or paused)
    curve     the last validation, if any
    relative_rate_percent   that against the first of the run
    """

    signal: int | None
    finished: bool
    step: int
    seconds: float
    curve: Curve | None
    relative_rate_percent: float | None


def train(recipe: Any, settings: Settings) -> Outcome:
    """Train `recipe` with `settings`; see `Training` for the steps. Interruptions save and return, they do not raise."""
    return Training(recipe, settings).run()


class Training:
    """One session of a run: load pictures, build or resume the system, go through the phases, leave files behind."""

    def __init__(self, recipe: Any, settings: Settings) -> None:
        self.session_began = time.monotonic()
        recipe = recipe if settings.schedule == "default" else recipe.scheduled(settings.schedule)
        self.recipe, self.settings = recipe, settings
        self.progress = log.Progress(quiet=settings.quiet)
        run = settings.run
        self.last, self.best = run / "last.pt", run / "best.pt"
        state = resume.load(self.last) if settings.resume else None
        if state is None and self.last.exists() and not settings.force:
            raise TargetExists(self.last)
        wanted = [recipe.name, settings.size, settings.schedule]
        found = wanted if state is None else [state[key] for key in ("recipe", "size", "schedule")]
        if found != wanted:
            raise ModelError("another recipe's run", wanted=wanted, found=found, looked=self.last)
        self.phases = tuple(self._overridden(phase) for phase in recipe.phases)
        if settings.threads:
            torch.set_num_threads(settings.threads)
        name = settings.device if settings.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
        self.device = torch.device(name)
        self._load_pictures()
        self.log = log.Log(run / "log.jsonl", None if state is None else state["plan"]["step"])
        torch.manual_seed(settings.seed)
        sized = () if settings.size == "default" else (settings.size,)
        self.system: nn.Module = recipe.system(*sized).to(self.device)
        self.runner: Callable[[Tensor, Tensor], Outputs] = self.system
        self.parameters = dict(self.system.named_parameters())
        self.generator = np.random.default_rng(settings.seed)
        self.moments: dict[str, dict[str, dict[str, Tensor]]] = {}
        self.sums: dict[str, float] = {}
        self.bad_steps = self.bad_in_a_row = 0
        self.validation_took = 0.0
        self.first: Curve | None = None
        self.curve: Curve | None = None
        self.best_loss = math.inf
        self._begin() if state is None else self._go_on(state)

    def _overridden(self, phase: Phase) -> Phase:
        changes = {k: v for k in ("batch", "crop_px") if (v := getattr(self.settings, k)) is not None}
        return dataclasses.replace(phase, **changes) if changes else phase

    def _load_pictures(self) -> None:
        s = self.settings
        learning, held_out = data.split(data.find(s.data), s.validation_share if s.validation_crops else 0.0)
        began = time.monotonic()
        room = data.memory_bytes() if self.device.type == "cpu" else torch.cuda.mem_get_info(self.device)[0] // 2
        threads = s.threads or torch.get_num_threads()
        self.pictures = data.load(
            learning,
            self.device,
            max_bytes=room,
            threads=threads,
            tell=lambda done, all_: self.progress.show(done / all_, f"reading pictures {done}/{all_}"),
        )
        self.crops = None
        if s.validation_crops:
            self.crops = data.load(held_out, self.device, threads=threads).fixed(s.validation_crops, s.validation_px)
        self.progress.say(
            f"{len(self.pictures)} pictures, {self.pictures.pixels / 1e6:.0f} Mpx, read in {time.monotonic() - began:.0f} s;"
            f" {0 if self.crops is None else len(self.crops)} crops held out"
            + (f"; {len(self.pictures.unreadable)} unreadable" if self.pictures.unreadable else "")
            + (f"; {self.pictures.left_out} left out for lack of memory" if self.pictures.left_out else "")
        )

    # --- start ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        s = self.settings
        if (s.minutes is None) == (s.steps is None):
            raise UsageError(
                "budget", value=f"minutes {s.minutes}, steps {s.steps}", allowed="one of minutes and steps"
            )
        self.plan = Plan(minutes=s.minutes, steps=s.steps)
        self._start_clock()
        weights = None if s.init is None else resume.load_weights(s.init)
        if hasattr(self.system, "begin") and (weights is None or s.init_partial):
            self.system.begin(self.pictures.draw(self.generator, BEGIN_CROPS, self.phases[0].crop_px))
        if weights is not None:
            report = resume.take_weights(self.system, weights, partial=s.init_partial)
            for kind, names in report.items():
                if names:
                    self.progress.say(f"{kind} in {s.init}: {', '.join(names)}")
        self.mode = self._mode()
        self.average = Average(self.parameters)
        self._record()

    def _go_on(self, state: Mapping[str, Any]) -> None:
        s = self.settings
        self.plan = Plan.from_stored(state["plan"])
        if s.minutes is not None or s.steps is not None:
            if (s.minutes is None) != (self.plan.minutes is None):
                raise UsageError("budget", value="another kind than the run's", allowed="minutes or steps, as it began")
            self._stretch(s.minutes, s.steps)
        self._start_clock()
        self.mode = step.named(state["mode"])
        resume.take_weights(self.system, state["system"])
        self.mode.lay_out(self.system)
        self.average = Average(self.parameters)
        with torch.no_grad():
            for name, value in state["average"].items():
                self.average.values[name].copy_(value)
        self.average.count = state["average_count"]
        self.moments = state["moments"]
        self.generator.bit_generator.state = json.loads(state["generator"])
        torch.set_rng_state(state["torch_random"])
        if self.device.type == "cuda" and state.get("cuda_random") is not None:
            torch.cuda.set_rng_state(state["cuda_random"], self.device)
        self.sums = dict(state["sums"])
        self.bad_steps, self.best_loss = state["bad_steps"], state["best_loss"]
        self.first = Curve.from_rows(state["first_curve"]) if state["first_curve"] else None
        if state["pictures"] != self.pictures.fingerprint():
            self._note("the pictures are not those that the run began with: it goes on, but not as it would have")
        if self.plan.phase >= 0:
            self._players()
        self.progress.say(f"resumed at step {self.plan.step}, {self.plan.seconds / 60:.1f} min")

    def _stretch(self, minutes: float | None, steps: int | None) -> None:
        plan = self.plan
        if minutes is not None:
            plan.phase_ends_s *= minutes / (plan.minutes or minutes)
            plan.minutes = minutes
        elif steps is not None and plan.steps != steps:
            raise UsageError(
                "steps", value=steps, allowed=f"{plan.steps}, as the run began: its schedule depends on it"
            )

    def _mode(self) -> step.Mode:
        precision = self.settings.precision
        if precision != "auto":
            mode = step.named(precision)
            mode.lay_out(self.system)
            return mode
        if self.device.type == "cuda":
            mode = step.MODES["bfloat16-channels-last" if torch.cuda.is_bf16_supported() else "float32-channels-last"]
            mode.lay_out(self.system)
            return mode
        # The probe must not shift the crops that are drawn later, so that a run is the same whatever it measures.
        probe, count = np.random.default_rng(0), min(2, self.phases[0].batch)
        crops = self.pictures.draw(probe, count, self.phases[0].crop_px)
        mode, seconds = step.fastest(self.system, crops, torch.full((count,), 0.5), self.device)
        self._note("precision " + mode.name, seconds={k: round(v, 4) for k, v in seconds.items()})
        return mode

    def _start_clock(self) -> None:
        self.clock = time.monotonic() - self.plan.seconds

    def _now(self) -> float:
        return time.monotonic() - self.clock

    def _record(self) -> None:
        record = {
            "recipe": self.recipe.name,
            "settings": {k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(self.settings).items()},
            "phases": [_plain(phase) for phase in self.phases],
            "parameters": sum(p.numel() for p in self.parameters.values()),
            "pictures": {
                "count": len(self.pictures),
                "pixels": self.pictures.pixels,
                "print": self.pictures.fingerprint(),
            },
            "mode": self.mode.name,
            "device": torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else platform.machine(),
            "torch": torch.__version__,
        }
        self.settings.run.mkdir(parents=True, exist_ok=True)
        (self.settings.run / "run.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        self.log.write("start", step=0, **{k: record[k] for k in ("recipe", "parameters", "mode", "device", "torch")})

    def _note(self, text: str, **values: Any) -> None:
        self.progress.say(text)
        self.log.write("note", step=self.plan.step, text=text, **values)

    # --- phases --------------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """The phase that runs."""
        return self.phases[self.plan.phase]

    def _enter(self) -> None:
        """Begin the next phase: the system adapts, then the players get their optimisers."""
        self.plan.enter(self.phases, self._now())
        phase = self.phase
        before = {name: p.detach().clone() for name, p in self.parameters.items()}
        if hasattr(self.system, "enter"):
            self.system.enter(phase, lambda: self.pictures.draw(self.generator, phase.batch, phase.crop_px))
        self.average.restart(name for name, p in self.parameters.items() if not torch.equal(p, before[name]))
        self.best_loss = (
            math.inf
        )  # losses of different phases don't compare; only the last phase's best is worth freezing
        self._players()
        trained = sum(p.numel() for p in self.parameters.values() if p.requires_grad)
        self.log.write("phase", step=self.plan.step, phase=phase.name, seconds=self.plan.seconds, trained=trained)
        self.progress.say(f"phase {phase.name}: {trained:_} parameters learn")

    def _players(self) -> None:
        phase = self.phase
        self.names = {player.name: phase.parameters(player, self.parameters) for player in phase.players}
        learning = {name for names in self.names.values() for name in names}
        if not learning:
            raise UsageError("trainable", value=phase.trainable, allowed="patterns that match some parameter")
        for name, p in self.parameters.items():
            p.requires_grad_(name in learning)
            p.grad = None
        self.optimisers = {
            player.name: Optimisers(
                player, phase, {n: self.parameters[n] for n in self.names[player.name]}, self.moments.get(player.name)
            )
            for player in phase.players
        }
        self.moments = {}
        if self.settings.compile:
            try:
                self.runner = torch.compile(self.system)  # type: ignore[assignment]
            except Exception as error:  # no compiler on this machine: slower, not wrong
                self._note(f"not compiled: {error}")
        self.captured: step.Captured | None = None
        self.may_capture = self.settings.capture and self.device.type == "cuda" and len(phase.players) == 1

    # --- steps ---------------------------------------------------------------------------------------------------

    def _forward(self, crops: Tensor, rate: Tensor, player: Player | None = None) -> Outputs:
        losses = getattr(self.system, "losses", None) or {}
        call = self.runner if player is None else losses.get(player.name, self.runner)
        with self.mode.autocast(self.device):
            return call(crops, rate)

    def _forward_backward(self, crops: Tensor, rate: Tensor, player: Player) -> Outputs:
        outputs = self._forward(crops, rate, player)
        outputs["loss"].mean().backward()
        return {name: value.detach() for name, value in outputs.items()}

    def _passed(self, crops: Tensor, rate: Tensor, player: Player, optimisers: Optimisers) -> Outputs:
        """Gradients of one player, captured where that is possible."""
        if self.may_capture:
            self.may_capture = False
            try:
                both = lambda c, r: self._forward_backward(c, r, player)  # noqa: E731
                self.captured = step.Captured(both, optimisers.zero, crops, rate)
                self._note("the step is captured as a CUDA graph")
            except Exception as error:  # many things can't be captured; plain passes always work
                self.captured = None
                torch.cuda.synchronize(self.device)
                self._note(f"not captured: {str(error).splitlines()[0][:200]}")
        if self.captured is not None:
            return self.captured(crops, rate)
        optimisers.zero()
        return self._forward_backward(crops, rate, player)

    def _step(self) -> None:
        """Draw crops and rates, let every player take its step."""
        phase, plan = self.phase, self.plan
        crops = self.pictures.draw(self.generator, phase.batch, phase.crop_px, rotations=self.settings.rotations)
        anchors = int(getattr(self.system, "rate_anchors", 8))
        rate = torch.from_numpy(data.rates(self.generator, phase.batch, anchors)).to(self.device)
        factor = plan.factor(phase)
        for player in phase.players:
            if plan.phase_step % player.every:
                continue
            optimisers = self.optimisers[player.name]
            if len(phase.players) > 1:
                for name, p in self.parameters.items():
                    p.requires_grad_(name in self.names[player.name])
            outputs = self._passed(crops, rate, player, optimisers)
            norm = float(optimisers.clip())
            good = math.isfinite(norm)
            if good:
                optimisers.step(factor)
            self._count(good)
            if player is phase.players[0]:
                self._gather(outputs, norm, good)
        if self.bad_in_a_row == 0:
            self.average.update(phase.ema_decay)

    def _count(self, good: bool) -> None:
        self.bad_in_a_row = 0 if good else self.bad_in_a_row + 1
        self.bad_steps += not good
        if self.bad_in_a_row >= BAD_STEPS_IN_A_ROW:
            self._note("diverged")
            raise ModelError(
                f"training diverged: {self.bad_in_a_row} steps in a row without a finite gradient",
                looked=self.last,
                hint="the last resume file is from before; try a smaller rate or float32",
            )

    def _gather(self, outputs: Outputs, norm: float, good: bool) -> None:
        if good:
            mse = outputs["mse"].float().clamp(min=1e-4)
            row = {
                "loss": float(outputs["loss"].mean()),
                "bpp": float(outputs["bpp"].mean()),
                "psnr_db": float((10 * torch.log10(65025 / mse)).mean()),
                "norm": norm,
            }
            for name, value in row.items():
                self.sums[name] = self.sums.get(name, 0.0) + value
            self.sums["good"] = self.sums.get("good", 0.0) + 1
        self.sums["steps"] = self.sums.get("steps", 0.0) + 1

    def _log_row(self, since_s: float) -> dict[str, float]:
        """The means of the last steps as one row; starts the next."""
        sums, phase, plan = self.sums, self.phase, self.plan
        self.sums = {}
        row = {k: sums[k] / sums["good"] for k in ("loss", "bpp", "psnr_db", "norm") if sums.get("good")}
        speed = sums["steps"] / since_s
        row |= {"factor": plan.factor(phase), "steps_per_s": speed}
        row["mpx_per_s"] = speed * phase.batch * phase.crop_px**2 / 1e6
        self.log.write("step", step=plan.step, phase=phase.name, seconds=plan.seconds, **row, bad_steps=self.bad_steps)
        return row

    # --- what is left behind -------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on."""
        moments = {name: o.states() for name, o in getattr(self, "optimisers", {}).items()} or self.moments
        return {
            "recipe": self.recipe.name,
            "size": self.settings.size,
            "schedule": self.settings.schedule,
            "plan": self.plan.stored(),
            "system": dict(self.system.state_dict()),
            "average": self.average.values,
            "average_count": self.average.count,
            "moments": moments,
            "generator": json.dumps(self.generator.bit_generator.state),
            "torch_random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "mode": self.mode.name,
            "sums": self.sums,
            "bad_steps": self.bad_steps,
            "best_loss": self.best_loss,
            "first_curve": self.first.rows() if self.first else None,
            "pictures": self.pictures.fingerprint(),
        }

    def save(self) -> None:
        """Write last.pt."""
        self.plan.seconds = self._now()
        resume.save(self.last, self.state())

    def check(self) -> Curve | None:
        """Validate the averaged weights, log it, keep the best."""
        if self.crops is None:
            return None
        began = time.monotonic()
        with self.average:
            self.curve = validate(self.system, self.crops, self._forward)
        if self.first is None or relative_rate_percent(self.first, self.first) is None:
            self.first = (
                self.curve
            )  # an untrained curve may not even rise: then the next one is what later ones are held against
        figure = relative_rate_percent(self.curve, self.first)
        self.log.write(
            "validation",
            step=self.plan.step,
            phase=self.phase.name if self.plan.phase >= 0 else "",
            seconds=self._now(),
            took_s=time.monotonic() - began,
            loss=self.curve.loss,
            relative_rate_percent=figure,
            curve=self.curve.rows(),
        )
        ends = " ".join(f"{b:.3f}@{p:.2f}" for _, b, p in self.curve.rows())
        self.progress.say(
            f"validation at {self._now() / 60:.1f} min: {ends}" + ("" if figure is None else f"  ({figure:+.1f} %)")
        )
        if self.curve.loss < self.best_loss and self.plan.phase >= 0:
            self.best_loss = self.curve.loss
            resume.save(self.best, self.state() | {"moments": {}})
        self.validation_took = time.monotonic() - began
        return self.curve

    # --- the loop ------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Train until the budget is used up, a signal arrives or the session is to pause."""
        with _Signals() as signals:
            if self.plan.phase < 0:
                self.check()
            finished = self._steps(signals)
            if finished:
                self.check()
            self.save()
            if finished:
                self.log.write("end", step=self.plan.step, seconds=self.plan.seconds)
            self.picture()
        figure = relative_rate_percent(self.curve, self.first) if self.curve and self.first else None
        return Outcome(signals.number, finished, self.plan.step, self.plan.seconds, self.curve, figure)

    def _steps(self, signals: _Signals) -> bool:
        s, plan = self.settings, self.plan
        row_began = saved = validated = self._now()
        row: dict[str, float] = {}
        while True:
            while plan.done():
                if plan.phase + 1 >= len(self.phases):
                    return True
                if plan.phase >= 0:
                    self.moments = {name: o.states() for name, o in self.optimisers.items()}
                self._enter()
            now = self._now()
            if signals.number is not None or (
                s.stop_minutes is not None and time.monotonic() - self.session_began > 60 * s.stop_minutes
            ):
                return False
            if now - saved > s.save_s:
                self.save()
                saved = now
            if s.validate_steps is not None:
                due = plan.step > 0 and plan.step % s.validate_steps == 0
            else:
                due = now - validated > (s.validate_s or max(60.0, 20 * self.validation_took))
            if due:
                self.check()
                self.picture()
                validated = self._now()
                row_began += validated - now
            self._step()
            plan.advance(self.phase, self._now())
            if plan.step % s.log_steps == 0:
                row = self._log_row(max(1e-9, self._now() - row_began))
                row_began = self._now()
            left_s = None if plan.minutes is None else max(0.0, 60 * plan.minutes - plan.seconds)
            said = f"step {plan.step} {self.phase.name}"
            if "loss" in row:
                said += (
                    f" loss {row['loss']:.4f} {row['bpp']:.3f} bpp {row['psnr_db']:.2f} dB {row['mpx_per_s']:.3f} Mpx/s"
                )
            self.progress.show(plan.fraction(self.phases), said, left_s)

    def picture(self) -> None:
        """Draw curve.png from the log."""
        title = f"{self.recipe.name}, {self.plan.step} steps, {self.plan.seconds / 60:.0f} min"
        log.draw(log.read(self.log.path), self.settings.run / "curve.png", title)


class _Signals:
    """SIGINT and SIGTERM end the loop after the current step; a second one ends the process as usual."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {n: signal.signal(n, self._note) for n in (signal.SIGINT, signal.SIGTERM)}
        return self

    def _note(self, number: int, _frame: object) -> None:
        self.number = number
        signal.signal(number, self._before[number])

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)

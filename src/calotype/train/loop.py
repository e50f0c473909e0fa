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
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from calotype.errors import ModelError, TargetExists, UsageError
from calotype.train import data, idle, log, opening, resume, step, validation
from calotype.train.optimisers import Average
from calotype.train.phases import Phase
from calotype.train.plan import Plan
from calotype.train.players import Outputs, Players, Taken
from calotype.train.settings import Outcome, Settings
from calotype.train.signals import Signals
from calotype.train.validation import Curve, relative_rate_percent, validate

__all__ = ["Outcome", "Settings", "Training", "train"]

BEGIN_CROPS, BAD_STEPS_IN_A_ROW = 256, 20


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
        self.pictures, self.crops = opening.pictures(settings, self.device, self.progress)
        self.log = log.Log(run / "log.jsonl", None if state is None else state["plan"]["step"])
        torch.manual_seed(settings.seed)
        sized = () if settings.size == "default" else (settings.size,)
        self.system: nn.Module = recipe.system(*sized).to(self.device)
        self.runner: Callable[[Tensor, Tensor], Outputs] = self.system
        if settings.compile:
            self.runner = torch.compile(self.system, dynamic=False)  # type: ignore[assignment]
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
        self.mode, measured = opening.precision(s, self.system, self.device, self.pictures, self.phases[0])
        if measured:
            self._note("precision " + self.mode.name, seconds={k: round(v, 4) for k, v in measured.items()})
        self.average = Average(self.parameters)
        said = opening.record(s, self.recipe.name, self.phases, self.system, self.pictures, self.mode, self.device)
        self.log.write("start", step=0, **{k: said[k] for k in ("recipe", "parameters", "mode", "device", "torch")})

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
            self._gather_players()
        self.progress.say(f"resumed at step {self.plan.step}, {self.plan.seconds / 60:.1f} min")

    def _stretch(self, minutes: float | None, steps: int | None) -> None:
        plan = self.plan
        if plan.phase + 1 == len(self.phases) and plan.done():
            raise UsageError("budget", value=minutes or steps, allowed="a new run with --init: this one is finished")
        if minutes is not None:
            plan.phase_ends_s *= minutes / (plan.minutes or minutes)
            plan.minutes = minutes
        elif steps is not None and plan.steps != steps:
            raise UsageError(
                "steps", value=steps, allowed=f"{plan.steps}, as the run began: its schedule depends on it"
            )

    def _start_clock(self) -> None:
        self.clock = time.monotonic() - self.plan.seconds

    def _now(self) -> float:
        return time.monotonic() - self.clock

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
        self.best_loss = math.inf  # losses of different phases don't compare; the last phase's best is worth freezing
        self._gather_players()
        learning = self.players.learning
        self.log.write("phase", step=self.plan.step, phase=phase.name, seconds=self.plan.seconds, learning=learning)
        self.progress.say(f"phase {phase.name}: {learning:_} parameters learn")

    def _gather_players(self) -> None:
        s = self.settings
        self.players = Players(
            self.system,
            self.phase,
            self.mode,
            self.device,
            self.moments,
            runner=self.runner,
            capture=s.capture,
            note=self._note,
        )
        self.moments = {}

    def _forward(self, crops: Tensor, rate: Tensor) -> Outputs:
        with self.mode.autocast(self.device):
            return self.runner(crops, rate)

    # --- steps ---------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        """Draw crops and rates, let the players take their steps."""
        phase, plan = self.phase, self.plan
        crops = self.pictures.draw(self.generator, phase.batch, phase.crop_px, rotations=self.settings.rotations)
        anchors = int(getattr(self.system, "rate_anchors", 8))
        rate = torch.from_numpy(data.rates(self.generator, phase.batch, anchors)).to(self.device)
        taken = self.players.step(crops, rate, plan.factor(phase), plan.phase_step)
        if taken.good:
            self.average.update(phase.ema_decay)
        self._count(taken)

    def _count(self, taken: Taken) -> None:
        """Add a step to the row of the log that is being gathered; too many bad ones in a row end the run."""
        self.sums["steps"] = self.sums.get("steps", 0.0) + 1
        self.bad_in_a_row = 0 if taken.good else self.bad_in_a_row + 1
        self.bad_steps += not taken.good
        if self.bad_in_a_row >= BAD_STEPS_IN_A_ROW:
            raise ModelError(
                f"training diverged: {self.bad_in_a_row} steps in a row without a finite gradient",
                looked=self.last,
                hint="the last resume file is from before; try a smaller rate or float32",
            )
        if taken.good and taken.outputs:
            mse = taken.outputs["mse"].float().clamp(min=1e-4)
            row = {
                "good": 1.0,
                "loss": float(taken.outputs["loss"].mean()),
                "bpp": float(taken.outputs["bpp"].mean()),
                "psnr_db": float((10 * torch.log10(65025 / mse)).mean()),
                "norm": taken.norm,
            }
            for name, value in row.items():
                self.sums[name] = self.sums.get(name, 0.0) + value

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
        moments = self.players.moments() if self.plan.phase >= 0 else self.moments
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
            self.first = self.curve  # an untrained curve may not even rise: then the next one is the reference
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

    def tell_idle(self) -> None:
        """Log how many units never fire, and say where it is half of a layer or more."""
        if self.crops is None:
            return
        with self.average:
            found = idle.idle_units(self.system, self.crops[: validation.AT_ONCE], self._forward)
        self.log.write("idle", step=self.plan.step, units={name: list(pair) for name, pair in found.items() if pair[0]})
        for line in idle.said(found):
            self.progress.say(line)

    # --- the loop ------------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Train until the budget is used up, a signal arrives or the session is to pause."""
        with Signals() as signals:
            if self.plan.phase < 0:
                self.check()
            finished = self._steps(signals)
            if finished:
                self.check()
                self.tell_idle()
            self.save()
            if finished:
                self.log.write("end", step=self.plan.step, seconds=self.plan.seconds)
            self.picture()
        figure = relative_rate_percent(self.curve, self.first) if self.curve and self.first else None
        return Outcome(signals.number, finished, self.plan.step, self.plan.seconds, self.curve, figure)

    def _steps(self, signals: Signals) -> bool:
        s, plan = self.settings, self.plan
        row_began = saved = validated = self._now()
        row: dict[str, float] = {}
        while True:
            while plan.done():
                if plan.phase + 1 >= len(self.phases):
                    return True
                if plan.phase >= 0:
                    self.moments = self.players.moments()
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

"""Where a run stands in its phases and budget: the one source of the schedule's progress, stored in every resume file.

With a budget of steps, progress is a function of the step alone. With a budget of minutes, the length of a phase is
estimated from the throughput and corrected from time to time; what is stored are the corrections, so that a resumed run
goes on from the same place of the schedule. No clock is read here: the loop passes seconds in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from calotype.train.phases import Phase, factor, shares

__all__ = ["Plan"]

# Throughput is looked at after a fiftieth of a phase, but neither all the time nor hardly ever.
LOOK_STEPS, LOOK_SHARE, LOOK_S = 3, 0.02, (0.5, 20.0)


@dataclass(slots=True, kw_only=True)
class Plan:
    """The budget, and how much of it is gone.

    steps, minutes    the budget: exactly one of them is set
    step              steps of the run done, skipped ones included
    seconds           time of the run so far, over all its sessions
    phase             index of the phase that runs, -1 before the first
    phase_step        steps of that phase done
    phase_began_s     `seconds` at its start
    phase_ends_s      `seconds` at which it ends, for a budget of minutes
    end_step          `phase_step` at which it ends, as far as known
    known_progress    progress at `known_step`, where `end_step` was last corrected
    """

    steps: int | None = None
    minutes: float | None = None
    step: int = 0
    seconds: float = 0.0
    phase: int = -1
    phase_step: int = 0
    phase_began_s: float = 0.0
    phase_ends_s: float = 0.0
    end_step: int | None = None
    known_progress: float = 0.0
    known_step: int = 0
    looked_s: float = 0.0
    looked_step: int = 0
    seconds_per_step: float = 0.0

    @classmethod
    def from_stored(cls, stored: Mapping[str, object]) -> Plan:
        """The plan of a resume file."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in stored.items() if key in known})  # type: ignore[arg-type]

    def stored(self) -> dict[str, object]:
        """Plain data for a resume file."""
        return asdict(self)

    def enter(self, phases: Sequence[Phase], seconds: float) -> None:
        """Go to the next phase; `seconds` is the time of the run so far."""
        self.phase += 1
        self.seconds, self.phase_began_s, self.looked_s = seconds, seconds, seconds
        self.phase_step = self.known_step = self.looked_step = 0
        self.known_progress = self.seconds_per_step = 0.0
        if self.minutes is None:
            self.end_step = shares(phases, self.steps or 1)[self.phase]
        else:
            left_s = max(0.0, 60 * self.minutes - seconds)
            part = phases[self.phase].share / sum(phase.share for phase in phases[self.phase :])
            self.phase_ends_s, self.end_step = seconds + left_s * part, None

    def done(self) -> bool:
        """Whether the phase is over (or none has begun)."""
        if self.phase < 0 or (self.end_step is not None and self.phase_step >= self.end_step):
            return True
        return self.minutes is not None and self.phase_step > 0 and self.seconds >= self.phase_ends_s

    def progress(self) -> float:
        """How much of the phase is done, 0 to 1, as far as known."""
        if self.end_step is None:
            return self.known_progress
        steps = max(1, self.end_step - self.known_step)
        return min(1.0, self.known_progress + (1 - self.known_progress) * (self.phase_step - self.known_step) / steps)

    def factor(self, phase: Phase) -> float:
        """Factor on the learning rates for the step to come."""
        return factor(phase, self.progress(), self.phase_step)

    def advance(self, phase: Phase, seconds: float) -> None:
        """Count a step that ended at `seconds`, and correct the estimate of the phase's length when it is time to."""
        self.step += 1
        self.phase_step += 1
        self.seconds = seconds
        if self.minutes is None:
            return
        steps, since_s = self.phase_step - self.looked_step, seconds - self.looked_s
        look_s = min(max(LOOK_SHARE * (self.phase_ends_s - self.phase_began_s), LOOK_S[0]), LOOK_S[1])
        if steps < LOOK_STEPS or since_s < look_s:
            return
        now = since_s / steps
        self.seconds_per_step = 0.5 * (self.seconds_per_step + now) if self.seconds_per_step else now
        self.known_progress, self.known_step = self.progress(), self.phase_step
        left = round((self.phase_ends_s - seconds) / self.seconds_per_step)
        end = self.phase_step + max(0, left)
        self.end_step = end if phase.at_most_steps is None else min(end, phase.at_most_steps)
        self.looked_s, self.looked_step = seconds, self.phase_step

    def fraction(self, phases: Sequence[Phase]) -> float:
        """How much of the whole run is done, for a progress bar."""
        if self.minutes is not None:
            return min(1.0, self.seconds / (60 * self.minutes))
        return self.step / max(1, sum(shares(phases, self.steps or 1)))

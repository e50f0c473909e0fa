"""What a training run consists of: players (who learns, how fast) and phases (what is learned when), as frozen data.

Nothing here computes anything but the shape of a schedule; the loop that obeys is in loop.py. Free of torch, so that the
head of a recipe can be read without it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from calotype.errors import UsageError

__all__ = [
    "BOLD",
    "CONTEXTS_ONLY",
    "EVERYTHING",
    "INTEGERS_LAST",
    "SCHEDULES",
    "Phase",
    "Player",
    "chosen",
    "factor",
    "shares",
]

SCHEDULES = ("constant", "linear", "constant_then_linear", "cosine")
OPTIMISERS = ("muon", "adamw")


def chosen(names: Iterable[str], patterns: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """The names that match one of `patterns` (shell style: `*` also crosses dots) and none of `without`, in order."""
    return [
        name
        for name in names
        if any(fnmatchcase(name, p) for p in patterns) and not any(fnmatchcase(name, p) for p in without)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """A set of parameters with one objective and one kind of optimiser.

    name         also the key of `system.losses` where a system has several objectives
    parameters   shell-style patterns of parameter names
    optimiser    "muon": Muon where a weight is a matrix worth it, AdamW for the rest; "adamw": AdamW for everything
    muon_rate    learning rate of Muon; a step is muon_rate * 0.2 * sqrt(larger side of the matrix)
    adam_rate    learning rate of AdamW
    slower       (pattern, factor) pairs: both rates are multiplied by `factor` for the names that match, first match counts
    every        steps of the run per step of this player
    """

    name: str = "codec"
    parameters: tuple[str, ...] = ("*",)
    optimiser: str = "muon"
    muon_rate: float = 3e-3
    adam_rate: float = 1e-3
    slower: tuple[tuple[str, float], ...] = ()
    every: int = 1

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise UsageError("optimiser", value=self.optimiser, allowed=", ".join(OPTIMISERS))
        if self.every < 1:
            raise UsageError("every", value=self.every, allowed="1 and above")

    def scale(self, name: str) -> float:
        """Factor on the learning rates of the parameter `name`."""
        return next((f for pattern, f in self.slower if fnmatchcase(name, pattern)), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of a run during which the same things are trained in the same way.

    share           part of the budget, relative to the shares of the other phases
    at_most_steps   the phase is never longer; what it leaves goes to the phases after it
    crop_px, batch  side and number of crops in a step
    rate_scale      factor on all learning rates of the players
    schedule        one of SCHEDULES; see `factor`
    hold            constant_then_linear: share of the phase at full rate
    final           what the factor falls to at the end of the phase
    warmup_steps    the factor rises linearly over the first steps of the phase
    trainable       patterns of parameter names that learn; `frozen` takes names away again
    ema_decay       of the averaged weights, which validation and freezing use; 0 switches averaging off
    clip_norm       gradient norm of each player above which its gradient is scaled down
    bold            factor on what a system slows down of itself (`System.slower`), up to full rates
    options         for the system: read in `system.enter(phase, batches)`
    """

    name: str
    share: float = 1.0
    at_most_steps: int | None = None
    crop_px: int = 256
    batch: int = 8
    rate_scale: float = 1.0
    schedule: str = "constant_then_linear"
    hold: float = 0.4
    final: float = 0.02
    warmup_steps: int = 30
    players: tuple[Player, ...] = (Player(),)
    trainable: tuple[str, ...] = ("*",)
    frozen: tuple[str, ...] = ()
    ema_decay: float = 0.999
    clip_norm: float = 5.0
    bold: float = 1.0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise UsageError("schedule", value=self.schedule, allowed=", ".join(SCHEDULES))
        for name in ("share", "crop_px", "batch", "rate_scale", "clip_norm", "bold"):
            if not getattr(self, name) > 0:
                raise UsageError(name, value=getattr(self, name), allowed="above 0")
        if not 0 <= self.ema_decay < 1:
            raise UsageError("ema_decay", value=self.ema_decay, allowed="from 0 to below 1")
        if len({player.name for player in self.players}) != len(self.players) or not self.players:
            raise UsageError("players", value=[p.name for p in self.players], allowed="one or more different names")
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    def parameters(self, player: Player, names: Iterable[str]) -> list[str]:
        """The parameter names that `player` trains in this phase."""
        return chosen(chosen(names, self.trainable, self.frozen), player.parameters)


# At half of full rates transforms leave their closed form behind: 725 steps of eight crops then bring 13 % of the rate,
# where a fiftieth brings 4 % and full rates 11 %, after they undid what they began with (docs/training.md).
# It costs them dearly at first, so rates rise slowly, and runs of a hundred steps never see them.
BOLD, WARM = 25.0, 200

# How most recipes with exact networks learn: tables for transforms in closed form (train/closed_form.py), then everything
# in real numbers, then with every activation and weight of what chooses tables an integer.
INTEGERS_LAST = (
    Phase(name="tables", share=0.05, at_most_steps=100, frozen=("analysis*", "synthesis*"), schedule="constant"),
    Phase(
        name="everything", share=0.8, schedule="constant_then_linear", hold=0.5, final=0.2, bold=BOLD, warmup_steps=WARM
    ),
    Phase(name="integers", share=0.2, rate_scale=0.2, schedule="linear", bold=BOLD, options={"exact": True}),
)

# The same where no network decides tables.
EVERYTHING = (Phase(name="everything", hold=0.5, bold=BOLD, warmup_steps=WARM),)

# From trained weights: what stands behind the transform learns anew, on latents that stay as they are. Contexts trained
# so from one transform differ in rate only.
CONTEXTS_ONLY = (
    Phase(
        name="contexts", frozen=("analysis*", "synthesis*", "gain", "inverse"), hold=0.6, options={"exact": True},
    ),
)  # fmt: skip


def factor(phase: Phase, progress: float, step: int) -> float:
    """What the learning rates of `phase` are multiplied by.

    progress   how much of the phase is done, 0 to 1
    step       steps of the phase done so far, for the warm-up
    returns    rate_scale * warm-up * schedule
    """
    done = min(max(progress, 0.0), 1.0)
    if phase.schedule == "constant":
        shape = 1.0
    elif phase.schedule == "cosine":
        shape = phase.final + (1 - phase.final) * (1 + math.cos(math.pi * done)) / 2
    else:
        hold = phase.hold if phase.schedule == "constant_then_linear" else 0.0
        shape = 1.0 if done <= hold else max(phase.final, (1 - done) / (1 - hold))
    warm = min(1.0, (step + 1) / phase.warmup_steps) if phase.warmup_steps > 0 else 1.0
    return phase.rate_scale * warm * shape


def shares(phases: Sequence[Phase], total_steps: int) -> list[int]:
    """Steps of each phase when the budget is a number of steps: at least 1 each, caps respected, the rest by share."""
    left, steps = total_steps, []
    for i, phase in enumerate(phases):
        wanted = round(left * phase.share / sum(p.share for p in phases[i:]))
        if phase.at_most_steps is not None:
            wanted = min(wanted, phase.at_most_steps)
        steps.append(max(1, wanted))
        left = max(0, left - steps[-1])
    return steps

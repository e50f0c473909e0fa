"""What the caller of a run decides, and what a session of it came to: data only. What the method decides is in phases.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from calotype.train.validation import Curve

__all__ = ["Outcome", "Settings"]


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

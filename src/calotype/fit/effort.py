"""The scale of effort: what each step of `--effort` does, and about how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.errors import UsageError

__all__ = ["DEFAULT", "EFFORTS", "Effort", "minutes", "of"]


@dataclass(frozen=True, slots=True)
class Effort:
    """Iterations, and how boldly they go: fewer ones take larger steps."""

    iterations: int
    latent_rate: float
    network_rate: float
    networks: bool = True


EFFORTS = {
    1: Effort(50, 0.06, 0.0, networks=False),  # latents alone, by the start's networks
    2: Effort(120, 0.05, 2e-3),
    3: Effort(250, 0.04, 2e-3),
    4: Effort(500, 0.03, 1.5e-3),
    5: Effort(1_000, 0.025, 1.5e-3),
    6: Effort(2_500, 0.02, 1e-3),
    7: Effort(6_000, 0.015, 1e-3),
    8: Effort(15_000, 0.01, 7e-4),
    9: Effort(40_000, 0.01, 5e-4),
}
DEFAULT = 4
_SECONDS_PER_MP = 1.0  # of one iteration on one core, measured on 768x512: docs/systems/bespoke.md


def of(effort: int) -> Effort:
    """The effort of that number; raises UsageError outside 1..9."""
    if effort not in EFFORTS:
        raise UsageError("effort", value=effort, allowed="1 (quick) to 9 (hours)")
    return EFFORTS[effort]


def minutes(effort: int, pixels: int) -> float:
    """About how long a picture of so many pixels takes on one core."""
    return of(effort).iterations * _SECONDS_PER_MP * pixels / 1e6 / 60

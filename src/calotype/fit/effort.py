"""The scale of effort: what each step of `--effort` does, and about how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.errors import UsageError

__all__ = ["DEFAULT", "EFFORTS", "Effort", "minutes", "of"]


MIDDLE = ("mix", "mix_bias", "bias")  # kinds of tensors: what is below the last layers
ALL = (*MIDDLE, "see", "post.last", "post.bias")


@dataclass(frozen=True, slots=True)
class Effort:
    """Iterations, and for more than a minute's worth which tensors descend in them, how boldly."""

    iterations: int
    kinds: tuple[str, ...] = ()
    network_rate: float = 3e-3


EFFORTS = {
    1: Effort(6),
    2: Effort(14),
    3: Effort(40),
    4: Effort(200, MIDDLE),
    5: Effort(500, MIDDLE),
    6: Effort(1_500, ALL, 2e-3),
    7: Effort(4_000, ALL, 1e-3),
    8: Effort(12_000, ALL, 1e-3),
    9: Effort(36_000, ALL, 5e-4),
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

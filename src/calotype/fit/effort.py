"""The scale of effort: what each step of `--effort` does, and about how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.errors import UsageError

__all__ = ["DEFAULT", "EFFORTS", "Effort", "minutes", "of"]


MIDDLE = ("mix", "mix_bias", "bias")  # kinds of tensors: what is below the last layers
ALL = (*MIDDLE, "see", "post.last", "post.bias")


@dataclass(frozen=True, slots=True)
class Effort:
    """Iterations, and which tensors descend in the later ones, how boldly."""

    iterations: int
    kinds: tuple[str, ...] = ()
    network_rate: float = 3e-3


EFFORTS = {
    1: Effort(6),
    2: Effort(14),
    3: Effort(40),
    4: Effort(100),
    5: Effort(250, MIDDLE),
    6: Effort(800, ALL),
    7: Effort(2_500, ALL, 2e-3),
    8: Effort(8_000, ALL, 1e-3),
    9: Effort(25_000, ALL, 5e-4),
}
DEFAULT = 3
_BEFORE_AND_AFTER = 8  # iterations' worth of time that each fit takes besides
_SECONDS_PER_MP = 1.3  # of one iteration on one core, measured on 768x512: docs/systems/bespoke.md


def of(effort: int) -> Effort:
    """The effort of that number; raises UsageError outside 1..9."""
    if effort not in EFFORTS:
        raise UsageError("effort", value=effort, allowed="1 (quick) to 9 (hours)")
    return EFFORTS[effort]


def minutes(effort: int, pixels: int) -> float:
    """About how long a picture of so many pixels takes on one core."""
    return (of(effort).iterations + _BEFORE_AND_AFTER) * _SECONDS_PER_MP * pixels / 1e6 / 60

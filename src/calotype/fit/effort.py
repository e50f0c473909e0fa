"""The scale of effort: what each step of `--effort` does, and about how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.errors import UsageError

__all__ = ["DEFAULT", "LAYERED", "Effort", "minutes", "of"]


@dataclass(frozen=True, slots=True)
class Effort:
    """What a fit of that effort is."""

    iterations: int


# Of a pyramid (recipe bespoke), whose fits settle after forty iterations: more gain less than a thousandth.
PYRAMID = {1: Effort(6), 2: Effort(14), 3: Effort(40)}
# Of layers (recipe bespoke-layers), where every doubling still pays. With the pyramid's model these begin at 4.
LAYERS = {
    1: Effort(150),
    2: Effort(300),
    3: Effort(600),
    4: Effort(1_000),
    5: Effort(2_000),
    6: Effort(4_000),
    7: Effort(8_000),
    8: Effort(16_000),
    9: Effort(40_000),
}
DEFAULT, LAYERED = 4, 4
_BEFORE_AND_AFTER = 8, 40  # iterations' worth of time that each fit takes besides
_SECONDS_PER_MP = 1.3, 0.65  # of one iteration on one core: docs/systems/bespoke.md


def of(effort: int, walk: str = "bespoke") -> Effort:
    """The effort of that number for a model of that walk; raises UsageError outside 1..9.

    A pyramid's own efforts end where layers take over (`LAYERED`).
    """
    table = PYRAMID if walk == "bespoke" else LAYERS
    if effort not in LAYERS:
        raise UsageError("effort", value=effort, allowed="1 (quick) to 9 (hours)")
    return table[min(effort, max(table))]


def minutes(effort: int, pixels: int, walk: str = "bespoke") -> float:
    """About how long a picture of so many pixels takes on one core."""
    kind = walk != "bespoke"
    return (of(effort, walk).iterations + _BEFORE_AND_AFTER[kind]) * _SECONDS_PER_MP[kind] * pixels / 1e6 / 60

"""The scale of effort: what each step of `--effort` does, and about how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from calotype.errors import UsageError

__all__ = ["DEFAULT", "LAYERS", "PYRAMID", "QUICK", "Effort", "gigabytes", "minutes", "of"]


MIDDLE = ("mix", "mix_bias", "bias")  # kinds of tensors: what is below the last layers
ALL = (*MIDDLE, "see", "post.last", "post.bias")


@dataclass(frozen=True, slots=True)
class Effort:
    """Iterations, and which tensors descend in the later ones, how boldly."""

    iterations: int
    kinds: tuple[str, ...] = ()
    network_rate: float = 3e-3


# Of recipe bespoke, whose start is shipped as `bespoke-quick`.
PYRAMID = {
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
# Of recipe bespoke-layers, whose start is shipped as `bespoke`.
LAYERS = {
    1: Effort(80),
    2: Effort(250),
    3: Effort(1_000),
    4: Effort(1_500),
    5: Effort(2_200),
    6: Effort(3_000),
    7: Effort(4_000),
    8: Effort(6_000),
    9: Effort(8_000),
}
DEFAULT = 3
# Efforts of the shipped `bespoke` at which layers would hardly have begun, and those of `bespoke-quick` that stand for them.
QUICK = {0: 0, 1: 1, 2: 2}
_BEFORE_AND_AFTER = {"bespoke": 8, "layers": 25}  # iterations' worth of time that each fit takes besides
_SECONDS_PER_MP = {"bespoke": 1.3, "layers": 1.4}  # of one iteration on one core: docs/systems/bespoke.md


def of(effort: int, walk: str = "bespoke") -> Effort:
    """The effort of that number for a model of that walk; raises UsageError outside 1..9."""
    table = LAYERS if walk == "layers" else PYRAMID
    if effort not in table:
        raise UsageError("effort", value=effort, allowed="1 (quick) to 9 (hours)")
    return table[effort]


def minutes(effort: int, pixels: int, walk: str = "bespoke") -> float:
    """About how long a picture of so many pixels takes on one core."""
    return (of(effort, walk).iterations + _BEFORE_AND_AFTER[walk]) * _SECONDS_PER_MP[walk] * pixels / 1e6 / 60


def gigabytes(pixels: int) -> float:
    """About how much memory a fit in layers needs: a kilobyte a pixel, measured on up to a megapixel, and torch."""
    return 0.35 + 1.1e-6 * pixels

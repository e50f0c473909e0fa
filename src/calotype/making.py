"""The file that was asked for, by a quality, a target, exactly, with more effort: which part of the code makes it.

Nothing is made here. `calotype.encode`, the command line and the Pillow plugin all come through this door.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calotype.errors import UsageError

if TYPE_CHECKING:
    from calotype.model.bundle import Model
    from calotype.picture import Picture
    from calotype.rates import Target

__all__ = ["Made", "make"]


@dataclass(frozen=True, slots=True)
class Made:
    """The bytes of a file, and what was done otherwise than asked, or on the way: one sentence each."""

    data: bytes
    notes: tuple[str, ...] = ()


def make(
    picture: Picture,
    model: Model | None,
    *,
    target: Target | None = None,
    best_effort: bool = False,
    quality: float = 60.0,
    lossless: bool = False,
    effort: int | None = None,
    check: bool = True,
    threads: int | None = None,
    say: Callable[[str], None] | None = None,
) -> Made:
    """The file of a picture; parameters as those of `calotype.encode`.

    model   None where nothing is lost
    effort  0 to 9; None is the model's own: 0, but 3 where pictures are fitted (fit/)
    say     is told what a picture that is fitted is at
    raises  UsageError for an effort that the model does not take; those of codec.encode, targets.encode and fit.encode
    """
    from calotype import codec, fit

    fitted = fit.takes(model) and effort != 0
    if model is not None and effort == 0:
        model, _ = fit.started(model, effort)
    if effort is not None and effort > 0 and lossless:
        raise UsageError("effort", value=effort, allowed="none without loss: exact coding has one way")
    if model is None or (target is None and not fitted):
        found = codec.encode_reported(
            picture, model, quality=quality, lossless=lossless, check=check, threads=threads, effort=effort or 0
        )
        return Made(found.data, found.notes)
    if not fitted:
        from calotype import targets

        assert target is not None
        reached = targets.encode(
            picture, model, target, threads=threads, best_effort=best_effort, check=check, effort=effort or 0
        )
        return Made(reached.data, (reached.said,))
    if target is not None:
        allowed = "0 with a size or a measured quality; or a quality, to fit the picture"
        raise UsageError("effort", value=effort, allowed=allowed)
    done = fit.encode(picture, model, quality=quality, effort=effort, check=check, threads=threads, say=say)
    return Made(done.data, done.notes)

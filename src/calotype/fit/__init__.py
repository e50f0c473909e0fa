"""Fitting: a small decoder and its latents are adapted to one picture before they are written. Needs the extra [train].

Nothing here is needed to decode. The head of this file is readable without torch: `encode` brings it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from calotype.errors import ExtraMissing, UsageError
from calotype.fit import effort as efforts

if TYPE_CHECKING:
    from calotype.encoding import Encoded
    from calotype.model.bundle import Model
    from calotype.picture import Picture

__all__ = ["encode", "started", "takes"]

WALKS = ("bespoke", "layers")
SHIPPED, NEIGHBOUR = "bespoke", "bespoke-quick"


def takes(model: Model | None) -> bool:
    """Whether pictures are fitted before this model codes them."""
    return model is not None and model.manifest.walk in WALKS


def started(model: Model, effort: int) -> tuple[Model, int]:
    """The model and the effort that are meant: where layers would hardly have begun, `bespoke` gives way to `bespoke-quick`.

    The start of layers shows nothing of a picture that was not fitted, and little after a minute, when the pyramid is done.
    Other models of either walk are taken at their word.
    """
    if effort not in efforts.QUICK or not takes(model):
        return model, effort
    from calotype.model import store

    if model.identity != store.find(SHIPPED).identity:
        return model, effort
    return store.find(NEIGHBOUR), efforts.QUICK[effort]


def encode(
    picture: Picture,
    model: Model,
    *,
    quality: float = 60.0,
    effort: int | None = None,
    check: bool = True,
    threads: int | None = None,
    seed: int = 0,
    say: Callable[[str], None] | None = None,
) -> Encoded:
    """The file of a picture that is fitted first; Ctrl-C ends the fitting, and the best so far is written.

    effort    1 to 9, 3 by default (fit/effort.py); 0: nothing is fitted, the model's start codes the picture. Of the shipped
              `bespoke`, 0 to 2 are efforts of `bespoke-quick` (`started`)
    say       is told how long it may take, and then how far it is
    seed      the same seed on the same machine gives the same bytes
    raises    ExtraMissing without torch, UsageError, and as `codec.encode`
    """
    from calotype import encoding

    effort = efforts.DEFAULT if effort is None else effort
    options: dict[str, Any] = {"quality": quality, "check": check, "threads": threads}
    if not takes(model):
        raise UsageError(
            "model", value=model.name, allowed="one that is fitted to each picture: bespoke, bespoke-quick"
        )
    model, effort = started(model, effort)
    if effort == 0 or picture.bilevel or picture.depth_bits > 8:
        return encoding.encode(picture, model, **options)
    chosen = efforts.of(effort, model.manifest.walk)
    try:
        import torch  # noqa: F401
    except ImportError:
        raise ExtraMissing("fitting a picture (--effort 1 to 9)", package="torch", extra="train") from None
    from calotype.fit import course

    return course.encode(picture, model, chosen, effort, options, seed, say)

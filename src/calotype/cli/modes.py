"""Pictures as they are: the options of `calotype encode` and `decode` about exactness, conversions and metadata.

They arrive in the verb's settings under their own names. What they mean is batch/one.py's business.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from calotype.errors import UsageError

__all__ = ["options"]

Command = TypeVar("Command", bound=Callable[..., Any])

# Spelled out, and tested against what they name: importing those would bring NumPy into every --help.
CONVERSIONS = ("rgb", "rgba", "grey", "8bit", "first-frame")
STRIPPABLE = ("exif", "gps", "xmp", "icc", "comments")


def _names(
    argument: str, allowed: tuple[str, ...]
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Checks a list with commas, and hands it on in one spelling."""

    def checked(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
        if value is None:
            return None
        words = [word.strip().lower() for word in value.split(",")]
        for word in words:
            if word not in allowed:
                raise UsageError(argument, value=word, allowed=", ".join(allowed))
        return ",".join(word for word in allowed if word in words)

    return checked


_CONVERT = click.option(
    "--convert",
    metavar="HOW",
    callback=_names("--convert", CONVERSIONS),
    help="What may be changed: rgb, rgba, grey, 8bit, first-frame; several with commas.",
)
_STRIP = click.option(
    "--strip",
    metavar="[=WHAT]",
    callback=_names("--strip", (*STRIPPABLE, "all")),
    help="Drop metadata: all of it, or =exif, =gps, =xmp, =icc, =comments, several with commas.",
)
_ENCODE = (
    click.option("--lossless", is_flag=True, help="Every sample comes back exactly; the only way for 16 bits."),
    _CONVERT,
    _STRIP,
    click.option(
        "--check/--no-check",
        default=True,
        help="Decode what was written, and code otherwise where it is worse than promised (the default).",
    ),
)
_DECODE = (_CONVERT, _STRIP)


def options(verb: str) -> Callable[[Command], Command]:
    """Adds the options to a verb; they arrive in its settings as `lossless`, `convert`, `strip` and `check`."""

    def added(command: Command) -> Command:
        @functools.wraps(command)
        def called(**words: Any) -> Any:
            return command(**words)

        for option in reversed(_ENCODE if verb == "encode" else _DECODE):
            called = option(called)
        return called  # type: ignore[return-value]

    return added

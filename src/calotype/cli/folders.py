"""Many pictures on the command line: the options for it. What is done with them is calotype.batch's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from calotype.errors import UsageError

__all__ = ["Many", "options", "run", "wanted"]

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """The options that concern many pictures."""


def options(verb: str) -> Callable[[Command], Command]:
    """Adds the options of folders to a verb; they arrive together as `many`."""

    def added(command: Command) -> Command:
        def called(**words: Any) -> Any:
            return command(many=Many(), **words)

        called.__doc__, called.__name__ = command.__doc__, command.__name__
        called.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
        return called  # type: ignore[return-value]

    return added


def wanted(sources: Sequence[str], output: str | None, many: Many) -> bool:
    """Whether this is a matter of many pictures, and not of one file that becomes another."""
    return len(sources) != 1


def run(
    verb: str, sources: Sequence[str], output: str | None, force: bool, many: Many, settings: Mapping[str, Any]
) -> int:
    """Do it, and return the exit code."""
    raise UsageError("IN", value=f"{len(sources)} inputs", allowed="one")

"""What a benchmark knows of its codecs before it starts: what they say of themselves, and which levels are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calotype.bench.processes import Failed, Lane
from calotype.errors import CalotypeError, UsageError

__all__ = ["Said", "ask", "levels_of_words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A codec as rows show it.

    asked   the word that finds it again: a name, the path of a model, "module:attribute"
    levels  those that will be measured
    """

    asked: str
    name: str
    family: str
    title: str
    lossless: bool
    levels: tuple[float, ...]
    describe: dict[str, str]

    def row(self) -> dict[str, Any]:
        """The fields of a row that all cells of this codec share."""
        return {
            "codec": self.name,
            "family": self.family,
            "title": self.title,
            "lossless": self.lossless,
            "describe": self.describe,
        }


def ask(lane: Lane, words: Iterable[str], levels: Mapping[str, tuple[float, ...]], count: int | None) -> list[Said]:
    """Every codec of the words, asked in a process of its own: a library that crashes on import harms nobody.

    levels  instead of a codec's own, by its name
    count   so many of its own levels, spread evenly; None: all
    errors  those of the registry, with their exit codes: UsageError, ExtraMissing
    """
    found: dict[str, Said] = {}
    for word in words:
        try:
            said = lane.ask("describe", word)
        except Failed as failed:
            error = CalotypeError(failed.said["message"])
            error.exit_code = failed.said["exit_code"]
            raise error from failed
        name = said["name"]
        if name in found:
            raise UsageError("codec", value=f"{word}, called {name}", allowed="codecs of different names")
        own = tuple(said["levels"])
        chosen = levels.get(name, own if count is None or said["lossless"] else _spread(own, count))
        fields: dict[str, Any] = said | {"levels": chosen}
        found[name] = Said(asked=word, **fields)
    for name in levels:
        if name not in found:
            raise UsageError("levels", value=name, allowed=", ".join(found))
    return list(found.values())


def levels_of_words(words: Iterable[str]) -> tuple[dict[str, tuple[float, ...]], int | None]:
    """What --levels says: "CODEC=5,40,90" for one codec, or "4" for how many of every codec's own.

    errors   UsageError
    """
    levels: dict[str, tuple[float, ...]] = {}
    count = None
    for word in words:
        name, mark, numbers = word.rpartition("=")
        try:
            if mark:
                levels[name] = tuple(float(number) for number in numbers.split(","))
            else:
                count = int(word)
            wrong = (count is not None and count < 1) or not all(map(math.isfinite, levels.get(name, ())))
        except ValueError:
            wrong = True
        if wrong:
            raise UsageError("levels", value=word, allowed="CODEC=NUMBER,NUMBER,... or how many of each codec's own")
    return levels, count


def _spread(own: tuple[float, ...], count: int) -> tuple[float, ...]:
    """`count` of the levels, the ends among them."""
    if count >= len(own):
        return own
    if count == 1:
        return (own[len(own) // 2],)
    return tuple(own[round(i * (len(own) - 1) / (count - 1))] for i in range(count))

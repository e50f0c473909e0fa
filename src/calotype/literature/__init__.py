"""The surveyed systems of the literature, row by row: what each is, who describes it, what of it is built and measured.

The source is catalogue.json; figures.json is written by tools/write_systems.py. No recipe is run here, nothing needs torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from calotype import zoo
from calotype.errors import UsageError

__all__ = ["SURVEYS", "Figures", "Row", "built_by", "chosen", "families", "figures", "rows"]

SURVEYS = ("000", "001", "002", "003", "004")  # the five surveys, as the catalogue numbers them
_KINDS = {
    "T": "transform", "Q": "quantizer", "E": "entropy", "K": "coder", "I": "exact", "L": "loss", "R": "rate control",
    "P": "around",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A surveyed system.

    family      "1.A" to "1.M", see `families`
    references  survey: references in it, as the catalogue writes them
    figures     what the surveys print, whether plausible or not
    parts       what it is composed of, by the codes of the catalogue (T transform, Q quantizer, E entropy model, ...)
    weights     "A": a CPU trains it in an hour, or nothing is trained; "B": an accelerator; "C": data of its domain; ""
    status      "must" or "selectable"
    read        "paper read", "survey vague" or "" for well known methods
    taxonomy    survey -> the class in which it puts such systems
    verb        the command that does it, for what is no codec; "" for all others
    codecs      names under which the benchmark has it, from other people's libraries
    """

    id: str
    family: str
    method: str
    references: str
    figures: str
    parts: str
    weights: str
    status: str
    read: str
    taxonomy: Mapping[str, str]
    verb: str = ""
    codecs: tuple[str, ...] = ()

    @property
    def facets(self) -> dict[str, list[str]]:
        """Codes of its parts by kind: {"transform": ["T1"], "entropy": ["E1", "E4"], ...}."""
        found: dict[str, list[str]] = {}
        for code in re.findall(r"\b([TQEKILRP]\d+)\b", self.parts):
            kind = found.setdefault(_KINDS[code[0]], [])
            if code not in kind:
                kind.append(code)
        return found

    @property
    def recipes(self) -> tuple[str, ...]:
        """The recipes that build it."""
        return _recipes().get(self.id, ())

    @property
    def built(self) -> bool:
        """Whether it can be had here, as a recipe, as a command, or in the benchmark."""
        return bool(self.recipes or self.verb or self.codecs)

    def as_dict(self) -> dict[str, Any]:
        """Everything, with what is built: for `calotype systems --json`."""
        built = {name: asdict(known) if (known := figures().get(name)) else None for name in self.recipes}
        return asdict(self) | {"facets": self.facets, "built": built}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is known of a recipe at its default size; None or empty: not counted, not measured.

    made          "trained", "untrained" or "designed"
    parameters    learned numbers, encoder and decoder
    kmac_decode   thousands of multiply-accumulates a pixel of the networks that decode; likewise kmac_encode
    passes        context evaluations that follow each other in a tile of 512x512 pixels
    points        [quality, bpp, PSNR in dB] on Kodak, from whole files (results/systems)
    bd_rate       percent against JPEG 4:2:0 on Kodak at equal PSNR
    encode_mp_s   megapixels a second on two threads, in the middle of the dial; likewise decode_mp_s
    clock         "processor": these are of one thread by processor time, taken on a busy machine
    """

    made: str
    parameters: int | None = None
    kmac_decode: float | None = None
    kmac_encode: float | None = None
    passes: int | None = None
    points: tuple[tuple[float, float, float], ...] = ()
    bd_rate: float | None = None
    encode_mp_s: float | None = None
    decode_mp_s: float | None = None
    clock: str | None = None


def families() -> dict[str, str]:
    """Family -> its title, in the catalogue's order."""
    return dict(_file("catalogue.json")["families"])


@cache
def rows() -> tuple[Row, ...]:
    """All rows, in the catalogue's order."""
    return tuple(
        Row(**entry | {"codecs": tuple(entry.get("codecs", ()))}) for entry in _file("catalogue.json")["systems"]
    )


@cache
def figures() -> dict[str, Figures]:
    """Recipe -> its figures, as far as any were taken."""
    return {
        name: Figures(**entry | {"points": tuple(tuple(point) for point in entry.get("points", ()))})
        for name, entry in _file("figures.json").items()
    }


def chosen(family: str = "", survey: str = "") -> tuple[Row, ...]:
    """The rows of a family ("1.C", "C" or a word of its title) that a survey ("001") cites; "" means all.

    raises  UsageError for a family or a survey that is not there
    """
    known = families()
    wanted = {key for key, title in known.items() if _names(family, key, title)}
    if not wanted:
        raise UsageError("family", value=family, allowed=", ".join(f"{k} ({title})" for k, title in known.items()))
    if survey and survey not in SURVEYS:
        raise UsageError("survey", value=survey, allowed=", ".join(SURVEYS))
    return tuple(row for row in rows() if row.family in wanted and (not survey or survey in row.taxonomy))


def built_by(recipe: str) -> tuple[str, ...]:
    """The rows that a recipe builds: the one that it is named after, and those of `Recipe.rows`."""
    own = (recipe,) if any(row.id == recipe for row in rows()) else ()
    return tuple(dict.fromkeys(own + zoo.recipe(recipe).rows))


def _names(word: str, key: str, title: str) -> bool:
    if not word or word.upper() in (key, key[2:]):
        return True
    return len(word) > 1 and word.lower() in title.lower()


@cache
def _recipes() -> dict[str, tuple[str, ...]]:
    """Row -> the recipes that build it: those that name it, and the one that is called like it."""
    found: dict[str, tuple[str, ...]] = {}
    for name in zoo.names():
        for row in built_by(name):
            found[row] = (*found.get(row, ()), name)
    return found


def _file(name: str) -> Any:
    return json.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))

"""Recipes: systems with sizes, and how they are trained or designed, one file each, found because the file exists.

The head of a recipe is readable without torch; `Recipe.system()` needs the extra [train]. Nothing registers itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from calotype.errors import UsageError
from calotype.train.phases import Phase

__all__ = ["Recipe", "names", "recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a file of the zoo says of its system.

    name      the file's name with dashes: the row of SYSTEMS.md that it builds
    title     one line for lists
    paper     author, year, where; empty for the project's own
    walk      the walk that codes its latents
    phases    how it is trained when nothing else is said
    build     () -> torch module with the interface of docs/training.md; None where the model is designed
    design    (pictures) -> train.design.Design, where the model is computed from pictures without torch; else None
    schedules other phases by name, for example to go on from trained weights
    sizes     named sets of arguments for `build` or `design`; "default" is right-sized for a CPU
    rows      rows of the catalogue of surveyed systems (`calotype systems`) that it builds beside the one of its name
    """

    name: str
    title: str
    walk: str
    phases: tuple[Phase, ...] = ()
    build: Callable[..., Any] | None = None
    design: Callable[..., Any] | None = None
    paper: str = ""
    schedules: Mapping[str, tuple[Phase, ...]] = field(default_factory=dict)
    sizes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rows: tuple[str, ...] = ()

    def scheduled(self, schedule: str) -> Recipe:
        """The same recipe with the phases of that name; "default" are its own."""
        if schedule != "default" and schedule not in self.schedules:
            raise UsageError("schedule", value=schedule, allowed=", ".join(["default", *self.schedules]))
        return replace(self, phases=self.schedules.get(schedule, self.phases))

    def arguments(self, size: str = "default") -> Mapping[str, Any]:
        """The arguments of a named size."""
        if size != "default" and size not in self.sizes:
            raise UsageError("size", value=size, allowed=", ".join(["default", *self.sizes]))
        return self.sizes.get(size, {})

    def system(self, size: str = "default") -> Any:
        """The trainable system as a torch module; UsageError for a recipe that is designed."""
        if self.build is None:
            raise UsageError("recipe", value=self.name, allowed="one that is trained; this one is designed")
        return self.build(**self.arguments(size))


def names() -> tuple[str, ...]:
    """All recipes there are, with dashes: the files of this folder, and of folders that a user adds to `__path__`."""
    return tuple(sorted(path.stem.replace("_", "-") for folder in __path__ for path in Path(folder).glob("[a-z]*.py")))


def recipe(name: str) -> Recipe:
    """The recipe of that name; raises UsageError that names the nearest ones."""
    dashed = name.replace("_", "-")
    if dashed not in names():
        near = get_close_matches(dashed, names()) or names()
        raise UsageError("recipe", value=name, allowed=", ".join(near))
    return import_module(f"calotype.zoo.{dashed.replace('-', '_')}").RECIPE

"""What a recipe may be excused from, as data: (law, recipe) -> why. An empty table is the best one."""

from __future__ import annotations

import pytest

WAIVERS: dict[tuple[str, str], str] = {}


def excused(law: str, recipe: str) -> None:
    """Skip the test if the recipe is excused from the law."""
    if reason := WAIVERS.get((law, recipe)):
        pytest.skip(f"{law} waived for {recipe}: {reason}")

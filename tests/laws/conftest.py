"""Fixtures of the laws: `recipe` runs a test for every registered recipe, on its tiny model."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="tiny models are made with the extra [train]")

from calotype import zoo


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recipe" in metafunc.fixturenames:
        metafunc.parametrize("recipe", zoo.names())

"""The laws: `recipe` runs a test for every registered recipe, on its tiny model, which is made with the extra [train]."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from calotype import zoo

collect_ignore_glob = [] if find_spec("torch") and find_spec("onnx") else ["test_*.py"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recipe" in metafunc.fixturenames:
        metafunc.parametrize("recipe", zoo.names())

"""What importing loads, and how long it takes; each check is shown to fail on a twin that loads more."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "onnxruntime", "onnx", "PIL", "numpy", "scipy", "matplotlib", "rich")

SCRIPT = """
import json, sys, time
begun = time.perf_counter()
{statement}
print(json.dumps([time.perf_counter() - begun, sorted(sys.modules)]))
"""


def imported(statement: str) -> tuple[float, list[str]]:
    """Seconds that a statement took in a fresh interpreter, and which of the heavy packages it loaded."""
    script = SCRIPT.format(statement=statement)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    seconds, modules = json.loads(run.stdout)
    return seconds, [name for name in HEAVY if name in modules]


@pytest.mark.parametrize("statement", ["import calotype", "import calotype.cli.main", "import calotype.errors"])
def test_importing_loads_nothing_heavy_and_is_quick(statement):
    """Below 0.3 s, best of three since the machine may be busy."""
    runs = [imported(statement) for _ in range(3)]
    assert runs[0][1] == []
    assert min(seconds for seconds, _ in runs) < 0.3


@pytest.mark.parametrize("module", ["numpy", "PIL", "onnxruntime"])
def test_the_check_fails_if_an_import_is_added(module):
    """The twin."""
    assert module in imported(f"import calotype, {module}")[1]


def test_help_and_version_load_nothing_heavy():
    for word in ("--help", "--version"):
        assert (
            imported(
                f"from calotype.cli.main import run; sys.stdout = sys.stderr; run(['{word}']); sys.stdout = sys.__stdout__"
            )[1]
            == []
        )


def test_the_public_names_are_there():
    """Every name of __all__ can be had, also those that are brought late."""
    import calotype

    for name in calotype.__all__:
        assert getattr(calotype, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        calotype.nothing  # noqa: B018


def test_reading_packaged_models_does_not_hide_the_function():
    """`calotype.models` is a function and src/calotype/models a folder: whoever reads the folder must not import it."""
    script = "import calotype; calotype.models(); assert callable(calotype.models)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)

"""What the README says can be done, and the house keeps its own rules."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import calotype
from calotype.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
SOURCES = sorted((ROOT / "src" / "calotype").rglob("*.py"))


def blocks(kind: str) -> list[str]:
    return [body for name, body in BLOCKS if name == kind]


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[0:530, 0:540]
    Image.fromarray(np.stack([x // 3, y // 3, (x + y) // 6], axis=-1).astype(np.uint8)).save("photo.png")
    (code,) = blocks("python")
    names: dict[str, object] = {}
    exec(code, names)
    assert np.array_equal(names["corner"], names["array"][:512, :512])  # type: ignore[index]
    assert "swift" in capsys.readouterr().out


def test_every_command_of_the_readme_is_one():
    """Verbs and long options, so that the README does not promise what was renamed."""
    said = [part.strip() for body in blocks("sh") for line in body.splitlines() for part in re.split(r"&&|\|", line)]
    words = [shlex.split(part, comments=True) for part in said if part.startswith("calotype")]
    assert len(words) > 8
    for _, verb, *rest in words:
        command = main.cli.get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None, verb
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if re.match(r"--?[a-z]", word)} <= known, (verb, rest)


def test_the_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_changelog_tells_this_version_and_its_format():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert calotype.__version__ in changelog
    assert "### Format" in changelog


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_file_says_first_what_lives_in_it(path):
    """A docstring on the first line, and no name that says nothing."""
    assert path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))
    assert path.stem not in {"utils", "util", "helpers", "helper", "base", "manager", "common", "misc", "core"}

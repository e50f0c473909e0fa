"""docs/folders.md says what is so: its options exist, its JSON and its manifest are those that a run writes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
from PIL import Image

from calotype.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "folders.md").read_text(encoding="utf-8")


def options(verb):
    command = main.cli.get_command(None, verb)  # type: ignore[arg-type]
    assert command is not None
    return {word for parameter in command.params for word in (*parameter.opts, *parameter.secondary_opts)}


def test_its_options_exist():
    known = options("encode") | options("decode")
    assert set(re.findall(r"`(--[a-z][a-z-]+)", PAGE)) <= known
    for line in "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines():
        _, verb, *rest = shlex.split(line, comments=True)
        assert {word for word in rest if re.match(r"--?[a-z]", word)} <= options(verb), line


def test_every_option_of_folders_is_on_the_page():
    from calotype.cli import folders

    names = {
        name for option in (*folders._OPTIONS, folders._REPLACE) for name in named(option) if name.startswith("--")
    }
    assert names - {"--keep-mtime"} <= set(re.findall(r"--[a-z][a-z-]+", PAGE))


def named(option):
    def bare():
        pass

    option(bare)
    (parameter,) = bare.__click_params__  # type: ignore[attr-defined]
    return (*parameter.opts, *parameter.secondary_opts)


def test_its_json_and_its_manifest_are_those_of_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("in/a.png")
    assert main.run(["encode", "in", "-o", "out", "--json"]) == 0
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert list(json.loads(capsys.readouterr().out)) == list(json.loads(block))
    rows = [json.loads(text) for text in re.findall(r"^\| `(\{.*\})` \|", PAGE, re.MULTILINE)]
    first, last = (json.loads(line) for line in (tmp_path / "out" / ".calotype-manifest.jsonl").open())
    assert list(last) == list(rows[-1])
    assert first["calotype_manifest"] == rows[0]["calotype_manifest"]

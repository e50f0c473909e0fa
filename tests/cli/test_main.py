"""How the command line ends: every kind of error has its code and its one line, and no traceback."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from calotype import errors
from calotype.cli import main

RAISED = [
    (errors.FormatError("header", found=1, expected=2, offset=9), 4),
    (errors.TruncatedError("tile 3", offset=77), 4),
    (errors.CorruptError("tile 3", found="hash 12", expected="34"), 4),
    (errors.UnsupportedError("format version", found=9, supported=1), 5),
    (errors.UnsupportedMode("L", conversion='Image.convert("RGB")'), 5),
    (errors.ModelError("unknown model", wanted="x", looked="/a"), 6),
    (errors.ExtraMissing("training", package="torch", extra="train"), 6),
    (ModuleNotFoundError("No module named 'torch'", name="torch"), 6),
    (ModuleNotFoundError("No module named 'onnx.helper'", name="onnx.helper"), 6),
    (errors.LimitError("pixels", value=9, limit=8, field="max_pixels"), 7),
    (MemoryError(), 7),
    (errors.TargetExists("a"), 8),
    (errors.FileError("a", "is a directory"), 9),
    (errors.UsageError("quality", value=0, allowed="1 to 100"), 2),
    (click.UsageError("no such option"), 2),
    (KeyboardInterrupt(), 130),
    (click.Abort(), 130),
    (ZeroDivisionError("a bug"), 1),
    (errors.CalotypeError("root"), 1),
]


@pytest.fixture
def raising(monkeypatch):
    """A verb `info` that raises what it is told."""

    def put(error):
        @click.command()
        def verb():
            raise error

        monkeypatch.setattr(main._Lazy, "get_command", lambda *_: verb)

    return put


@pytest.mark.parametrize(("error", "code"), RAISED, ids=lambda value: str(value)[:20])
def test_exit_codes(raising, capsys, error, code):
    """The class decides; the message is one line without a traceback."""
    raising(error)
    assert main.run(["info"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    if not isinstance(error, click.ClickException):
        assert captured.err.count("\n") == 1
    if isinstance(error, errors.CalotypeError):
        assert str(error) in captured.err


def test_debug_gives_the_traceback(raising, capsys):
    raising(ZeroDivisionError("a bug"))
    assert main.run(["--debug", "info"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_limit_names_its_option(raising, capsys):
    raising(errors.LimitError("pixels", value=9, limit=8, field="max_pixels"))
    main.run(["info"])
    assert "--max-pixels" in capsys.readouterr().err


def test_a_hostile_name_stays_on_its_line(raising, capsys):
    raising(errors.FileError("a\nb\x1b[31m", "is missing"))
    main.run(["info"])
    assert capsys.readouterr().err == "calotype: a b [31m: is missing\n"


def test_every_verb_is_found_and_documented():
    """The table, the modules and the help agree; a verb that needs an extra says so only when it runs."""
    for name in main.VERBS:
        command = main.cli.get_command(None, name)
        assert isinstance(command, click.Command)
        assert command.name == name
        assert command.help


def test_the_module_is_the_command():
    """`python -m calotype` is for where no script is on the path."""
    said = subprocess.run([sys.executable, "-m", "calotype", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("calotype ")


def test_usage(capsys):
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("calotype 0.")
    assert main.run(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {code}" in said for code in (0, 1, 2, 4, 5, 6, 7, 8, 9, 130, 141, 143))
    assert main.run(["no-such-verb"]) == 2
    assert main.run(["encode", "--no-such-option"]) == 2
    assert main.run(["encode", "--quali", "3", "x"]) == 2  # no abbreviations
    assert main.run(["encode"]) == 2


def test_the_exit_codes_of_the_help_are_those_of_the_classes():
    codes = {
        error.exit_code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, Exception)
    }
    assert all(f"\n  {code:<3}  " in main.EXIT_CODES for code in codes)


def test_a_closed_pipe_is_141(tmp_path):
    """`calotype info x | head`: nobody reads; no complaint, and the code that shells know."""
    script = """
import sys
import click
from calotype.cli import main
@click.command()
def verb():
    for _ in range(10**5):
        click.echo("a line of text")
main._Lazy.get_command = lambda *_: verb
sys.argv = ["calotype", "info"]
main.main()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 141

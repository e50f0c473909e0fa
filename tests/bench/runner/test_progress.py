"""A terminal has one line with a bar and the time that is left; anything else has plain lines; --quiet has nothing."""

from __future__ import annotations

import io

import pytest

from calotype.bench import progress
from calotype.bench.progress import Progress, duration


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def heard(stream: io.StringIO, monkeypatch, *, quiet: bool = False) -> str:
    """Four rows, ten seconds apart: two quick ones, one that failed, one that is slow."""
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    told = Progress({"quick": 4, "slow": 2}, quiet=quiet, stream=stream)
    rows = [("quick", 0.1, None), ("quick", 0.1, None), ("quick", None, {"type": "X"}), ("slow", 2.0, None)]
    for done, (codec, seconds, error) in enumerate(rows, 1):
        row = {"codec": codec, "encode_s": seconds, "decode_s": seconds, "error": error}
        told(row, done, 6, "slow")
    told.finish()
    return stream.getvalue()


def test_on_a_terminal_a_bar_is_rewritten(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    said = heard(Screen(), monkeypatch)
    lines = said.split("\r")
    assert len(lines) == 5 and said.count("\n") == 1 and said.endswith("\n")
    assert "[#############       ] 4/6 rows, 1 failed, 40 s, about" in lines[-1] and "left: slow" in lines[-1]


def test_elsewhere_a_line_now_and_then(monkeypatch):
    said = heard(io.StringIO(), monkeypatch)
    assert said.count("\n") == 1 and said.startswith("calotype: 3/6 rows, 1 failed") and "\r" not in said


def test_quiet_is_quiet(monkeypatch):
    assert heard(Screen(), monkeypatch, quiet=True) == ""


@pytest.mark.parametrize(("seconds", "said"), [(45, "45 s"), (720, "12 min"), (12_000, "3 h 20 min")])
def test_durations(seconds, said):
    assert duration(seconds) == said

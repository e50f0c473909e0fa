"""A run that is killed loses nothing that it wrote, repeats nothing, and ends where an uninterrupted one does."""

from __future__ import annotations

import multiprocessing
import random
import time

import pytest
from tests.bench.runner.conftest import figures, keys, settings

from calotype.bench import rows, runner
from calotype.bench.plan import Settings
from calotype.errors import CorruptError, UsageError

KILLS = 20


def lines_in(report) -> int:
    try:
        return (report / rows.FILE).read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def killed_after(asked: Settings, more_lines: int, moment_s: float) -> None:
    """Begin a run in another process, wait for so many rows and a moment, and kill it as the system would."""
    enough = lines_in(asked.report) + more_lines
    process = multiprocessing.get_context("fork").Process(target=runner.run, args=(asked,))
    process.start()
    while process.is_alive() and lines_in(asked.report) < enough:
        time.sleep(0.002)
    time.sleep(moment_s)
    process.kill()
    process.join()


def test_killed_twenty_times_it_ends_like_an_uninterrupted_run(folder, tmp_path, monkeypatch):
    """kill -9 at random moments: equal figures, no row twice, and no cell encoded again but those in flight."""
    names = ("Plain", "Exact", "Raising")
    whole = settings(folder, tmp_path / "whole", *names)
    runner.run(whole)
    asked, chosen = settings(folder, tmp_path / "killed", *names), random.Random(11)
    monkeypatch.setenv("CALOTYPE_TEST_CALLS", str(tmp_path / "calls"))
    for _ in range(KILLS):
        killed_after(asked, chosen.randrange(2), chosen.uniform(0, 0.2))
    runner.run(asked)
    assert figures(asked.report) == figures(whole.report)
    assert len(figures(whole.report)) == 3 * (4 + 1 + 1)
    assert len(keys(asked.report)) == len(set(keys(asked.report)))
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) <= 2 * (3 * 5 + KILLS)  # every quick encode is done twice
    assert not (asked.report / ".scratch").exists()


def test_the_law_fails_if_rows_are_forgotten(folder, tmp_path, monkeypatch):
    """The twin: a runner that does not look at what is there writes rows twice, and this is seen."""
    asked = settings(folder, tmp_path / "report", "Exact")
    runner.run(asked)
    monkeypatch.setattr(runner, "read", lambda _: rows.Rows())
    runner.run(asked)
    assert len(keys(asked.report)) > len(set(keys(asked.report)))


def test_a_torn_line_is_dropped_wherever_it_is_torn(folder, tmp_path):
    """Reading leaves it out; the next run cuts it off and measures that cell again."""
    asked = settings(folder, tmp_path / "report", "Exact")
    runner.run(asked)
    path = asked.report / rows.FILE
    whole, wanted = path.read_bytes(), figures(asked.report)
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(last, len(whole), 37):
        path.write_bytes(whole[:cut])
        assert len(figures(asked.report)) == len(wanted) - 1
    outcome = runner.run(asked)
    assert (outcome.measured, outcome.kept) == (1, 2)
    assert figures(asked.report) == wanted


def test_a_damaged_line_is_named(tmp_path):
    whole = b'{"schema": 1, "kind": "machine", "id": "a"}\n'
    (tmp_path / rows.FILE).write_bytes(whole + b'{"schema": 1, "kind": "row"}\n' + whole)
    with pytest.raises(CorruptError, match="line 2"):
        rows.read(tmp_path)
    (tmp_path / rows.FILE).write_bytes(whole.replace(b"1", b"9"))
    with pytest.raises(UsageError, match="newer calotype"):
        rows.read(tmp_path)
    assert len(rows.read(tmp_path / "nowhere")) == 0


def test_only_what_changed_is_measured_again(folder, tmp_path, monkeypatch):
    """Another version of a codec, a metric more, a failure with --retry; nothing else."""
    report = tmp_path / "report"
    names = ("Plain", "Raising")
    first = runner.run(settings(folder, report, *names))
    assert (first.measured, first.kept, len(first.failed)) == (15, 0, 3)
    again = runner.run(settings(folder, report, *names))
    assert (again.measured, again.kept, len(again.failed)) == (0, 15, 3)
    more = runner.run(settings(folder, report, *names, metrics=("mse",)))
    assert (more.measured, more.kept) == (12, 3)
    assert {tuple(row["metrics"]) for row in rows.read(report).of_kind("row") if not row["error"]} == {
        ("mse", "psnr", "max-error")
    }
    monkeypatch.setenv("CALOTYPE_TEST_VERSION", "2")
    newer = runner.run(settings(folder, report, "Plain"))
    assert (newer.measured, newer.kept) == (12, 0)
    assert {row["describe"]["version"] for row in rows.read(report).of_kind("row") if row["codec"] == "plain"} == {"2"}
    retried = runner.run(settings(folder, report, "Plain", retry=True))
    assert (retried.measured, retried.kept) == (0, 12)


def test_one_run_at_a_time(folder, tmp_path):
    """Two that write to one report would repeat each other's rows."""
    asked = settings(folder, tmp_path / "report", "Exact")
    with rows.Writer(asked.report), pytest.raises(UsageError, match="no other run"):
        runner.run(asked)
    assert runner.run(asked).measured == 3

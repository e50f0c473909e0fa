"""R18 and R19: a run that is killed at any moment, and run again, ends as if it had never been killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.batch.folder_child import blown_up
from tests.batch.trees import MANIFEST, killed, moments, tree, wait_for

ROOT = Path(__file__).parents[2]
FILES, JOBS = 40, 2


@pytest.fixture
def source(tmp_path):
    """A tree of small files."""
    for number in range(FILES):
        folder = tmp_path / "in" / f"{number % 3}" / ("deep" if number % 2 else "")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.in").write_bytes(f"file {number}".encode())
        os.utime(folder / f"{number}.in", ns=(10**18, 10**18 + number))
    return tmp_path / "in"


def command(source, target, log, *more):
    return [sys.executable, "-m", "tests.batch.folder_child", str(source), str(target), str(log), str(JOBS), *more]


def expected(source):
    return {path.removesuffix(".in") + ".out": blown_up(data) for path, data in tree(source).items()}


def whole(folder, truth):
    """Whether what lies there is right as far as it goes: no file that is half there, none that is foreign."""
    return all(truth.get(name) == data for name, data in tree(folder, hidden=False).items())


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
def test_a_killed_run_leaves_whole_files_and_its_successor_ends_as_if_nothing_had_been(tmp_path, source, kills):
    """Kills at random moments. After each: no partial file. In the end: the tree of an undisturbed run, manifest
    included, no temporary file, and no work done twice but what was in flight."""
    truth = expected(source)
    assert (
        subprocess.run(command(source, tmp_path / "calm", tmp_path / "calm.log"), cwd=ROOT, check=False).returncode == 0
    )
    assert tree(tmp_path / "calm", hidden=False) == truth
    target, log = tmp_path / "out", tmp_path / "log"
    deaths = 0
    for moment in moments(kills, 2 * FILES // kills, seed=kills):
        deaths += killed(command(source, target, log), log, *moment, cwd=ROOT)
        assert whole(target, truth)
    assert subprocess.run(command(source, target, log), cwd=ROOT, check=False).returncode == 0
    assert tree(target) == tree(tmp_path / "calm")
    assert sorted(tree(target)) == sorted([*truth, MANIFEST])
    assert deaths > 0
    assert FILES <= len(log.read_bytes().splitlines()) <= FILES + JOBS * deaths


def test_the_law_can_fail(tmp_path, source):
    """The twin: files written in two halves, killed at the same moments, are seen torn."""
    truth = expected(source)
    torn = False
    for number, (steps, then_s) in enumerate(moments(12, FILES // 2, seed=1)):
        target, log = tmp_path / f"out-{number}", tmp_path / f"log-{number}"
        killed(command(source, target, log, "torn"), log, 1 + steps, then_s, cwd=ROOT)
        torn |= not whole(target, truth)
        if torn:
            break
    assert torn


def test_temporary_files_of_killed_runs_go_and_those_of_others_stay(tmp_path, source):
    """A run removes what killed runs left; it knows them by their mark. Another program's are not touched."""
    target, log = tmp_path / "out", tmp_path / "log"
    assert killed(command(source, target, log), log, 3, 0, cwd=ROOT)
    first = (target / MANIFEST).read_text().splitlines()[0]
    mark = first.split('"run": "')[1].split('"')[0]
    ours, foreign = target / f".a.out.{mark}abcdefgh.part", target / ".b.out.0123456789.part"
    ours.write_bytes(b"half")
    foreign.write_bytes(b"somebody else's")
    assert subprocess.run(command(source, target, log), cwd=ROOT, check=False).returncode == 0
    assert not ours.exists()
    assert foreign.exists()


def test_workers_die_with_their_run(tmp_path, source):
    """After SIGKILL of a run nobody goes on writing: the next run would meet them."""
    target, log = tmp_path / "out", tmp_path / "log"
    process = subprocess.Popen(command(source, target, log), cwd=ROOT)
    wait_for(lambda: log.exists() and len(log.read_bytes().splitlines()) > 3)
    process.kill()
    process.wait()
    time.sleep(0.3)
    before = log.read_bytes()
    time.sleep(0.3)
    assert log.read_bytes() == before


def test_two_runs_into_one_folder_are_one_too_many(tmp_path, source):
    """The second is refused by name while the first goes on, and its files are not touched."""
    target, log = tmp_path / "out", tmp_path / "log"
    process = subprocess.Popen(command(source, target, log), cwd=ROOT)
    wait_for((target / MANIFEST).exists)
    second = subprocess.run(command(source, target, log), cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.wait() == 0
    assert "another run" in second.stderr
    assert tree(target, hidden=False) == expected(source)


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.long)])
def test_the_command_itself(tmp_path, kills):
    """The same with `calotype encode` on pictures of 48x32."""
    rows, columns = np.mgrid[0:32, 0:48]
    for number in range(24):
        pixels = np.stack([rows * 7 + number, columns * 5, (rows + columns) * 3], -1).astype(np.uint8)
        (tmp_path / "in" / f"{number % 3}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "in" / f"{number % 3}" / f"{number}.png")

    def words(target):
        return [sys.executable, "-m", "calotype.cli.main", "encode", str(tmp_path / "in"), "-o", str(target), "-j2"]

    assert subprocess.run(words(tmp_path / "calm"), capture_output=True, check=False).returncode == 0
    truth = tree(tmp_path / "calm", hidden=False)
    assert len(truth) == 24
    for moment in moments(kills, 12, seed=kills):
        killed(words(tmp_path / "out"), tmp_path / "out" / MANIFEST, *moment)
        assert whole(tmp_path / "out", truth)
    assert subprocess.run(words(tmp_path / "out"), capture_output=True, check=False).returncode == 0
    assert tree(tmp_path / "out") == tree(tmp_path / "calm")

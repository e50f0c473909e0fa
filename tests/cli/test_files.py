"""Outputs appear whole or not at all, and nothing is overwritten unasked."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calotype import writing
from calotype.cli import files
from calotype.errors import FileError, TargetExists, UsageError

OLD, NEW = b"old", b"new bytes"


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_is_written_with_ordinary_permissions(tmp_path):
    (tmp_path / "other").touch()
    files.write_bytes(str(tmp_path / "a"), NEW, force=False)
    assert (tmp_path / "a").read_bytes() == NEW
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)
    assert entries(tmp_path) == ["a", "other"]


def test_an_existing_file_stays_unless_forced(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(OLD)
    target.chmod(0o640)
    with pytest.raises(TargetExists, match="--force") as caught:
        files.write_bytes(str(target), NEW, force=False)
    assert caught.value.exit_code == 8
    assert target.read_bytes() == OLD
    files.write_bytes(str(target), NEW, force=True)
    assert target.read_bytes() == NEW
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert entries(tmp_path) == ["a"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, monkeypatch):
    """The check comes first and the rename last; who writes the same name in between keeps it."""
    target = tmp_path / "a"
    monkeypatch.setattr(writing, "_mode", lambda path: target.write_bytes(OLD) and 0o644)
    with pytest.raises(TargetExists):
        files.write_bytes(str(target), NEW, force=False)
    assert target.read_bytes() == OLD
    assert entries(tmp_path) == ["a"]


def test_a_file_system_without_hard_links(tmp_path, monkeypatch):
    def no_links(*_):
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", no_links)
    files.write_bytes(str(tmp_path / "a"), NEW, force=False)
    assert (tmp_path / "a").read_bytes() == NEW
    assert entries(tmp_path) == ["a"]


@pytest.mark.parametrize("broken", ["fsync", "fdopen", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken):
    """Disk full at any step: the old bytes stay, no part of the new ones, and a typed error."""
    target = tmp_path / "a"
    target.write_bytes(OLD)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    if broken == "replace":
        monkeypatch.setattr("pathlib.Path.replace", full)
    else:
        monkeypatch.setattr(os, broken, full)
    with pytest.raises(FileError, match="No space left") as caught:
        files.write_bytes(str(target), NEW, force=True)
    monkeypatch.undo()
    assert caught.value.exit_code == 9
    assert target.read_bytes() == OLD
    assert entries(tmp_path) == ["a"]


def test_a_terminated_run_leaves_no_part(tmp_path):
    """SIGTERM while writing: exit code 143, no temporary file."""
    script = """
import os, sys, time
from calotype.cli import files, main
def slow(*_):
    print("ready", flush=True)
    time.sleep(60)
os.fsync = slow
main.run = lambda: files.write_bytes(sys.argv[1], b"x", force=False)
main.main()
"""
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "a")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert len(entries(tmp_path)) == 1
    process.terminate()
    assert process.wait(30) == 143
    process.stdout.close()
    time.sleep(0.01)
    assert entries(tmp_path) == []


def test_targets_that_cannot_be(tmp_path):
    with pytest.raises(FileError, match="is a directory"):
        files.check_target(str(tmp_path), force=True)
    with pytest.raises(FileError, match="there is no folder"):
        files.check_target(str(tmp_path / "none" / "a"), force=True)


def test_a_folder_without_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # the superuser, as whom tests may run, has it everywhere
    with pytest.raises(FileError, match="no permission"):
        files.check_target(str(tmp_path / "a"), force=True)


def test_devices_and_links(tmp_path):
    """A device is written to, not replaced; a symbolic link stays one and its target is replaced."""
    files.write_bytes(os.devnull, NEW, force=True)
    assert not stat.S_ISREG(Path(os.devnull).stat().st_mode)
    (tmp_path / "real").write_bytes(OLD)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    files.write_bytes(str(tmp_path / "link"), NEW, force=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == NEW


def test_terminals_are_refused(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(UsageError, match="terminal"):
        files.read_bytes("-")
    with pytest.raises(UsageError, match="terminal"):
        files.check_target("-", force=False)

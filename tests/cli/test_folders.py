"""`calotype encode` and `decode` with several inputs: what is printed where, and every exit code."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.batch.trees import MANIFEST, tree, wait_for

import calotype
from calotype.cli import main
from calotype.cli.progress import Progress, size_of

COMMAND = [sys.executable, "-m", "calotype.cli.main"]
rows, columns = np.mgrid[0:40, 0:56]


def picture(number):
    return np.stack([rows * 6, columns * 4, (rows + columns + 40 * number) % 256], -1).astype(np.uint8)


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("a.png", "b/c.png", "b/d.ppm")):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(number)).save(tmp_path / "in" / name)
        os.utime(tmp_path / "in" / name, ns=(10**18, 10**18))
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    return tmp_path / "in"


def run(*words) -> int:
    return main.run([str(word) for word in words])


def test_a_folder_there_and_back(tmp_path, source, capsys):
    """Mirrored trees, times of change, one summary on standard error, nothing on standard output."""
    assert run("encode", "in", "-o", "out") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "3 done" in said.err
    assert "1 .txt" in said.err
    assert sorted(tree(tmp_path / "out", hidden=False)) == ["a.calo", "b/c.calo", "b/d.calo"]
    assert run("encode", "in", "-o", "out") == 0
    assert "3 up to date" in capsys.readouterr().err
    assert run("decode", "out", "-o", "back") == 0
    assert sorted(tree(tmp_path / "back", hidden=False)) == ["a.png", "b/c.png", "b/d.png"]
    assert (tmp_path / "back" / "a.png").stat().st_mtime_ns == 10**18
    assert np.abs(np.asarray(Image.open("back/a.png")).astype(int) - picture(0)).mean() < 20
    assert run("decode", "out", "-o", "back", "--format", "ppm") == 0
    assert (tmp_path / "back" / "b" / "d.ppm").exists()


def test_a_single_file_keeps_its_time_of_change_too(tmp_path, source):
    assert run("encode", "in/a.png", "-o", "a.calo") == 0
    assert run("decode", "a.calo", "-o", "a.png") == 0
    assert run("decode", "a.calo", "-o", "now.png", "--no-keep-mtime") == 0
    assert (tmp_path / "a.calo").stat().st_mtime_ns == (tmp_path / "a.png").stat().st_mtime_ns == 10**18
    assert (tmp_path / "now.png").stat().st_mtime_ns > 10**18


def test_bytes_are_those_of_a_single_file_whatever_the_jobs(tmp_path, source):
    assert run("encode", "in/a.png", "-o", "alone.calo", "-q", 40) == 0
    for jobs in (1, 2):
        assert run("encode", "in", "-o", f"out{jobs}", "-j", jobs, "-q", 40) == 0
        assert (tmp_path / f"out{jobs}" / "a.calo").read_bytes() == (tmp_path / "alone.calo").read_bytes()
    assert tree(tmp_path / "out1") == tree(tmp_path / "out2")


def test_json_is_one_object_a_file(tmp_path, source, capsys):
    (source / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert run("encode", "in", "-o", "out", "--json") == 3
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_name = {Path(item["source"]).name: item for item in said}
    assert len(said) == 4
    assert by_name["broken.png"]["error"]["exit_code"] == 4
    good = by_name["a.png"]
    assert (good["status"], good["width_px"], good["height_px"], good["error"]) == ("done", 56, 40, None)
    assert good["target_bytes"] == (tmp_path / "out" / "a.calo").stat().st_size
    assert run("encode", "in/a.png", "--json") == 0
    assert json.loads(capsys.readouterr().out)["target"].endswith("a.calo")
    assert (source / "a.calo").exists()


def test_notes_of_one_kind_are_said_once(tmp_path, source, capsys):
    """A note on each of a thousand pictures would hide what matters; --json has them all."""
    for number in range(3):
        Image.new("RGB", (9, 9)).save(source / f"gamma{number}.png", pnginfo=gamma(1000 + number))
    assert run("encode", "in", "-o", "out") == 0
    said = capsys.readouterr().err
    assert said.count("gamma of") == 1
    assert "(and 2 more such)" in said
    assert run("encode", "in", "-o", "out", "--json", "-f") == 0
    notes = [json.loads(line)["notes"] for line in capsys.readouterr().out.splitlines()]
    assert sum("gamma of" in text for texts in notes for text in texts) == 3


def gamma(value):
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add(b"gAMA", value.to_bytes(4, "big"))
    return chunks


def test_a_dry_run_lists_and_writes_nothing(tmp_path, source, capsys):
    before = tree(tmp_path)
    assert run("encode", "in", "-o", "out", "--dry-run") == 0
    assert f"in/a.png -> {Path('out', 'a.calo')}" in capsys.readouterr().out
    assert tree(tmp_path) == before


def test_exit_codes(tmp_path, source, capsys):
    """3 if some failed, the common code if all did alike, 2 if there is nothing, 8 for outputs that are not ours."""
    (tmp_path / "x.png").write_bytes(b"nothing")
    (tmp_path / "y.png").write_bytes(b"nothing")
    assert run("encode", "x.png", "y.png", "-o", "out") == 4
    assert run("encode", "x.png", "none.png", "-o", "out") == 3
    assert run("encode", "x.png", "in/a.png", "-o", "out") == 3
    assert run("encode", "none.png", "none2.png", "-o", "out") == 9
    assert run("encode", "in/*.png", "in/*.bmp", "-o", "out2") == 3
    assert (tmp_path / "out2" / "a.calo").exists()
    assert run("encode", "in/*.bmp", "-o", "out") == 9
    (tmp_path / "empty").mkdir()
    assert run("encode", "empty", "-o", "out") == 2
    (tmp_path / "foreign").mkdir()
    for name in ("a.calo", "b.calo"):
        (tmp_path / "foreign" / name).write_bytes(b"old")
    assert run("encode", "in/a.png", "-o", "foreign/") == 8
    assert run("encode", "in/a.png", "-o", "foreign", "--skip-existing") == 0
    assert (tmp_path / "foreign" / "a.calo").read_bytes() == b"old"
    assert run("encode", "in/a.png", "-o", "foreign", "-f") == 0
    assert run("encode", "in", "-o", "a.calo") == 9
    assert run("encode", "in", "--address", "auto") == 2
    assert run("encode", "in/a.png", "-", "-o", "out") == 2
    assert run("encode", "in", "-o", "-") == 2
    assert run("encode", "in", "-o", "out", "--replace") == 2
    assert run("encode", "in", "-o", "out3", "--model", "none-such") == 6
    assert not (tmp_path / "out3").exists()
    capsys.readouterr()


def test_what_new_users_type_first(tmp_path, source, capsys):
    """docs/first-ten-minutes.md: each of these was tried, and the answer did not help."""
    assert run("in/a.png") == 2
    assert "calotype encode in/a.png" in capsys.readouterr().err
    assert run("encode", "in/a.png", "small.calo") == 2
    assert "-o small.calo" in capsys.readouterr().err
    assert run("encode", "in/a.png", "-o", "small.jpg") == 2
    assert ".calo" in capsys.readouterr().err
    assert run("encode", "in", "-o", "out") == 0
    assert run("decode", "out/a.calo", "back.png") == 2
    assert "-o back.png" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    assert run("decode", "out", "-o", "back") == 0
    said = capsys.readouterr().err
    assert "hidden" not in said
    assert "%" not in said
    with pytest.raises(calotype.errors.UsageError, match="read_bytes"):
        calotype.decode("out/a.calo")  # type: ignore[arg-type]


def test_verify_takes_folders(tmp_path, source, capsys):
    assert run("encode", "in", "-o", "out") == 0
    assert run("verify", "out") == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 3
    assert "3 as they should be" in said.err
    damaged = bytearray((tmp_path / "out" / "a.calo").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / "out" / "a.calo").write_bytes(damaged)
    assert run("verify", "out", "--json") == 3
    said = capsys.readouterr()
    assert [json.loads(line).get("error", {}).get("exit_code") for line in said.out.splitlines()] == [None, None, 4]
    assert "a.calo" in said.err
    assert run("verify", "out/a.calo") == 4
    assert run("verify", "in") == 2
    assert run("verify", "out", "--against", "in/a.png") == 2
    capsys.readouterr()


def test_fail_fast_stops(tmp_path, source, capsys):
    (source / "a.png").write_bytes(b"nothing")
    assert run("encode", "in", "-o", "out", "--fail-fast", "-j1") == 4
    assert "not tried" in capsys.readouterr().err


def test_names_that_collide(tmp_path, source, capsys):
    Image.fromarray(picture(9)).save(source / "a.jpg")
    assert run("encode", "in", "-o", "out") == 2
    said = capsys.readouterr().err
    assert "in/a.jpg and in/a.png would both be a.calo" in said
    assert "--keep-suffix" in said
    assert not (tmp_path / "out").exists()
    assert run("encode", "in", "-o", "out", "--keep-suffix") == 0
    assert sorted(tree(tmp_path / "out", hidden=False)) == ["a.jpg.calo", "a.png.calo", "b/c.png.calo", "b/d.ppm.calo"]


def test_quiet_after_the_verb(source, capsys):
    assert run("encode", "in", "-o", "out", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_replace_removes_an_original_once_its_picture_is_safe(tmp_path, source, monkeypatch, capsys):
    """Verified by decoding what lies there. Links stay; what the file would lose keeps it; a bad output is removed."""
    (source / "link.png").symlink_to(tmp_path / "elsewhere.png")
    Image.fromarray(picture(4)).save(tmp_path / "elsewhere.png")
    assert run("encode", "in", "--replace") == 0
    assert "the original is kept: it is a link" in capsys.readouterr().err
    assert sorted(tree(source, hidden=False)) == [
        "a.calo",
        "b/c.calo",
        "b/d.calo",
        "link.calo",
        "link.png",
        "notes.txt",
    ]
    assert calotype.decode((source / "a.calo").read_bytes()).shape == (40, 56, 3)
    assert (tmp_path / "elsewhere.png").exists()


def test_replace_keeps_originals_where_anything_is_wrong(tmp_path, source, monkeypatch, capsys):
    """The twin: an output that decodes to another picture, or not at all, never costs an original."""
    from calotype.batch import one

    wrong = calotype.encode(255 - picture(0), quality=90)
    monkeypatch.setattr(one, "encode_bytes", lambda data, settings: one.Coded(data=wrong, width_px=56, height_px=40))
    before = tree(source)
    assert run("encode", "in", "--replace", "-j1") == 4
    assert tree(source, hidden=False) == before
    monkeypatch.setattr(
        one, "encode_bytes", lambda data, settings: one.Coded(data=wrong[:-9], width_px=56, height_px=40)
    )
    assert run("encode", "in", "--replace", "-j1") == 4
    assert tree(source, hidden=False) == before
    capsys.readouterr()


def test_replace_goes_on_after_a_kill(tmp_path, source, capsys):
    """Killed after an output was written and before its original went: the next run checks it and removes the original."""
    assert run("encode", "in") == 0
    outputs = {name: data for name, data in tree(source, hidden=False).items() if name.endswith(".calo")}
    assert run("encode", "in", "--replace") == 0
    assert tree(source, hidden=False) == outputs | {"notes.txt": b"no picture"}
    capsys.readouterr()


def test_ctrl_c_keeps_what_is_finished(tmp_path, source):
    """SIGINT to the whole group, as a terminal sends it: 130, a word on how to go on, no temporary file, no traceback."""
    for number in range(60):
        Image.fromarray(picture(number)).save(source / f"{number}.png")
    process = subprocess.Popen(
        [*COMMAND, "encode", "in", "-o", "out", "-j2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored under nohup and in background jobs
    )
    wait_for(lambda: len(tree(tmp_path / "out", hidden=False)) > 3 if (tmp_path / "out").exists() else False, 60)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on from there" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "out").rglob("*.part"))
    assert run("encode", "in", "-o", "out") == 0
    assert len(tree(tmp_path / "out", hidden=False)) == 63


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_one_line_on_a_terminal_and_plain_lines_elsewhere(monkeypatch):
    clock = iter(np.arange(0, 1e6, 20.0).tolist())
    monkeypatch.setattr("calotype.cli.progress.time.monotonic", lambda: next(clock))
    shown, plain, silent = Terminal(), io.StringIO(), Terminal()
    for stream, quiet in ((shown, False), (plain, False), (silent, True)):
        progress = Progress(10, 10, "encode", quiet=quiet, stream=stream)
        for _ in range(5):
            progress.add(1000, 100, worked=True)
        progress.clear()
    assert "\n" not in shown.getvalue()
    assert "5 of 10 (50 %)" in shown.getvalue()
    assert "left" in shown.getvalue()
    assert "(-90.0 %)" in shown.getvalue()
    assert plain.getvalue().count("\n") == 5
    assert "\x1b" not in plain.getvalue()
    assert silent.getvalue() == ""


def test_sizes():
    assert [size_of(count) for count in (0, 999, 1000, 12_345, 999_600, 2_500_000, 10**12)] == [
        "0 bytes", "999 bytes", "1 kB", "12.3 kB", "1000 kB", "2.5 MB", "1 TB",
    ]  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell, capsys):
    assert run("completion", shell) == 0
    assert "_CALOTYPE_COMPLETE" in capsys.readouterr().out


def test_completion_completes():
    def words(line):
        env = {**os.environ, "_CALOTYPE_COMPLETE": "bash_complete", "COMP_WORDS": line}
        env["COMP_CWORD"] = str(len(line.split(" ")) - 1)
        return subprocess.run(COMMAND, env=env, capture_output=True, text=True, check=True).stdout.split()

    assert words("calotype enc") == ["plain,encode"]
    assert "plain,--keep-suffix" in words("calotype encode --keep")
    assert "plain,swift" in words("calotype encode --model s")
    assert words("calotype encode ./x") == ["file,./x"]


def test_the_manifest_is_where_the_outputs_are(tmp_path, source):
    run("encode", "in", "-o", "out")
    assert (tmp_path / "out" / MANIFEST).exists()
    assert not (source / MANIFEST).exists()

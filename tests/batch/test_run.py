"""What a run does with each file: done, up to date, ours to replace, foreign and left alone. Conversions here need no model."""

from __future__ import annotations

import os
import time
from contextlib import closing
from functools import partial

import pytest
from tests.batch.conversions import turned
from tests.batch.trees import MANIFEST, tree

from calotype.batch import pool
from calotype.batch.finding import Kind
from calotype.batch.outcomes import DONE, EXISTS, FAILED, PLANNED, UP_TO_DATE
from calotype.batch.planning import Request, plan
from calotype.errors import FileError, UsageError


@pytest.fixture
def source(tmp_path):
    for name in ("a.in", "b/c.in", "b/d.in"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(name.encode())
        os.utime(tmp_path / "in" / name, ns=(10**18, 10**18 + 123_456_789))
    return tmp_path / "in"


def do(*sources, engine=None, prefix=b"", **more):
    request = Request(
        verb="encode",
        sources=[str(source) for source in sources],
        settings={"prefix": prefix},
        kind=Kind(lambda head: False, (".in",)),
        convert=turned,
        suffix=".out",
        **{name: str(value) if name == "output" else value for name, value in more.items()},
    )
    with plan(request) as run, closing(run.do(engine)) as outcomes:
        return {outcome.name or outcome.source: outcome for outcome in outcomes}


def statuses(outcomes):
    return {name: outcome.status for name, outcome in outcomes.items()}


ALL = ("a.out", "b/c.out", "b/d.out")


@pytest.mark.parametrize("engine", [pool.alone, partial(pool.together, count=2)], ids=["alone", "together"])
def test_a_tree_is_mirrored(tmp_path, source, engine):
    """Same tree whoever works; times of change are kept; the manifest has every file; originals are as they were."""
    before = tree(source)
    outcomes = do(source, output=tmp_path / "out", engine=engine)
    assert statuses(outcomes) == dict.fromkeys(ALL, DONE)
    assert tree(tmp_path / "out", hidden=False) == {name[:-3] + ".out": data[::-1] for name, data in before.items()}
    assert (tmp_path / "out" / "a.out").stat().st_mtime_ns == 10**18 + 123_456_789
    assert tree(source) == before
    assert outcomes["a.out"].notes == ("turned",)
    assert len((tmp_path / "out" / MANIFEST).read_text().splitlines()) == 4


def test_what_is_unchanged_is_not_done_again(tmp_path, source):
    """A changed file is, a changed setting does all, a lost or cut output is made again, --force does all."""
    out = tmp_path / "out"
    again = partial(do, source, output=out)
    again()
    assert statuses(again()) == dict.fromkeys(ALL, UP_TO_DATE)
    (source / "a.in").write_bytes(b"new!")
    assert statuses(again()) == {"a.out": DONE, "b/c.out": UP_TO_DATE, "b/d.out": UP_TO_DATE}
    assert (out / "a.out").read_bytes() == b"!wen"
    os.utime(source / "a.in", ns=(1, 1))
    assert statuses(again())["a.out"] == DONE
    assert statuses(again(prefix=b">")) == dict.fromkeys(ALL, DONE)
    assert (out / "a.out").read_bytes() == b">!wen"
    (out / "a.out").unlink()
    (out / "b" / "c.out").write_bytes(b"")
    assert statuses(again(prefix=b">")) == {"a.out": DONE, "b/c.out": DONE, "b/d.out": UP_TO_DATE}
    assert statuses(again(prefix=b">", force=True)) == dict.fromkeys(ALL, DONE)


def test_what_is_not_ours_stays(tmp_path, source):
    """A file that was there before us is never replaced unasked, and is not ours after we failed over it."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.out").write_bytes(b"foreign")
    for _ in range(2):
        outcomes = do(source, output=out)
        assert outcomes["a.out"].status == FAILED
        assert outcomes["a.out"].error.exit_code == 8
        assert (out / "a.out").read_bytes() == b"foreign"
    assert statuses(do(source, output=out, skip_existing=True))["a.out"] == EXISTS
    assert statuses(do(source, output=out, force=True)) == dict.fromkeys(ALL, DONE)
    assert (out / "a.out").read_bytes() == b"ni.a"


def test_failures_do_not_stop_the_rest(tmp_path, source):
    (source / "broken.in").write_bytes(b"broken")
    (source / "bug.in").write_bytes(b"bug")
    outcomes = do(source, source / "missing", output=tmp_path / "out")
    assert {name: outcome.error.exit_code for name, outcome in outcomes.items() if outcome.error} == {
        "broken.out": 4,
        "bug.out": 1,
        str(source / "missing"): 9,
    }
    assert "bug" in outcomes["bug.out"].error.message
    assert sorted(tree(tmp_path / "out", hidden=False)) == sorted(ALL)
    assert "broken" not in (tmp_path / "out" / MANIFEST).read_text()


def test_a_process_that_dies_fails_its_file_only(tmp_path, source):
    """Killed by the system for memory, say: the others are done, the message says what to do."""
    (source / "b" / "cc.in").write_bytes(b"deadly")
    outcomes = do(source, output=tmp_path / "out", engine=partial(pool.together, count=2))
    dead = outcomes.pop("b/cc.out")
    assert dead.error.type == "WorkerDied"
    assert "SIGKILL" in dead.error.message
    assert "--jobs" in dead.error.message
    assert statuses(outcomes) == dict.fromkeys(ALL, DONE)
    assert not list((tmp_path / "out").rglob("*.part"))


def test_stopping_keeps_what_is_finished(tmp_path, source):
    """Closing the iterator, as Ctrl-C does, ends the workers at once; the next run goes on."""
    (source / "b" / "slow.in").write_bytes(b"slow")
    request = Request(
        verb="encode",
        sources=[str(source)],
        output=str(tmp_path / "out"),
        kind=Kind(lambda head: False, (".in",)),
        convert=turned,
        suffix=".out",
    )
    begun = time.monotonic()
    with plan(request) as run, closing(run.do(partial(pool.together, count=2))) as outcomes:
        for _ in range(3):
            next(outcomes)
    assert time.monotonic() - begun < 30
    assert sorted(tree(tmp_path / "out", hidden=False)) == sorted(ALL)
    (source / "b" / "slow.in").write_bytes(b"quick")
    after = do(source, output=tmp_path / "out")
    assert statuses(after) == {**dict.fromkeys(ALL, UP_TO_DATE), "b/slow.out": DONE}


def test_a_dry_run_writes_nothing(tmp_path, source):
    assert statuses(do(source, output=tmp_path / "out", dry=True)) == dict.fromkeys(ALL, PLANNED)
    assert not (tmp_path / "out").exists()
    do(source, output=tmp_path / "out")
    before = tree(tmp_path)
    assert statuses(do(source, output=tmp_path / "out", dry=True)) == dict.fromkeys(ALL, UP_TO_DATE)
    assert tree(tmp_path) == before


def test_where_outputs_go(tmp_path, source):
    """Beside their sources; a named file into a folder or to a name; several folders into one."""
    assert sorted(do(source)) == sorted(ALL)
    assert (source / "b" / "c.out").exists()
    assert (source / MANIFEST).exists()
    do(source / "a.in", output=tmp_path / "named.out")
    assert (tmp_path / "named.out").read_bytes() == b"ni.a"
    do(source / "a.in", output=f"{tmp_path}/new/")
    assert (tmp_path / "new" / "a.out").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "e.in").write_bytes(b"e")
    assert sorted(do(source, other, output=tmp_path / "both")) == sorted([*ALL, "e.out"])
    do(other / "e.in")
    assert not (other / MANIFEST).exists()  # one file, named: no account is kept
    assert sorted(do(source, output=tmp_path / "kept", keep_suffix=True)) == [name[:-4] + ".in.out" for name in ALL]


def test_what_cannot_be_is_said_before_anything_is_done(tmp_path, source):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="several outputs need a folder"):
        do(source, output=tmp_path / "file")
    (source / "a.png").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"would both be a\.out"):
        do(source, source / "b" / ".." / "a.in", source / "a.png", output=tmp_path / "out")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "x.txt").write_bytes(b"")
    with pytest.raises(UsageError, match=r"nothing to encode.*1 \.txt"):
        do(empty, output=tmp_path / "out")
    with pytest.raises(UsageError, match="--skip-existing"):
        do(source, output=tmp_path / "out", force=True, skip_existing=True)
    with pytest.raises(UsageError, match="--replace"):
        do(source, output=tmp_path / "out", replace=True)
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_made(tmp_path, source):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b").write_bytes(b"a file where a folder should be")
    outcomes = do(source, output=tmp_path / "out")
    assert statuses(outcomes)["a.out"] == DONE
    assert outcomes["b/c.out"].error.exit_code == 9


def test_a_private_store_is_worked_on_by_this_process(source):
    pytest.importorskip("fsspec")
    outcomes = do(source, output="memory://private")
    assert {outcome.worker for outcome in outcomes.values()} == {os.getpid()}

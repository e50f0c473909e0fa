"""Stores that fsspec opens: its memory, archives, and a local file system taken for a foreign one."""

from __future__ import annotations

import zipfile
from contextlib import closing

import pytest
from tests.batch.conversions import turned
from tests.batch.trees import MANIFEST, tree

from calotype.batch import buckets, pool
from calotype.batch.finding import Kind
from calotype.batch.outcomes import DONE, FAILED, UP_TO_DATE
from calotype.batch.places import Spot
from calotype.batch.planning import Request, plan
from calotype.errors import FileError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory():
    store = fsspec.filesystem("memory")
    store.store.clear()
    yield store
    store.store.clear()


def do(*sources, prefix=b"", **more):
    request = Request(
        verb="encode",
        sources=[str(source) for source in sources],
        settings={"prefix": prefix},
        kind=Kind(lambda head: False, (".in",)),
        convert=turned,
        suffix=".out",
        **more,
    )
    with plan(request) as run, closing(run.do()) as outcomes:
        return {outcome.name or outcome.source: outcome for outcome in outcomes}


def statuses(outcomes):
    return {name: outcome.status for name, outcome in outcomes.items()}


NAMES = ("a.out", "b/c.out", "b/d.out")


@pytest.fixture
def source(memory):
    for name in ("a.in", "b/c.in", "b/d.in", "b/.hidden.in", "b/e.txt"):
        memory.pipe_file(f"/bucket/in/{name}", name.encode())
    return "memory://bucket/in"


def test_from_bucket_to_bucket(memory, source):
    """Mirrored, recorded in one manifest there, and not done twice; changed settings do all again."""
    target = "memory://bucket/out"
    assert statuses(do(source, output=target)) == dict.fromkeys(NAMES, DONE)
    assert sorted(memory.find("/bucket/out")) == [f"/bucket/out/{name}" for name in (MANIFEST, *NAMES)]
    assert memory.cat_file("/bucket/out/b/c.out") == b"ni.c/b"
    assert statuses(do(source, output=target)) == dict.fromkeys(NAMES, UP_TO_DATE)
    memory.pipe_file("/bucket/in/a.in", b"changed")
    assert statuses(do(source, output=target))["a.out"] == DONE
    assert statuses(do(source, output=target, prefix=b">")) == dict.fromkeys(NAMES, DONE)
    assert memory.cat_file("/bucket/out/a.out") == b">degnahc"


def test_between_a_bucket_and_this_machine(tmp_path, memory, source):
    do(source, output=str(tmp_path / "out"))
    assert sorted(tree(tmp_path / "out", hidden=False)) == sorted(NAMES)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.in").write_bytes(b"x")
    assert statuses(do(tmp_path / "in", output="memory://bucket/x")) == {"x.out": DONE}
    assert do("memory://bucket/in/a.in", output=str(tmp_path / "one.out"))
    assert (tmp_path / "one.out").read_bytes() == b"ni.a"


def test_a_run_that_died_in_a_bucket(memory, source):
    """Its parts are read: what is finished is not done again, what was announced is ours to replace."""
    request = Request(
        verb="encode",
        sources=[source],
        output="memory://bucket/out",
        settings={"prefix": b""},
        kind=Kind(lambda head: False, (".in",)),
        convert=turned,
        suffix=".out",
    )
    run = plan(request)
    outcomes = run.do(pool.alone)
    next(outcomes)
    next(outcomes)
    for known in run.manifests.values():
        known._send()  # as after two seconds; the run is never closed
    parts = [path for path in memory.find("/bucket/out") if "manifest" in path]
    assert parts
    assert "/bucket/out/" + MANIFEST not in parts
    after = statuses(do(source, output="memory://bucket/out"))
    assert sorted(after.values()) == [DONE, UP_TO_DATE, UP_TO_DATE]
    assert sorted(memory.find("/bucket/out")) == [f"/bucket/out/{name}" for name in (MANIFEST, *NAMES)]
    run.manifests.clear()
    outcomes.close()


def test_what_is_there_already_stays(memory, source):
    memory.pipe_file("/bucket/out/a.out", b"foreign")
    outcomes = do(source, output="memory://bucket/out")
    assert outcomes["a.out"].status == FAILED
    assert outcomes["a.out"].error.exit_code == 8
    assert memory.cat_file("/bucket/out/a.out") == b"foreign"


def test_patterns_and_archives(tmp_path, memory, source):
    assert sorted(do("memory://bucket/in/b/*.in", output="memory://bucket/some")) == ["c.out", "d.out"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/one.in", b"one")
        archive.writestr("two.in", b"two")
        archive.writestr("../evil.in", b"out of the folder")
    outcomes = do(f"zip://::{tmp_path}/a.zip", output=str(tmp_path / "deep" / "out"))
    assert {name for name, outcome in outcomes.items() if outcome.status == DONE} >= {"x/one.out", "two.out"}
    assert not list(tmp_path.rglob("evil.*"))
    assert not (tmp_path / "deep" / "evil.out").exists()
    with pytest.raises(FileError, match="read-only"):
        do(f"zip://two.in::{tmp_path}/a.zip", output=f"zip://::{tmp_path}/a.zip")


def test_stores_without_whole_uploads_get_a_temporary_name(tmp_path, monkeypatch):
    """fsspec's local file system, spelled so that it is not taken for this machine's own."""
    seen = []
    store, _ = buckets._opened(f"local://{tmp_path}")
    real = store.pipe_file
    monkeypatch.setattr(store, "pipe_file", lambda path, data: (seen.append(path), real(path, data)))
    place = Spot(f"local://{tmp_path}", f"{tmp_path}/new/a.out")
    buckets.write(place, b"data", replace=False, mark="m")
    assert [path.rpartition("/")[2] for path in seen] == [".a.out.m.part"]
    assert tree(tmp_path) == {"new/a.out": b"data"}


@pytest.mark.parametrize("address", ["nosuch://bucket/a", "memory://bucket/none"])
def test_stores_that_are_not_there(memory, address):
    outcomes = do(address, output="memory://bucket/out")
    assert outcomes[address].status == FAILED
    assert outcomes[address].error.exit_code in (6, 9)


def test_a_store_that_fails_is_told_by_the_file(memory, source, monkeypatch):
    def refused(*_, **__):
        raise RuntimeError("the network is down")

    monkeypatch.setattr(type(memory), "cat_file", refused)
    outcomes = do(source, output="memory://bucket/out")
    assert all("network is down" in outcome.error.message for outcome in outcomes.values())
    assert {outcome.error.exit_code for outcome in outcomes.values()} == {9}

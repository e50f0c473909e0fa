"""What a manifest knows after a kill at any byte, after another run, and after foreign hands."""

from __future__ import annotations

import json

import pytest

from calotype.batch import manifest
from calotype.batch.outcomes import Outcome
from calotype.batch.places import Spot, Stamp
from calotype.errors import FileError

SETTINGS = "0123456789abcdef"


def outcome(name, size=10):
    return Outcome(
        source=f"/in/{name}",
        target=f"/out/{name}",
        name=name,
        relative=f"{name}.png",
        source_bytes=size,
        mtime_ns=7,
        target_bytes=3,
        digest="d" * 32,
    )


def opened(folder, mark="m1x", write=True):
    return manifest.open_for(Spot("", str(folder)), write=write, mark=mark)


def filled(folder, names=("a", "b", "c")):
    """A manifest as a kill leaves it: never closed."""
    known = opened(folder)
    for name in names:
        known.begin([name])
        known.done(outcome(name), SETTINGS)
    known.begin(["last"])
    import os

    os.close(known._handle)
    return folder / manifest.NAME


def test_up_to_date_is_same_source_same_settings_and_an_output_of_that_size(tmp_path):
    filled(tmp_path)
    known = opened(tmp_path)
    source, output = Stamp(10, 7), Stamp(3, 0)
    assert known.up_to_date("a", source, SETTINGS, output) is not None
    for other in (
        known.up_to_date("a", Stamp(11, 7), SETTINGS, output),
        known.up_to_date("a", Stamp(10, 8), SETTINGS, output),
        known.up_to_date("a", source, "other", output),
        known.up_to_date("a", source, SETTINGS, Stamp(4, 0)),
        known.up_to_date("a", source, SETTINGS, None),
        known.up_to_date("last", source, SETTINGS, output),
        known.up_to_date("none", source, SETTINGS, output),
    ):
        assert other is None
    known.close()


def test_a_manifest_cut_at_any_byte_forgets_at_most_what_is_cut(tmp_path):
    """And what it still knows is right; the next line that is written stands on a line of its own."""
    path = filled(tmp_path)
    text = path.read_bytes()
    for cut in range(0, len(text), 7):
        path.write_bytes(text[:cut])
        complete = [json.loads(line) for line in text[:cut].split(b"\n")[:-1]]
        known = opened(tmp_path)
        names = {line["output"] for line in complete if "output" in line}
        assert names <= set(known.entries) <= names | {"a", "b", "c"}
        assert all(entry.output_size == 3 for entry in known.entries.values())
        known.begin(["new"])
        known.done(outcome("new"), SETTINGS)
        known.close()
        again = opened(tmp_path)
        assert "new" in again.entries
        again.close()


def test_closing_puts_it_in_order_and_drops_what_is_over(tmp_path):
    path = filled(tmp_path, ("c", "a", "b"))
    known = opened(tmp_path)
    assert known.dead == {"m1x"}
    known.begin(["last"])
    known.done(outcome("last"), SETTINGS)
    known.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"calotype_manifest": 1}
    assert [line["output"] for line in lines[1:]] == ["a", "b", "c", "last"]
    before = path.stat().st_mtime_ns
    opened(tmp_path).close()
    assert path.stat().st_mtime_ns == before  # nothing to do, nothing written


def test_ours_is_what_was_announced(tmp_path):
    """An output that a killed run may have written is ours; one that a run failed to write is not."""
    filled(tmp_path)
    known = opened(tmp_path)
    assert known.ours("a")
    assert known.ours("last")
    assert not known.ours("foreign")
    known.begin(["foreign"])
    known.spared("foreign")
    assert not known.ours("foreign")
    known.begin(["last"])
    known.spared("last")
    assert known.ours("last")
    known.close()
    assert not opened(tmp_path).ours("foreign")


def test_one_run_at_a_time(tmp_path):
    known = opened(tmp_path)
    known.begin(["a"])
    with pytest.raises(FileError, match="another run") as caught:
        opened(tmp_path)
    assert caught.value.exit_code == 9
    opened(tmp_path, write=False)  # a look is allowed
    known.close()
    opened(tmp_path).close()


def test_a_look_makes_nothing(tmp_path):
    opened(tmp_path / "none", write=False).close()
    opened(tmp_path / "none").close()
    assert not (tmp_path / "none").exists()


def test_names_that_are_no_text_survive(tmp_path):
    name = b"\xff\xfe\n.png".decode("utf-8", "surrogateescape")
    known = opened(tmp_path)
    known.begin([name])
    known.done(outcome(name), SETTINGS)
    known.close()
    assert name in opened(tmp_path).entries


def test_settings_digest():
    """Threads change nothing, nothing is like absent, and all else counts."""
    digest = manifest.settings_digest
    assert digest("encode", {"quality": 60}) == digest(
        "encode", {"quality": 60, "threads": 4, "strip": (), "bpp": None}
    )
    assert (
        len({digest("encode", {"quality": 60}), digest("encode", {"quality": 61}), digest("decode", {"quality": 60})})
        == 3
    )

"""Names of outputs: derived, and checked for collisions before anything is written."""

from __future__ import annotations

import pytest

from calotype.batch import naming, places
from calotype.batch.outcomes import Job
from calotype.batch.places import Spot
from calotype.errors import UsageError


def jobs(*names, root=0):
    return [
        Job(source=Spot("", f"/in/{number}{name}"), target=Spot("", f"/out/{name}"), name=name, root=root)
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("relative", "keep", "name"),
    [
        ("a.png", False, "a.calo"),
        ("b/a.png", True, "b/a.png.calo"),
        ("a.tar.png", False, "a.tar.calo"),
        ("bare", False, "bare.calo"),
    ],
)
def test_coded_names(relative, keep, name):
    assert naming.coded_name(relative, keep_suffix=keep) == name


@pytest.mark.parametrize(
    ("relative", "keep", "name"),
    [
        ("a.calo", False, "a.png"),
        ("b/a.jpg.calo", False, "b/a.png"),
        ("b/a.jpg.calo", True, "b/a.jpg.png"),
        ("v1.2.calo", False, "v1.2.png"),
        ("bare", False, "bare.png"),
    ],
)
def test_picture_names(relative, keep, name):
    assert naming.picture_name(relative, ".png", keep_suffix=keep, known=(".jpg", ".png")) == name


def test_collisions_are_told_with_both_inputs_and_the_way_out():
    with pytest.raises(UsageError, match=r"/in/0a.calo and /in/1a.calo would both be a.calo; do this") as caught:
        naming.check(jobs("a.calo", "a.calo", "b.calo"), [Spot("", "/out")], "do this")
    assert caught.value.exit_code == 2
    many = [f"{number // 2}.calo" for number in range(40)]
    with pytest.raises(UsageError, match="and 15 more"):
        naming.check(jobs(*many), [Spot("", "/out")], "")


def test_one_file_named_twice_is_one_file(tmp_path):
    once = jobs("a.calo")
    assert naming.check(once * 2, [Spot("", str(tmp_path))], "")[0] == once


@pytest.mark.parametrize(
    ("first", "second"), [("A.calo", "a.calo"), ("e\u0301.calo", "\u00e9.calo"), ("ß.calo", "SS.calo")]
)
def test_names_that_other_systems_take_for_one(tmp_path, monkeypatch, first, second):
    """An error where the folder takes them for one, a note elsewhere."""
    root = [Spot("", str(tmp_path / "not there yet"))]
    monkeypatch.setattr(naming, "tells_apart", lambda root: True)
    kept, notes = naming.check(jobs(first, second), root, "")
    assert len(kept) == 2
    assert "Windows and macOS" in notes[0]
    monkeypatch.setattr(naming, "tells_apart", lambda root: False)
    with pytest.raises(UsageError, match="several inputs would become one file"):
        naming.check(jobs(first, second), root, "")


def test_whether_a_folder_tells_names_apart_is_tried_out(tmp_path):
    (tmp_path / "X").touch()
    assert naming.tells_apart(Spot("", str(tmp_path / "not there yet"))) == (not (tmp_path / "x").exists())
    assert [path.name for path in tmp_path.iterdir()] == ["X"]


def test_the_same_name_in_two_roots_is_no_collision(tmp_path):
    roots = [Spot("", str(tmp_path / "1")), Spot("", str(tmp_path / "2"))]
    assert len(naming.check(jobs("a.calo") + jobs("a.calo", root=1), roots, "")[0]) == 2


def test_addresses_and_paths():
    assert not places.is_address("C:\\pictures\\a.png")
    assert not places.is_address("a:b.png")
    assert places.is_address("s3://bucket/a.png")
    assert places.is_address("zip://a.png::/tmp/b.zip")
    assert places.spot("file:///tmp/a.png") == Spot("", "/tmp/a.png")

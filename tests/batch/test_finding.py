"""Which files are found, in which order, and what is passed over, counted or reported."""

from __future__ import annotations

import os

import pytest

from calotype.batch import finding
from calotype.errors import FileError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b/c.jpg", "b/.hidden.png", ".cache/d.png", "b/deeper/e.png", "b/no suffix"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    return tmp_path / "in"


def found(*words, kind=None):
    result = finding.search([str(word) for word in words], kind or finding.pictures())
    return [item.relative for item in result.found], result


def test_a_folder_is_walked_in_the_order_of_names(folder):
    """Pictures by suffix or by first bytes; hidden names and others are counted."""
    names, result = found(folder)
    assert names == ["a.png", "b/c.jpg", "b/no suffix", "b/deeper/e.png"]
    assert result.left == {"hidden": 2, ".txt": 1}
    assert not result.failures


def test_loops_and_links(folder):
    """A folder is entered once, by its real name if that is there; links to nowhere and pipes are passed over."""
    (folder / "b" / "up").symlink_to(folder)
    (folder / "again").symlink_to(folder / "b" / "deeper")
    (folder / "nowhere.png").symlink_to(folder / "none")
    (folder / "itself.png").symlink_to(folder / "itself.png")
    (folder / "link.png").symlink_to(folder / "a.png")
    os.mkfifo(folder / "pipe.png")
    names, result = found(folder)
    assert names == ["a.png", "link.png", "b/c.jpg", "b/no suffix", "b/deeper/e.png"]
    assert result.left["linked twice"] == 2
    assert result.left["no file"] == 3


def test_what_is_named_is_tried_and_what_is_missing_does_not_stop_the_rest(folder):
    names, result = found(folder / "notes.txt", folder / "none.png", folder / "a.png", "")
    assert names == ["notes.txt", "a.png"]
    assert [(word, type(error)) for word, error in result.failures] == [
        (str(folder / "none.png"), FileError),
        ("", FileError),
    ]


def test_patterns_that_no_shell_has_expanded(folder):
    """One that fits nothing is reported beside the others; names below the fixed part are kept."""
    names, result = found("in/*.png", "in/**/*.jpg", "in/*.bmp")
    assert names == ["a.png", "b/c.jpg"]
    assert [word for word, _ in result.failures] == ["in/*.bmp"]
    assert {str(item.root) for item in result.found} == {"in"}
    (folder / "[1].png").write_bytes(PNG)
    assert found("in/[1].png")[0] == ["[1].png"]  # a name, because it is there


def test_an_unreadable_folder_is_reported(folder, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("deeper"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    names, result = found(folder)
    assert "b/deeper/e.png" not in names
    assert len(result.failures) == 1
    assert "Permission denied" in str(result.failures[0][1])


def test_calo_files_are_known_by_their_first_bytes(folder):
    from calotype.container.layout import MAGIC

    (folder / "photo").write_bytes(MAGIC + bytes(9))
    (folder / "cut.calo").write_bytes(b"")
    assert found(folder, kind=finding.coded_pictures())[0] == ["cut.calo", "photo"]

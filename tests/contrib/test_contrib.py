"""What stands in contrib/ is right: by the constants of the format, and by the tools it is for where they are there."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import calotype
from calotype.container.layout import MAGIC

CONTRIB = Path(__file__).parents[2] / "contrib"
MIME = "image/x-calotype"


@pytest.fixture(scope="module")
def coded(tmp_path_factory):
    path = tmp_path_factory.mktemp("contrib") / "a.calo"
    rows, columns = np.mgrid[0:60, 0:90]
    path.write_bytes(calotype.encode(np.stack([rows, columns, rows + columns], -1).astype(np.uint8)))
    return path


def test_the_mime_type_has_the_magic_of_the_format():
    space = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    root = ET.parse(CONTRIB / "calotype.xml").getroot()
    kind, match, pattern = (root.find(f".//m:{name}", space) for name in ("mime-type", "match", "glob"))
    assert kind is not None and kind.get("type") == MIME
    assert match is not None and match.get("offset") == "0"
    value = re.sub(r"\\x(..)", lambda found: chr(int(found[1], 16)), match.get("value", ""))
    assert value.encode("latin-1") == MAGIC
    assert pattern is not None and pattern.get("pattern") == "*.calo"


def test_the_system_takes_the_mime_type(tmp_path):
    if not shutil.which("update-mime-database"):
        pytest.skip("update-mime-database is not here")
    (tmp_path / "packages").mkdir()
    shutil.copy(CONTRIB / "calotype.xml", tmp_path / "packages")
    subprocess.run(["update-mime-database", tmp_path], check=True, capture_output=True)
    assert f"50:{MIME}:*.calo" in (tmp_path / "globs2").read_text().splitlines()
    assert MAGIC in (tmp_path / "magic").read_bytes()


def test_file_knows_a_picture_and_one_that_is_damaged(tmp_path, coded):
    if not shutil.which("file"):
        pytest.skip("file(1) is not here")

    def said(path, *more):
        words = ["file", "-m", CONTRIB / "magic", "--brief", *more, path]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

    assert said(coded) == "Calotype picture, version 1.0"
    assert said(coded, "--mime-type") == MIME
    (tmp_path / "bad").write_bytes(MAGIC + bytes(40))
    assert said(tmp_path / "bad") == "Calotype picture, damaged"
    (tmp_path / "text").write_bytes(MAGIC.replace(b"\r\n", b"\n") + bytes(40))  # as a transfer in text mode leaves it
    assert "Calotype" not in said(tmp_path / "text")


def test_the_thumbnailer_makes_a_small_png(tmp_path, coded):
    entry = configparser.RawConfigParser()
    entry.read(CONTRIB / "calotype.thumbnailer")
    words = entry["Thumbnailer Entry"]["Exec"].split()
    assert entry["Thumbnailer Entry"]["MimeType"] == MIME + ";"
    said = {"%s": "32", "%i": str(coded), "%o": str(tmp_path / "out.png")}
    subprocess.run([sys.executable, CONTRIB / words[0], *(said.get(word, word) for word in words[1:])], check=True)
    assert Image.open(tmp_path / "out.png").size == (32, 21)

"""Names, groups and families of codecs; what is said where a library is absent; and that nothing heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calotype.bench import codecs
from calotype.bench.codecs import adapter, registry
from calotype.errors import ExtraMissing, ModelError, UsageError
from calotype.model import store

# Named by the issue: what a user would pick instead.
WANTED = """jpeg-420 jpeg-444 jpeg2000 jpegxr jpegls webp webp-lossless png avif-444 avif-420 avif-444-psnr avif-420-psnr
avif-444-psnr-slow jpegxl-e7 jpegxl-e9 jpegxl-e7-lossless jpegxl-e9-lossless heic-444 heic-420 x265-444-10b vvc-420"""


def test_what_people_use_is_there():
    assert set(WANTED.split()) <= set(codecs.names())
    assert {"swift"} <= set(codecs.names()) and codecs.names()[0] in store.names()


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(UsageError, match="jpeg-420"):
        codecs.get("jpeg420")
    with pytest.raises(UsageError):
        codecs.get("nowhere/model.onnx")


def test_a_model_file_is_a_codec_by_its_path(tmp_path):
    path = tmp_path / "mine.calomodel"
    path.write_bytes(next((store.packaged()).glob("swift.calomodel")).read_bytes())
    mine, swift = codecs.get(str(path)), codecs.get("swift")
    pixels = np.full((32, 40, 3), 90, np.uint8)
    assert mine.encode(pixels, 50.0) == swift.encode(pixels, 50.0)
    assert np.array_equal(mine.decode(mine.encode(pixels, 50.0)), swift.decode(swift.encode(pixels, 50.0)))
    assert mine.describe()["model"] == swift.describe()["model"] and "mine" in mine.title
    path.write_bytes(b"no model")
    with pytest.raises(ModelError):
        codecs.get(str(path))


def test_words_become_names_once_each():
    found = codecs.expand(["swift", "jpeg", "png", "jpeg-444", "unheard-of"])
    assert found == ("swift", "jpeg-420", "jpeg-444", "png", "unheard-of")
    for group in codecs.GROUPS:
        names = codecs.expand([group])
        assert names and len(set(names)) == len(names)
    lossy, lossless = codecs.expand(["lossy"]), codecs.expand(["lossless"])
    assert set(lossy) | set(lossless) == set(codecs.expand(["all"])) and not set(lossy) & set(lossless)
    assert not registry.FAST - set(codecs.names())


def test_groups_families_and_names_do_not_meet():
    """A word must not mean two things; a family may have the name of its only codec."""
    families = {codec.family for codec in registry._known().values()}
    assert not set(codecs.GROUPS) & (set(codecs.names()) | families)
    for name in families & set(codecs.names()):
        assert registry._known()[name].family == name


def test_an_absent_library_is_said_with_its_command(monkeypatch):
    monkeypatch.setattr(adapter, "installed", lambda module: module == "PIL")
    for name, package in {"jpegxl-e7": "imagecodecs", "heic-444": "pillow-heif", "vvc-420": "imageio-ffmpeg"}.items():
        with pytest.raises(ExtraMissing, match="pip install 'calotype\\[bench\\]'") as caught:
            codecs.get(name)
        assert caught.value.package == package and caught.value.exit_code == 6
        assert isinstance(codecs.missing(name), ExtraMissing)
        assert name in codecs.names() and name not in codecs.available() and name not in codecs.expand(["all"])
        assert codecs.expand([name]) == (name,)  # asked for by name, it is not left out in silence
    assert "jpeg-420" in codecs.available()


def test_names_need_no_library():
    code = """
import sys
from pathlib import Path
from calotype.bench import codecs
assert len(codecs.names()) > 20
heavy = {"PIL", "imagecodecs", "pillow_heif", "imageio_ffmpeg", "onnxruntime", "scipy", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_page_says_every_codec_with_its_settings():
    """docs/bench-codecs.md, row by row."""
    page = (Path(__file__).parents[3] / "docs" / "bench-codecs.md").read_text(encoding="utf-8")
    for name in codecs.available():
        codec = codecs.get(name)
        if codec.family != "calotype":
            levels = "–" if codec.lossless else " ".join(f"{level:g}" for level in codec.levels)
            assert f"| `{name}` | {codec.title} | {codec.describe()['settings']} | {levels} |" in page
